"""Minds and ears, alone: the echo, a chat service, and whichever is found."""

from collections.abc import AsyncIterator

import pytest

from tests.cascade.peer import kinds, meet, speech
from tests.cascade.vendor import Vendor
from tests.fakes.http_chat import HttpChatServer
from tests.fakes.proxies import microsocks
from voicechat.cascade.http.service import HttpService
from voicechat.cascade.llm.audio_chat import SoundMind
from voicechat.cascade.llm.gemini import GeminiMind
from voicechat.cascade.llm.llm import AutoMind, ChatMind, EchoMind, check_mind, make_mind
from voicechat.cascade.options import LocalOptions
from voicechat.cascade.process import running
from voicechat.cascade.roles import (
    CutShort,
    HistoryMessage,
    LanguageModel,
    LlmRequest,
    NotHeardError,
    Piece,
    ReadyAudio,
)
from voicechat.errors import (
    ConfigError,
    LinkError,
    ProxyError,
    ProxyRefusedError,
    RefusedError,
    TlsError,
    VoiceChatError,
)

_GREETING = LlmRequest([HistoryMessage("user", "Hello.")])


async def _pieces(mind: LanguageModel, question: LlmRequest = _GREETING) -> list[Piece]:
    return [piece async for piece in mind.answer(question)]


async def _text(mind: LanguageModel, question: LlmRequest = _GREETING) -> str:
    return "".join(piece for piece in await _pieces(mind, question) if isinstance(piece, str))


@pytest.fixture
async def service(vendor: Vendor) -> AsyncIterator[HttpService]:
    service = HttpService(vendor.url)
    yield service
    await service.close()


async def test_echo_of_a_voice_is_the_voice_without_the_silence_around_it() -> None:
    pcm = bytes(48_000) + speech() + bytes(48_000)
    sound, *notice = await _pieces(EchoMind("zh"), LlmRequest([HistoryMessage("user", pcm=pcm)]))
    assert isinstance(sound, ReadyAudio) and sound.pcm in pcm and len(sound.pcm) < len(pcm) - 48_000
    assert sound.transcript.startswith("（你自己的声音，") and "不是人工智能" in str(notice)


async def test_echo_with_nothing_to_echo_says_what_it_is() -> None:
    assert "not an AI" in await _text(EchoMind(), LlmRequest([HistoryMessage("assistant", "x")]))


async def test_chat_gets_the_history_the_instructions_and_the_pictures(
    vendor: Vendor, service: HttpService
) -> None:
    said = [
        HistoryMessage("user", "One."),
        HistoryMessage("assistant", "Two."),
        HistoryMessage("assistant", ""),
    ]
    said.append(HistoryMessage("user", "What is this?", images=("data:image/png;base64,AA",)))
    question = LlmRequest(said, "Be brief.", max_tokens=9)
    assert await _text(ChatMind(service, "m"), question) == "Good morning. How are you?"
    assert vendor.asked[0].path == "/v1/chat/completions"
    body = vendor.asked[0].json()
    assert body["model"] == "m" and body["stream"] is True and body["max_tokens"] == 9
    assert body["messages"][:3] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "One."},
        {"role": "assistant", "content": "Two."},
    ]
    assert body["messages"][3]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
    ]


async def test_chat_without_a_named_model_takes_the_first_that_can_talk(
    vendor: Vendor, service: HttpService
) -> None:
    await _text(ChatMind(service, ""))
    assert vendor.asked[-1].json()["model"] == "tiny-chat"
    vendor.models = ["only-embed"]
    with pytest.raises(RefusedError, match="no chat model"):
        await _text(ChatMind(service, ""))


@pytest.mark.parametrize(
    ("reason", "cut"),
    [("length", "max_output_tokens"), ("content_filter", "content_filter"), ("stop", None)],
)
async def test_chat_tells_when_it_was_cut_short(
    vendor: Vendor, service: HttpService, reason: str, cut: str | None
) -> None:
    vendor.finish_reason = reason
    last = (await _pieces(ChatMind(service, "m")))[-1]
    assert last == (CutShort(cut) if cut else "you?")  # type: ignore[arg-type]


