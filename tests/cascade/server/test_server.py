"""Who may come in on the loopback port, and what everybody else gets."""

import asyncio
from urllib.parse import urlsplit

import pytest

from tests.cascade.peer import kinds, meet
from voicechat.cascade.process import Endpoint

_UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


async def _knock(
    endpoint: Endpoint, *, path: str = "/v1/realtime", **headers: str | list[str] | None
) -> int:
    """The HTTP status that a handshake with these headers gets; `_` in names stands for `-`."""
    port = urlsplit(endpoint.url).port
    sent: dict[str, str | list[str] | None] = {"Host": f"127.0.0.1:{port}", **_UPGRADE}
    sent["Authorization"] = f"Bearer {endpoint.token}"
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"GET {path} HTTP/1.1"]
    for name, value in sent.items():
        values = value if isinstance(value, list) else [value] if value is not None else []
        lines += [f"{name}: {one}" for one in values]
    answer = await _say(endpoint, ("\r\n".join(lines) + "\r\n\r\n").encode())
    return int(answer.split()[1])


async def _say(endpoint: Endpoint, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(endpoint.url).port)
    writer.write(data)
    answer = await reader.read(4096)
    writer.close()
    return answer


async def test_right_token_comes_in(echo: Endpoint) -> None:
    assert await _knock(echo) == 101


@pytest.mark.parametrize(
    "shown", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic x", "Bearer \udcff"]
)
async def test_wrong_token_is_401(echo: Endpoint, shown: str | None) -> None:
    given = shown.encode("utf-8", "replace").decode() if shown else shown
    assert await _knock(echo, Authorization=given) == 401


async def test_almost_the_token_is_401(echo: Endpoint) -> None:
    for shown in (echo.token[:-1], echo.token + "x", echo.token.swapcase()):
        assert await _knock(echo, Authorization=f"Bearer {shown}") == 401
    assert await _knock(echo, Authorization=None, path=f"/v1/realtime?token={echo.token}") == 401


async def test_right_token_does_not_wait_for_the_wrong_ones(echo: Endpoint) -> None:
    async with asyncio.TaskGroup() as group:
        wrong = [group.create_task(_knock(echo, Authorization="Bearer no")) for _ in range(6)]
        right = group.create_task(_knock(echo))
        assert await right == 101
        assert not all(task.done() for task in wrong)
    assert {task.result() for task in wrong} == {401}


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        "http://localhost.evil",
        "http://127.0.0.1",
        "HTTP://LOCALHOST",
        ["http://localhost", "http://evil.example"],
    ],
)
async def test_web_pages_are_403_even_with_the_token(
    echo: Endpoint, origin: str | list[str]
) -> None:
    assert await _knock(echo, Origin=origin) == 403


async def test_foreign_host_is_403_and_our_names_are_not(echo: Endpoint) -> None:
    port = urlsplit(echo.url).port
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", "127.0.0.1:1", None):
        assert await _knock(echo, Host=host) == 403
    assert await _knock(echo, Host=f"127.0.0.1:{port}.evil") == 403
    for name in ("localhost", "[::1]", "127.0.0.1"):
        assert await _knock(echo, Host=f"{name}:{port}") == 101


async def test_other_paths_are_404(echo: Endpoint) -> None:
    assert await _knock(echo, path="/") == 404
    assert await _knock(echo, path="/v1/realtime/x") == 404


@pytest.mark.parametrize(
    "noise",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST /v1/realtime HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        b"hello\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500) + b"\r\n\r\n",
    ],
    ids=["get", "post", "words", "tls"],
)
async def test_noise_on_the_port_gets_a_small_answer_without_a_version(
    echo: Endpoint, noise: bytes
) -> None:
    answer = await _say(echo, noise)
    assert answer.startswith(b"HTTP/1.1 4") and len(answer) < 500
    assert b"ython" not in answer and b"Traceback" not in answer


async def test_ninth_client_is_503(echo: Endpoint) -> None:
    async with asyncio.TaskGroup() as group:
        leave = asyncio.Event()
        entered = asyncio.Semaphore(0)

        async def stay() -> None:
            async with meet(echo):
                entered.release()
                await leave.wait()

        for _ in range(8):
            group.create_task(stay())
        for _ in range(8):
            await entered.acquire()
        assert await _knock(echo) == 503
        leave.set()
    async with asyncio.timeout(20):
        while await _knock(echo) != 101:
            await asyncio.sleep(0.05)


async def test_clients_do_not_see_each_other(echo: Endpoint) -> None:
    async with meet(echo) as one, meet(echo) as other:
        await one.type("Mine.")
        await other.update(instructions="still alone")
        events = await other.type("Yours.")
        assert "Mine" not in str(events) and kinds(events)[-1] == "response.done"
