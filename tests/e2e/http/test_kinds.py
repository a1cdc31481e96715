"""Every kind of chat service by voice: a file is spoken, the answer saved, as scripts do it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from tests.e2e.http.vendor import KEY, Vendor
from tests.e2e.plain.program import Outcome, Program
from tests.e2e.providers.dialects import TOOL
from tests.e2e.providers.family_calls import write_wav
from tests.e2e.providers.test_tools import ANSWER, SECTION
from tests.fakes.ga_signal import read_wav, tone
from tests.fakes.http_chat import Call, Script
from tests.fakes.http_chat_answers import MS_PER_WORD, PITCH
from tests.fakes.http_speech_vendors import PITCH as MOUTH_PITCH
from tests.fakes.http_speech_vendors import hear_pcm
from tests.front.pictures.drawn import photo, saved

SPOKEN_MS = 1200


@dataclass(frozen=True, slots=True)
class Kind:
    """One way in which chat services are spoken to by voice."""

    model: str
    provider: str
    key_env: str
    pitch: int
    """Hz of the voice that must answer."""
    calls: bool = False
    """Whether it can have tools run."""
    sees: bool = False
    hears: bool = True
    """Whether the model gets the sound itself, not words that somebody wrote down."""
    path: str = "/v1/chat/completions"
    own: Mapping[str, str] = field(default_factory=dict)
    """More lines for its section in the config."""


KINDS = {
    "openai-sound": Kind("gpt-audio-1.5", "openai", "OPENAI_API_KEY", PITCH["openai"], calls=True),
    "glm-sound": Kind("glm-4-voice", "glm", "ZHIPUAI_API_KEY", PITCH["glm"]),
    "qwen-sound": Kind("qwen3.5-omni-plus", "qwen", "DASHSCOPE_API_KEY", PITCH["qwen"], sees=True),
    "gemini": Kind(
        "gemini-3.8-flash",
        "gemini",
        "GEMINI_API_KEY",
        MOUTH_PITCH["gemini"],
        calls=True,
        sees=True,
        hears=False,
        path="/v1beta/models/gemini-3.8-flash:streamGenerateContent",
    ),
    "openai-parts": Kind(
        "chat/chat-1",
        "chat",
        "MINE",
        MOUTH_PITCH["openai"],
        calls=True,
        sees=True,
        hears=False,
        own={"ears_model": "whisper-1", "mouth_model": "tts-1", "api_key_env": "MINE"},
    ),
}


def configure(program: Program, vendor: Vendor, kind: Kind, more: str = "") -> None:
    url = vendor.gemini_url if kind.provider == "gemini" else vendor.url
    lines = {"http_url": url, **kind.own}
    section = "".join(f'{name} = "{value}"\n' for name, value in lines.items())
    voice = 'voice = "alloy"\n' if kind.provider == "chat" else ""
    program.config.write_text(f"{voice}[providers.{kind.provider}]\n{section}{more}")


async def ask(program: Program, kind: Kind, *options: str, stdin: str = "") -> Outcome:
    wanted = ("--plain", "--json", "--model", kind.model, *options)
    done = await program.run(*wanted, stdin=stdin, env={kind.key_env: KEY})
    assert KEY not in done.out + done.err and program.holds(KEY) == []
    return done


@pytest.mark.parametrize("name", KINDS)
async def test_a_spoken_file_is_answered_by_a_voice(
    program: Program, vendor: Vendor, name: str
) -> None:
    kind = KINDS[name]
    configure(program, vendor, kind)
    write_wav(program.home / "q.wav", tone(SPOKEN_MS))
    done = await ask(program, kind, "--say", "q.wav", "--save-reply", "a.wav")
    assert (done.code, done.err) == (0, ""), done.out
    assert done.of("ready")[0]["link"] == "http"
    assert [event["status"] for event in done.of("reply_done")] == ["completed"]
    answer = " ".join(event["text"] for event in done.of("reply_text"))
    assert "heard 1.2 s at" in answer
    spoken = hear_pcm(read_wav(program.home / "a.wav"))
    assert abs(spoken.hertz - kind.pitch) < 15, spoken
    assert spoken.loud_s >= len(answer.split()) * MS_PER_WORD / 1000 * 0.8
    assert {request.path.partition("?")[0] for request in vendor.questions} == {kind.path}
    assert vendor.keys == {KEY}
    (question,) = vendor.questions
    asked = question.json.get("messages", [{}])[-1].get("content", "")
    assert ("input_audio" in str(asked)) == kind.hears, "a model that hears gets the sound itself"


@pytest.mark.parametrize("name", KINDS)
async def test_a_typed_line_is_answered_in_words(
    program: Program, vendor: Vendor, name: str
) -> None:
    kind = KINDS[name]
    configure(program, vendor, kind)
    done = await ask(program, kind, stdin="hello\nagain\n")
    assert (done.code, done.err) == (0, ""), done.out
    answers = [event["text"].strip() for event in done.of("reply_text")]
    assert answers == ["You said: hello.", "You said: again."]
    assert not done.of("reply_audio") and not vendor.spoken


@pytest.mark.parametrize("name", KINDS)
async def test_a_bad_key_is_told_and_nothing_answered(
    program: Program, vendor: Vendor, name: str
) -> None:
    kind = KINDS[name]
    vendor.key = "another-key-0123456789"
    configure(program, vendor, kind)
    done = await ask(program, kind, stdin="hello\n")
    assert done.code == 1 and done.of("ready") == done.of("reply_text") == []
    assert "key" in done.err and len(done.complaints) == 1


@pytest.mark.parametrize("name", KINDS)
async def test_a_tool_is_run_and_its_answer_used(
    program: Program, vendor: Vendor, name: str
) -> None:
    kind = KINDS[name]
    configure(program, vendor, kind, SECTION)
    if kind.calls:
        vendor.next.append(Script([], calls=[Call(TOOL, {"zone": "UTC"})]))
    write_wav(program.home / "q.wav", tone(SPOKEN_MS))
    done = await ask(program, kind, "--say", "q.wav", "--save-reply", "a.wav")
    assert (done.code, done.err) == (0, ""), done.out
    answer = done.of("reply_text")[-1]["text"]
    if kind.calls:
        assert [event["output"].strip() for event in done.of("tool_answered")] == [ANSWER]
        assert answer.startswith("The tool said") and ANSWER in answer
    else:
        assert not done.of("tool_called") and "heard 1.2 s at" in answer


@pytest.mark.parametrize("name", KINDS)
async def test_a_picture_is_seen_or_its_refusal_told(
    program: Program, vendor: Vendor, name: str
) -> None:
    kind = KINDS[name]
    configure(program, vendor, kind)
    (program.home / "p.jpg").write_bytes(saved(photo(400, 300), "JPEG"))
    done = await ask(program, kind, stdin="/image p.jpg What is it?\nhello\n")
    answers = [event["text"].strip() for event in done.of("reply_text")]
    assert answers[-1].endswith("hello."), done.out + done.err
    if kind.sees:
        assert (done.code, done.err) == (0, ""), done.out
        assert answers[0] == "You said: What is it?. I see 1."
    else:
        assert "I see" not in str(answers) and "Traceback" not in done.err
        assert "picture" in done.err or "image" in done.err