async def test_chat_without_ears_says_that_it_cannot_hear(
    vendor: Vendor, service: HttpService
) -> None:
    question = LlmRequest([HistoryMessage("user", pcm=speech())])
    with pytest.raises(NotHeardError, match="cannot hear yet: set"):
        await _text(ChatMind(service, "m"), question)
    assert not vendor.asked


async def test_auto_takes_the_service_where_it_runs_and_the_echo_where_it_does_not(
    vendor: Vendor, service: HttpService
) -> None:
    assert await _text(AutoMind(service, "")) == "Good morning. How are you?"
    assert "not an AI" in await _text(AutoMind(HttpService("http://127.0.0.1:9/v1"), ""))


@pytest.mark.parametrize("trouble", ["silent", "broken", "empty"])
async def test_auto_is_the_echo_when_something_else_sits_on_the_port(
    vendor: Vendor, service: HttpService, trouble: str
) -> None:
    vendor.silent = trouble == "silent"
    vendor.raw = b"SSH-2.0-x\r\n" if trouble == "broken" else b""
    vendor.models = [] if trouble == "empty" else vendor.models
    assert "not an AI" in await _text(AutoMind(service, ""))


async def test_chat_that_is_not_there_is_a_link_error() -> None:
    with pytest.raises(LinkError):
        await _text(ChatMind(HttpService("http://127.0.0.1:9/v1"), "m"))


async def test_ears_write_down_the_turn_and_the_mind_gets_the_words(vendor: Vendor) -> None:
    options = LocalOptions(
        mind=vendor.url, mouth="espeak-ng", ears=vendor.url, ears_key="sk-ears", language="en"
    )
    async with running(options) as endpoint, meet(endpoint) as peer:
        heard = {"transcription": {"model": "any"}, "turn_detection": None}
        session = (await peer.update(audio={"input": heard}))["session"]
        assert session["audio"]["input"]["transcription"] == {"model": "any"}
        events = await peer.speak(speech())
        written = [event for event in events if "transcription.completed" in event["type"]]
        assert written[0]["transcript"] == "what the user said"
        assert written[0]["usage"]["type"] == "duration"
        upload = next(one for one in vendor.asked if one.path.endswith("/audio/transcriptions"))
        assert upload.headers["authorization"] == "Bearer sk-ears"
        assert b"RIFF" in upload.body and b'name="language"' in upload.body
        assert vendor.asked[-1].json()["messages"][-1]["content"] == "what the user said"


async def test_failing_ears_fail_the_turn_and_not_the_session(vendor: Vendor) -> None:
    options = LocalOptions(mind="echo", ears=vendor.url)
    async with running(options) as endpoint, meet(endpoint) as peer:
        heard = {"transcription": {"model": "any"}, "turn_detection": None}
        await peer.update(audio={"input": heard})
        vendor.status = 500
        events = await peer.speak(speech())
        assert "conversation.item.input_audio_transcription.failed" in kinds(events)
        assert events[-1]["response"]["status"] == "failed"
        assert (await peer.type("Still here."))[-1]["response"]["status"] == "completed"


async def test_ears_write_down_nothing_for_the_client_unless_it_asked(vendor: Vendor) -> None:
    options = LocalOptions(mind=vendor.url, mouth="espeak-ng", ears=vendor.url)
    async with running(options) as endpoint, meet(endpoint) as peer:
        await peer.manual()
        events = await peer.speak(speech())
        assert not [kind for kind in kinds(events) if "transcription" in kind]
        assert vendor.asked[-1].json()["messages"][-1]["content"] == "what the user said"


