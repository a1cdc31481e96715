"""A WebSocket that does not get through: the call goes on over HTTPS, where that may help."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import get_args

import pytest

from tests.e2e.http.gateway import Gateway, Manner
from tests.e2e.http.vendor import KEY, Vendor
from tests.e2e.plain.program import MODEL, Outcome, Program
from tests.e2e.providers.family_calls import write_wav
from tests.fakes.ga_script import GREETING
from tests.fakes.ga_server import GaServer
from tests.fakes.ga_signal import read_wav, tone
from tests.fakes.proxies import RealProxy, microsocks, tinyproxy
from tests.net.servers import Authority

HOST = "0.0.0.0"
"""A number of this machine for which proxies are used too."""
ANSWER = "You said: hello."


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    """The provider's HTTP services, encrypted."""
    with Vendor(tls=True) as vendor:
        yield vendor


@pytest.fixture
async def service() -> AsyncIterator[GaServer]:
    """The realtime service that no WebSocket reaches."""
    async with GaServer(api_key=KEY) as server:
        yield server


class Blocked:
    """A program whose provider has its HTTP services open and a gateway before its WebSocket."""

    def __init__(self, program: Program, vendor: Vendor, authority: Authority) -> None:
        self.program, self.vendor, self._authority = program, vendor, authority
        trusted = program.home / "ca.pem"
        trusted.write_text(
            Path(vendor.ca_file).read_text() + Path(authority.ca_file).read_text(), "utf-8"
        )
        program.config.write_text(
            f'ca_file = "{trusted}"\n[local]\nmouth = "none"\n[providers.openai]\n'
            f'http_url = "{vendor.far_url}"\nchat_model = "chat-1"\n'
            'ears_model = "whisper-1"\nmouth_model = "tts-1"\nvoice = "alloy"\n'
        )

    def gateway(self, manner: Manner, target: int = 9) -> Gateway:
        """Before the provider's WebSocket, encrypted as that is."""
        tls = self._authority.context(HOST, "127.0.0.1")
        return Gateway(manner, target, tls=tls, host=HOST)

    async def call(self, gateway: Gateway, *options: str, stdin: str = "hello\n") -> Outcome:
        done = await self.program.run(
            *("--plain", "--json", "--model", MODEL, "--url", gateway.url, *options),
            stdin=stdin,
            env={"OPENAI_API_KEY": KEY},
            timeout_s=90,
        )
        assert KEY not in done.out + done.err and self.program.holds(KEY) == []
        assert "Traceback" not in done.err
        return done


@pytest.fixture
def blocked(program: Program, vendor: Vendor, authority: Authority) -> Blocked:
    return Blocked(program, vendor, authority)


def texts(done: Outcome) -> list[str]:
    return [event["text"].strip() for event in done.of("reply_text")]


def notices(done: Outcome) -> list[str]:
    return [event["code"] for event in done.of("notice")]


def went_over_http(done: Outcome, vendor: Vendor) -> None:
    assert (done.code, done.err) == (0, ""), done.out
    (ready,) = done.of("ready")
    assert (ready["link"], ready["model"]) == ("http", "chat-1")
    assert notices(done).count("link_http") == 1
    assert vendor.keys == {KEY}


@pytest.mark.parametrize("manner", get_args(Manner))
async def test_a_typed_turn_is_answered_over_http(blocked: Blocked, manner: Manner) -> None:
    with blocked.gateway(manner) as gateway:
        done = await blocked.call(gateway)
        assert gateway.visits == (manner != "refused")
    went_over_http(done, blocked.vendor)
    assert texts(done) == [ANSWER]
    (asked,) = blocked.vendor.questions
    assert asked.json["messages"][-1]["content"] == "hello"
    (told,) = (event for event in done.of("notice") if event["code"] == "link_http")
    assert MODEL in told["text"] and "chat-1" in told["text"] and "over HTTP" in told["text"]


async def test_a_spoken_turn_is_heard_and_answered_over_http(blocked: Blocked) -> None:
    write_wav(blocked.program.home / "q.wav", tone(1200))
    with blocked.gateway("page_403") as gateway:
        done = await blocked.call(gateway, "--say", "q.wav", "--save-reply", "a.wav", stdin="")
    went_over_http(done, blocked.vendor)
    (heard,) = done.of("user")
    assert heard["text"].startswith("heard 1.2 s at")
    assert texts(done) == [f"You said: {heard['text']}."]
    assert len(blocked.vendor.heard) == 1
    assert " ".join(blocked.vendor.spoken) == texts(done)[0]
    assert len(read_wav(blocked.program.home / "a.wav")) >= 48 * 60 * len(texts(done)[0]) * 0.9


