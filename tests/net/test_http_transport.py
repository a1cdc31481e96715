"""HTTP through real proxies of every kind; the proxy's own log is the proof."""

import asyncio
import re
from collections.abc import Callable

import httpx2
import pytest

from tests.cascade.asking import ask, happens, until, words_of
from tests.cascade.peer import meet
from tests.fakes.http_chat import HttpChatServer, Script
from tests.fakes.proxies import RealProxy, danted, microsocks, tinyproxy
from voicechat.cascade.http.service import HttpService
from voicechat.cascade.llm.chat import ChatMind
from voicechat.cascade.options import LocalOptions
from voicechat.cascade.process import running
from voicechat.errors import LinkError, ProxyError, ProxyRefusedError, TlsError, VoiceChatError
from voicechat.net.address import read_address
from voicechat.net.http_transport import Network, Transport
from voicechat.net.proxy import Route, read_proxy
from voicechat.net.tls import tls_context

pytestmark = pytest.mark.proxy

Make = Callable[[], RealProxy]
_PASSWORD = "canary-pass"


def _service(server: HttpChatServer, proxy: str) -> HttpService:
    return HttpService(server.far_url, server.key, proxy, ca_file=server.ca_file)


@pytest.mark.parametrize(
    ("make", "scheme"),
    [
        (tinyproxy, "http"),
        (microsocks, "socks5"),
        (microsocks, "socks5h"),
        (lambda: tinyproxy("user", _PASSWORD), "http"),
        (lambda: microsocks("user", _PASSWORD), "socks5h"),
    ],
)
async def test_chat_goes_through_the_proxy(make: Make, scheme: str) -> None:
    with HttpChatServer(tls=True) as server, make() as proxy:
        service = _service(server, re.sub(r"^\w+", scheme, proxy.url))
        assert await words_of(ChatMind(service, "chat-1"), ask()) == "You said: Hello. "
        proxy.wait_for(str(server.port))
        await service.close()


@pytest.mark.parametrize("scheme", ["socks4", "socks5", "socks5h"])
async def test_line_goes_through_a_proxy_that_minds_its_addresses(scheme: str) -> None:
    with HttpChatServer(tls=True) as server, danted() as proxy:
        address = read_address(server.url.replace("127.0.0.1", "localhost"))
        route = Route(address.label, read_proxy(re.sub(r"^\w+", scheme, proxy.url), "the test"))
        network = Network(address, route, lambda: tls_context(server.ca_file))
        async with httpx2.AsyncClient(transport=Transport(network), trust_env=False) as client:
            headers = {"Authorization": f"Bearer {server.key}"}
            answer = await client.get(f"https://localhost:{server.port}/v1/models", headers=headers)
        assert answer.json()["data"]
        proxy.wait_for(str(server.port))


@pytest.mark.parametrize("make", [lambda: tinyproxy("u", "p"), lambda: microsocks("u", "p")])
async def test_wrong_password_is_the_proxys_matter(make: Make) -> None:
    with HttpChatServer(tls=True) as server, make() as proxy:
        wrong = proxy.label.replace("://", f"://u:{_PASSWORD}@")
        service = _service(server, wrong)
        with pytest.raises(ProxyRefusedError, match="password") as caught:
            await service.get("/models")
        assert _PASSWORD not in str(caught.value)
        await service.close()


@pytest.mark.parametrize(("make", "kind"), [(tinyproxy, ProxyError), (microsocks, LinkError)])
async def test_service_that_is_not_behind_the_proxy_is_told(
    make: Make, kind: type[VoiceChatError]
) -> None:
    with make() as proxy:
        service = HttpService("https://0.0.0.0:9/v1", "", proxy.url)
        with pytest.raises(kind, match=re.escape("0.0.0.0:9")):
            await service.get("/models")
        await service.close()


@pytest.mark.parametrize("scheme", ["http", "socks5h", "socks4"])
async def test_proxy_that_is_not_there_is_named(scheme: str) -> None:
    service = HttpService("https://service.invalid/v1", "", f"{scheme}://127.0.0.1:9")
    with pytest.raises(ProxyError, match=re.escape("127.0.0.1:9")):
        await service.get("/models")
    await service.close()


@pytest.mark.parametrize("make", [tinyproxy, microsocks])
async def test_wrong_certificate_behind_a_proxy_is_the_services(make: Make) -> None:
    with HttpChatServer(tls=True) as server, make() as proxy:
        service = HttpService(server.far_url, server.key, proxy.url)
        with pytest.raises(TlsError):
            await service.get("/models")
        await service.close()


@pytest.mark.parametrize("make", [tinyproxy, microsocks])
async def test_hanging_up_reaches_the_service_through_the_proxy(make: Make) -> None:
    with HttpChatServer(tls=True) as server, make() as proxy:
        server.script = Script(["One. ", "Two."], pause_before=1)
        service = _service(server, proxy.url)
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(words_of(ChatMind(service, "chat-1"), ask()))
            await until(lambda: bool(server.requests))
            asking.cancel()
        assert await happens(server.requests[0].hung_up)
        await service.close()


@pytest.mark.parametrize("make", [tinyproxy, microsocks])
async def test_whole_model_goes_through_a_proxy(make: Make) -> None:
    with HttpChatServer(tls=True) as server, make() as proxy:
        options = LocalOptions(
            mind=server.far_url,
            mind_key=server.key,
            mind_model="chat-1",
            mouth="none",
            proxy=proxy.url,
            ca_file=server.ca_file,
            check="yes",
        )
        async with running(options) as endpoint, meet(endpoint) as peer:
            done = (await peer.type("Hello"))[-1]["response"]
            assert done["output"][0]["content"][0]["text"] == "You said: Hello. "
        proxy.wait_for(str(server.port))
        assert [request.path for request in server.requests] == [
            "/v1/models",
            "/v1/chat/completions",
        ]
