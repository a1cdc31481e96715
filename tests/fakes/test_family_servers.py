"""The stand-ins of OpenAI's family run as processes, and refuse what the real ones refuse."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.fakes.azure_server import AzureServer
from tests.fakes.custom_server import CustomServer
from tests.fakes.ga_server import GaServer
from tests.fakes.qwen_server import QwenServer
from tests.fakes.stepfun_server import StepfunServer
from tests.fakes.xai_server import XaiServer

ROOT = Path(__file__).parents[2]
MODELS: dict[type[GaServer], str] = {
    QwenServer: "qwen3.5-omni-flash-realtime",
    XaiServer: "grok-voice-latest",
    StepfunServer: "stepaudio-2.5-realtime",
    AzureServer: "my-voice",
    CustomServer: "anything",
}
each = pytest.mark.parametrize("kind", MODELS, ids=lambda kind: kind.__name__)


def dial(server: GaServer, model: str, key: str = "sk-test") -> connect:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    url = f"{server.url}?model={model}"
    return connect(url, additional_headers=headers, proxy=None, close_timeout=2)


async def told(socket: ClientConnection, kind: str) -> dict[str, object]:
    """Read on to the next event of a type."""
    async with asyncio.timeout(10):
        while True:
            event: dict[str, object] = json.loads(await socket.recv())
            if event["type"] == kind:
                return event


@each
async def test_it_runs_as_a_process_and_writes_its_log(
    kind: type[GaServer], tmp_path: Path
) -> None:
    module = f"tests.fakes.{kind('normal').accent.module}"
    log = tmp_path / "wire.jsonl"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, "--port", "0", "--log", str(log), "--script", "burst"),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        port = json.loads(await process.stdout.readline())["port"]
        server = kind(port=port)
        async with dial(server, MODELS[kind]) as socket:
            await told(socket, "session.created")
        entries = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
        assert "sk-test" not in log.read_text("utf-8")
        assert [e["note"] for e in entries if e["dir"] == "note"][0] == "handshake"
    finally:
        process.terminate()
        await process.wait()


@each
async def test_what_it_does_not_take_is_refused_and_written_down(kind: type[GaServer]) -> None:
    async with kind() as server, dial(server, MODELS[kind]) as socket:
        await told(socket, "session.created")
        await socket.send('{"type":"session.update","session":{"mood":"sunny","type":"realtime"}}')
        assert await told(socket, "error")
        await socket.send('{"type":"conversation.item.smell"}')
        assert await told(socket, "error")
        assert [entry["type"] for entry in server.violations] == [
            "session.update",
            "conversation.item.smell",
        ]


@pytest.mark.parametrize("kind", [QwenServer, XaiServer, StepfunServer, AzureServer])
async def test_a_missing_or_wrong_key_is_met_at_the_door(kind: type[GaServer]) -> None:
    async with kind(api_key="right") as server:
        for key in ("", "wrong"):
            with pytest.raises(InvalidStatus) as caught:
                await dial(server, MODELS[kind], key).__aenter__()
            assert caught.value.response.status_code == 401
        async with dial(server, MODELS[kind], "right") as socket:
            await told(socket, "session.created")


@pytest.mark.parametrize("kind", [QwenServer, XaiServer, StepfunServer, AzureServer])
async def test_a_model_it_does_not_know_is_refused(kind: type[GaServer]) -> None:
    async with kind() as server, dial(server, "gpt-4o-realtime-preview") as socket:
        await told(socket, "error")
        with pytest.raises(ConnectionClosed):
            await told(socket, "session.created")


async def test_a_server_of_ones_own_has_one_slot() -> None:
    async with CustomServer() as server, dial(server, "m") as first:
        await told(first, "session.created")
        async with dial(server, "m") as second:
            event = await told(second, "error")
            assert (event["code"], event["error"]) == (
                "session_limit_reached",
                "All slots are in use.",
            )
            with pytest.raises(ConnectionClosed) as caught:
                await second.recv()
        assert caught.value.rcvd is not None and caught.value.rcvd.code == 1008
