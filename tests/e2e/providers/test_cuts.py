"""A voice over a reply, with a real sound server: silence, a mark, and what the model is told."""

import signal
from collections.abc import Iterator

import pytest

from tests.e2e.plain.program import Program
from tests.e2e.providers.dialects import DIALECTS, LONG_MS, Listener, hears, kinds, until
from tests.e2e.voice.conftest import Voice
from tests.e2e.voice.listening import is_quiet, loud_ms
from tests.fakes.pulse import PulseServer
from voicechat.conversation.journal import JournalItem, load

pytestmark = pytest.mark.sound

CUTS = ("response.cancel", "conversation.item.truncate")


@pytest.fixture(scope="module")
def pulse() -> Iterator[PulseServer]:
    with PulseServer() as sound:
        yield sound


@pytest.mark.parametrize("name", DIALECTS)
async def test_a_voice_over_a_reply_cuts_it_and_is_answered(
    program: Program, pulse: PulseServer, voice: Voice, name: str
) -> None:
    dialect = DIALECTS[name]
    dialect.configure(program)
    async with dialect.serving(dialect.scripts.long) as server:
        wanted = (*dialect.options(server), "--hands-free")
        async with program.running(*wanted, env=dialect.environ(pulse.env)) as process:
            told = Listener(process)
            await until(lambda: hears(server), "sound of the microphone")
            with pulse.record_loudspeaker() as played:
                first = pulse.play_to_microphone(voice("good morning everybody"), wait=False)
                await until(lambda: loud_ms(played.pcm) > 1000, "a second of the reply")
                second = pulse.play_to_microphone(voice("wait a moment please"), wait=False)
                await until(lambda: len(told.of("reply_done")) >= 2, "the second reply")
                await until(lambda: is_quiet(played.pcm, 300), "silence")
                sounded_ms = loud_ms(played.pcm)
                first.wait()
                second.wait()
            process.send_signal(signal.SIGTERM)
            await told.end()
        said = [kind for kind in kinds(server) if kind in CUTS]
    assert [event["status"] for event in told.of("reply_done")] == ["cancelled", "completed"]
    assert sounded_ms < LONG_MS * 0.7
    assert tuple(said) == dialect.cut_by
    lacks = [event for event in told.of("notice") if event["code"] == "no_truncation"]
    assert len(lacks) == dialect.warns
    first_answer, second_answer = answers(program)
    assert first_answer.cut and not second_answer.cut and second_answer.text == "Yes."
    if not dialect.yields:
        assert 900 < first_answer.heard_ms < sounded_ms + 200
        assert len(first_answer.heard_text) < len(first_answer.text)


def answers(program: Program) -> list[JournalItem]:
    """What the journal holds of the model's."""
    (path,) = program.data.glob("conversations/*.jsonl")
    return [item for item in load(path).items if item.role == "assistant"]