@pytest.mark.parametrize(
    ("kind", "mind"),
    [
        ("openai", ChatMind),
        ("gemini", GeminiMind),
        ("openai-sound", SoundMind),
        ("glm-sound", SoundMind),
        ("qwen-sound", SoundMind),
    ],
)
def test_kind_of_the_options_says_which_mind_it_is(kind: str, mind: type[LanguageModel]) -> None:
    options = LocalOptions(mind="https://service.invalid/v1", mind_kind=kind)
    assert type(make_mind(options)) is mind
    assert make_mind(options).hears is (kind != "openai")


def test_kind_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ConfigError, match="latin"):
        make_mind(LocalOptions(mind="https://service.invalid/v1", mind_kind="latin"))


@pytest.mark.parametrize("kind", ["openai", "gemini"])
async def test_check_asks_the_service_before_it_says_that_it_is_ready(kind: str) -> None:
    with HttpChatServer() as server:
        url = server.gemini_url if kind == "gemini" else server.url
        options = LocalOptions(
            mind=url, mind_kind=kind, mind_key=server.key, mouth="none", check="yes"
        )
        async with running(options):
            assert [one.method for one in server.requests] == ["GET"]
        assert server.requests[0].path in ("/v1/models", "/v1beta/models?pageSize=1")


@pytest.mark.parametrize("status", [404, 429, 500])
async def test_check_is_content_with_any_answer_that_does_not_bar_us(status: int) -> None:
    with HttpChatServer() as server:
        server.fail_next(status)
        await check_mind(LocalOptions(mind=server.url, mind_key=server.key))


_QUOTA = {"error": {"code": "insufficient_quota", "message": "x"}}


@pytest.mark.parametrize(
    ("options", "failure", "kind"),
    [
        ({"mind_key": "sk-wrong-key"}, None, RefusedError),
        ({}, (403, None), RefusedError),
        ({}, (402, None), RefusedError),
        ({}, (429, _QUOTA), RefusedError),
        ({"ca_file": ""}, None, TlsError),
        ({"mind": "https://127.0.0.1:9/v1"}, None, LinkError),
        (
            {"mind": "https://service.invalid/v1", "proxy": "socks5h://127.0.0.1:9"},
            None,
            ProxyError,
        ),
        ({"mind": "http://192.0.2.1/v1"}, None, ConfigError),
        ({"ca_file": "/nowhere.pem"}, None, ConfigError),
    ],
)
async def test_check_that_fails_is_told_as_what_it_is(
    options: dict[str, str], failure: tuple[int, object] | None, kind: type[VoiceChatError]
) -> None:
    with HttpChatServer(tls=True) as server:
        if failure:
            server.fail_next(*failure)
        values = {"mind": server.url, "mind_key": server.key, "ca_file": server.ca_file, **options}
        with pytest.raises(kind) as caught:
            async with running(LocalOptions(check="yes", **values)):
                pass
    assert type(caught.value) is kind
    assert caught.value.hint or kind is ConfigError
    assert "sk-" not in str(caught.value)


async def test_check_of_a_proxy_that_wants_a_password_is_told_as_that() -> None:
    with HttpChatServer(tls=True) as server, microsocks("user", "secret-word") as proxy:
        options = LocalOptions(
            mind=server.far_url, ca_file=server.ca_file, proxy=proxy.label, check="yes"
        )
        with pytest.raises(ProxyRefusedError, match="password"):
            async with running(options):
                pass


async def test_without_the_check_nobody_is_asked() -> None:
    options = LocalOptions(mind="https://127.0.0.1:9/v1", mouth="none")
    async with running(options) as endpoint, meet(endpoint) as peer:
        done = (await peer.type("Hello."))[-1]["response"]
        assert done["status_details"]["error"]["code"] == "local_model_unreachable"


async def test_check_of_a_service_that_hangs_ends_in_time() -> None:
    with HttpChatServer() as server:
        server.delay = 600.0
        with pytest.raises(LinkError, match="within 8 s"):
            await check_mind(LocalOptions(mind=server.url))
        server.delay = 0.0
