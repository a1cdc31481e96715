"""No WebSocket gets through to any provider: each goes on with its own chat model and voice."""

from dataclasses import dataclass

import pytest

from tests.e2e.http.gateway import Gateway
from tests.e2e.http.vendor import KEY, Vendor
from tests.e2e.plain.program import Outcome, Program
from tests.e2e.providers.family_calls import write_wav
from tests.fakes.ga_signal import read_wav, tone
from tests.fakes.http_chat_answers import PITCH
from tests.fakes.http_speech_vendors import PITCH as MOUTH_PITCH
from tests.fakes.http_speech_vendors import hear_pcm


@dataclass(frozen=True, slots=True)
class Fallback:
    """One provider whose WebSocket is closed."""

    model: str
    key_env: str
    pitch: int = 0
    """Hz of the voice that answers; 0: it has none that the stand-in knows."""
    chat_model: str = "chat-1"
    reads: bool = True
    """Whether it takes typed text, before anybody knows that its WebSocket is closed."""
    own: str = ""
    """More lines for its section in the config."""


FALLBACKS = {
    "openai": Fallback("gpt-realtime-2.1", "OPENAI_API_KEY", MOUTH_PITCH["openai"]),
    "gptlive": Fallback("gpt-live-1", "OPENAI_API_KEY", MOUTH_PITCH["openai"], reads=False),
    "glm": Fallback("glm/glm-realtime-flash", "ZHIPUAI_API_KEY", MOUTH_PITCH["glm"]),
    "gemini": Fallback(
        "gemini", "GEMINI_API_KEY", MOUTH_PITCH["gemini"], chat_model="gemini-3.8-flash"
    ),
    "xai": Fallback("xai/grok-voice-latest", "XAI_API_KEY", MOUTH_PITCH["xai"]),
    "qwen": Fallback(
        "qwen3.5-omni-flash-realtime",
        "DASHSCOPE_API_KEY",
        PITCH["qwen"],
        chat_model="qwen3.5-omni-plus",
    ),
    "stepfun": Fallback("stepfun/stepaudio-2.5-realtime", "STEPFUN_API_KEY"),
    "azure": Fallback("azure/my-voice", "AZURE_OPENAI_API_KEY"),
    "custom": Fallback("custom/kitchen", "MINE", own='api_key_env = "MINE"\n'),
}


async def call(
    program: Program, vendor: Vendor, name: str, *options: str, stdin: str = ""
) -> Outcome:
    """The program, whose provider's WebSocket is behind a gateway that answers with a page."""
    fallback = FALLBACKS[name]
    url = vendor.gemini_url if name == "gemini" else vendor.url
    program.config.write_text(
        f'[providers.{name}]\nhttp_url = "{url}"\nchat_model = "{fallback.chat_model}"\n'
        f"{fallback.own}"
    )
    with Gateway("page_403", 9) as gateway:
        wanted = ("--plain", "--json", "--model", fallback.model, "--url", gateway.url)
        done = await program.run(*wanted, *options, stdin=stdin, env={fallback.key_env: KEY})
        assert gateway.visits == 1
    assert KEY not in done.out + done.err and program.holds(KEY) == []
    return done


def went_over_http(done: Outcome, vendor: Vendor, name: str) -> None:
    assert (done.code, done.err) == (0, ""), done.out
    (ready,) = done.of("ready")
    assert (ready["link"], ready["model"]) == ("http", FALLBACKS[name].chat_model)
    assert [notice["code"] for notice in done.of("notice")] == ["link_http"]
    assert vendor.keys == {KEY}


@pytest.mark.parametrize("name", [name for name, one in FALLBACKS.items() if one.reads])
async def test_a_typed_turn_goes_on_with_the_providers_chat_model(
    program: Program, vendor: Vendor, name: str
) -> None:
    done = await call(program, vendor, name, stdin="hello\nagain\n")
    went_over_http(done, vendor, name)
    answers = [event["text"].strip() for event in done.of("reply_text")]
    assert answers == ["You said: hello.", "You said: again."]
    header = {"gemini": "x-goog-api-key", "azure": "api-key"}.get(name, "authorization")
    assert all(KEY in request.headers[header] for request in vendor.requests)


@pytest.mark.parametrize("name", [name for name, one in FALLBACKS.items() if one.pitch])
async def test_a_spoken_turn_goes_on_with_the_providers_ears_and_mouth(
    program: Program, vendor: Vendor, name: str
) -> None:
    write_wav(program.home / "q.wav", tone(1200))
    done = await call(program, vendor, name, "--say", "q.wav", "--save-reply", "a.wav")
    went_over_http(done, vendor, name)
    answer = " ".join(event["text"] for event in done.of("reply_text"))
    assert "heard 1.2 s at" in answer
    spoken = hear_pcm(read_wav(program.home / "a.wav"))
    assert abs(spoken.hertz - FALLBACKS[name].pitch) < 15, spoken


async def test_a_model_without_a_chat_service_tells_why_it_cannot_be_reached(
    program: Program, vendor: Vendor
) -> None:
    with Gateway("page_403", 9) as gateway:
        wanted = ("--plain", "--model", "azure/my-voice", "--url", gateway.url)
        write_wav(program.home / "q.wav", tone(600))
        done = await program.run(*wanted, "--say", "q.wav", env={"AZURE_OPENAI_API_KEY": KEY})
    assert "403" in done.failed_with_one_line(1)
    assert vendor.requests == []
    done = await program.run(*wanted, "--link", "http", env={"AZURE_OPENAI_API_KEY": KEY})
    assert "has no HTTP service" in done.failed_with_one_line(2)
