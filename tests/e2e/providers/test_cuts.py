"""A voice over a reply, with a real sound server: silence, a mark, and what the model is told."""

import signal
from collections.abc import Iterator

import pytest

from tests.e2e.plain.program import Program
from tests.e2e.providers.dialects import DIALECTS, LONG_MS, Listener, hears, kinds, until
from tests.e2e.voice.listening import is_quiet, loud_ms
from tests.fakes.ga_signal import tone
from tests.fakes.pulse import PulseServer
from voicechat.journal import load

pytestmark = pytest.mark.sound

CUTS = ("response.cancel", "conversation.item.truncate")


@pytest.fixture(scope="module")
def pulse() -> Iterator[PulseServer]:
    with PulseServer() as sound:
        yield sound


@pytest.mark.parametrize("name", DIALECTS)
async def test_a_voice_over_a_reply_cuts_it_and_is_answered(
    program: Program, pulse: PulseServer, name: str
) -> None:
    dialect = DIALECTS[name]
    dialect.configure(program)
    async with dialect.serving(dialect.scripts.long) as server:
        wanted = (*dialect.options(server), "--hands-free")
        async with program.running(*wanted, env=dialect.environ(pulse.env)) as process:
            told = Listener(process)
            await until(lambda: hears(server), "sound of the microphone")
            with pulse.record_loudspeaker() as played:
                first = pulse.play_to_microphone(tone(800), wait=False)
                await until(lambda: loud_ms(played.pcm) > 1000, "a second of the reply")
                second = pulse.play_to_microphone(tone(700), wait=False)
                ends = lambda: [event["status"] for event in told.of("reply_done")]  # noqa: E731
                await until(lambda: len(ends()) >= 2, "the end of the second reply")
                await until(lambda: is_quiet(played.pcm, 300), "silence")
                sounded_ms = loud_ms(played.pcm)
                first.wait()
                second.wait()
            process.send_signal(signal.SIGTERM)
            await told.end()
        said = [kind for kind in kinds(server) if kind in CUTS]
    assert ends() == ["cancelled", "completed"]
    assert sounded_ms < LONG_MS * 0.7
    assert tuple(said) == dialect.cut_by
    lacks = [event for event in told.of("notice") if event["code"] == "no_truncation"]
    assert len(lacks) == dialect.warns
    check_journal(program, sounded_ms)


def check_journal(program: Program, sounded_ms: float) -> None:
    """The cut reply is marked, with what was heard of it; the second is whole."""
    (path,) = program.data.glob("conversations/*.jsonl")
    answers = [item for item in load(path).items if item.role == "assistant"]
    assert [answer.cut for answer in answers] == [True, False]
    assert 900 < answers[0].heard_ms < sounded_ms + 200
    assert len(answers[0].heard_text) < len(answers[0].text) or not answers[0].text
    assert answers[1].text == "Yes."