@pytest.mark.proxy
@pytest.mark.parametrize("manner", ["refused", "page_403"])
@pytest.mark.parametrize("make", [tinyproxy, microsocks])
async def test_both_ways_go_through_the_proxy(
    blocked: Blocked, make: type[RealProxy], manner: Manner
) -> None:
    with make() as proxy, blocked.gateway(manner) as gateway:
        done = await blocked.call(gateway, "--proxy", proxy.url)
        proxy.wait_for(str(blocked.vendor.port))
        if manner != "refused":  # Not every proxy writes down what it could not reach.
            proxy.wait_for(str(gateway.port))
        assert done.of("ready")[0]["proxy"] == proxy.label
    went_over_http(done, blocked.vendor)
    assert texts(done) == [ANSWER]


async def test_a_key_the_chat_service_refuses_is_told_and_nothing_answered(
    blocked: Blocked,
) -> None:
    blocked.vendor.key = "another-key-0123456789"
    with blocked.gateway("page_403") as gateway:
        done = await blocked.call(gateway)
    assert done.code == 1 and done.of("ready") == done.of("reply_text") == []
    (line,) = done.complaints
    assert "refused the key" in line and "Check the key in OPENAI_API_KEY; keys: http" in line
    assert str(blocked.vendor.port) in line and len(blocked.vendor.keys) == 1


@pytest.mark.parametrize(
    ("script", "words"),
    [("http_401", "key"), ("bad_key", "OPENAI_API_KEY"), ("bad_model", "model")],
)
async def test_what_the_websocket_refuses_is_never_taken_elsewhere(
    blocked: Blocked, script: str, words: str
) -> None:
    async with GaServer(script) as service:
        with blocked.gateway("refused", service.port) as gateway:
            gateway.open()
            done = await blocked.call(gateway)
    assert done.code == 1 and done.of("ready") == []
    (line,) = done.complaints
    assert words in line
    assert blocked.vendor.requests == []


async def test_a_certificate_that_does_not_hold_is_never_worked_around(blocked: Blocked) -> None:
    config = blocked.program.config
    trusted = str(blocked.program.home / "ca.pem")
    config.write_text(config.read_text().replace(trusted, blocked.vendor.ca_file))
    with blocked.gateway("page_403") as gateway:
        done = await blocked.call(gateway)
    (line,) = done.complaints
    assert done.code == 1 and "certificate" in line
    assert blocked.vendor.requests == []


@pytest.mark.proxy
async def test_a_proxys_refusal_is_the_users_to_mend(blocked: Blocked) -> None:
    with tinyproxy("jane", "right-pass") as proxy, blocked.gateway("page_403") as gateway:
        done = await blocked.call(gateway, "--proxy", proxy.url.replace("right", "wrong"))
        assert gateway.visits == 0
    (line,) = done.complaints
    assert done.code == 1 and proxy.label in line and "-pass" not in done.out + done.err
    assert blocked.vendor.requests == []


async def test_the_websocket_alone_fails_as_it_is(blocked: Blocked) -> None:
    with blocked.gateway("page_403") as gateway:
        done = await blocked.call(gateway, "--link", "websocket")
    assert done.code == 1 and "403" in done.err
    assert blocked.vendor.requests == [] and done.of("ready") == []


async def test_http_alone_never_dials_the_websocket(blocked: Blocked, service: GaServer) -> None:
    with blocked.gateway("page_403", service.port) as gateway:
        gateway.open()
        done = await blocked.call(gateway, "--link", "http")
        assert gateway.visits == 0 and service.attempts == 0
    assert (done.code, texts(done)) == (0, [ANSWER])
    assert done.of("ready")[0]["link"] == "http"
    assert "link_http" not in notices(done), "it was asked for"


async def test_an_open_websocket_is_taken_although_there_is_another_way(
    blocked: Blocked, service: GaServer
) -> None:
    with blocked.gateway("page_403", service.port) as gateway:
        gateway.open()
        done = await blocked.call(gateway)
    assert (done.code, texts(done)) == (0, [GREETING])
    assert done.of("ready")[0]["link"] == "websocket" and notices(done) == []
    assert blocked.vendor.requests == []


@pytest.mark.parametrize(("manner", "words"), [("refused", "refused"), ("page_403", "403")])
async def test_when_both_ways_are_closed_the_first_reason_is_told(
    blocked: Blocked, manner: Manner, words: str
) -> None:
    with blocked.gateway(manner) as gateway, Gateway("refused", 9, host=HOST) as closed:
        config = blocked.program.config
        text = config.read_text().replace(
            blocked.vendor.far_url, f"https://{HOST}:{closed.port}/v1"
        )
        config.write_text(text)
        done = await blocked.call(gateway)
        assert done.code == 1 and len(done.complaints) == 1
        assert words in done.err and str(closed.port) not in done.err
    assert done.of("ready") == []
