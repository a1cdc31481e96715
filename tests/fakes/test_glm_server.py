"""The GLM stand-in is what it says: proven by a plain client."""

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.fakes.ga_signal import decode_track, tone
from tests.fakes.glm_check import Refused, check
from tests.fakes.glm_script import ANSWER, SCRIPTS, Script
from tests.fakes.glm_server import GlmServer

JsonObject = dict[str, Any]
SETTINGS: JsonObject = {
    "model": "glm-realtime-flash",
    "modalities": ["text", "audio"],
    "instructions": "Be brief.",
    "voice": "tongtong",
    "input_audio_format": "pcm16",
    "output_audio_format": "pcm",
    "turn_detection": {"type": "client_vad"},
    "tools": [],
    "beta_fields": {"chat_mode": "audio", "tts_source": "e2e", "auto_search": False},
}
HANDS_FREE = {**SETTINGS, "turn_detection": {"type": "server_vad", "silence_duration_ms": 500}}
VIDEO = {**SETTINGS, "beta_fields": {**SETTINGS["beta_fields"], "chat_mode": "video_passive"}}
TOOL = {"type": "function", "name": "get_time", "description": "", "parameters": {}}
JPEG = base64.b64encode(b"\xff\xd8\xff").decode()
LOUD = base64.b64encode(tone(200)).decode()
QUIET = base64.b64encode(bytes(9600)).decode()
KEY = {"Authorization": "Bearer key"}


class Client:
    """A plain client that keeps all it got; its clock is set by hand."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.got: list[JsonObject] = []
        self.stamp = 1_790_000_000_000
        self._sent = 0

    async def send(self, kind: str, later_ms: int = 10, **fields: Any) -> None:
        self.stamp, self._sent = self.stamp + later_ms, self._sent + 1
        named = {"type": kind, "event_id": f"c{self._sent}", "client_timestamp": self.stamp}
        await self.socket.send(json.dumps({**named, **fields}))

    async def until(self, kind: str) -> JsonObject:
        """Read on to the next event of a type."""
        async with asyncio.timeout(15):
            while True:
                event: JsonObject = json.loads(await self.socket.recv())
                self.got.append(event)
                if event["type"] == kind:
                    return event

    async def opens(self, session: JsonObject = SETTINGS) -> "Client":
        await self.until("session.created")
        await self.send("session.update", session=session)
        await self.until("session.updated")
        return self

    async def speaks(self) -> None:
        """One turn by the key."""
        await self.send("input_audio_buffer.append", audio=LOUD)
        await self.send("input_audio_buffer.commit")
        await self.send("response.create")

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for event in self.got]


@asynccontextmanager
async def met(script: Script | str = "normal") -> AsyncIterator[tuple[GlmServer, Client]]:
    async with (
        GlmServer(script) as server,
        connect(f"{server.url}?model=glm-realtime", additional_headers=KEY) as socket,
    ):
        yield server, Client(socket)


def said(client: Client, kind: str) -> str:
    return "".join(event["delta"] for event in client.got if event["type"] == kind)


async def test_a_heartbeat_comes_first_and_the_settings_are_wav_by_default() -> None:
    async with met() as (_, client):
        created = await client.until("session.created")
        assert client.kinds == ["heartbeat", "session.created"]
        assert created["session"]["input_audio_format"] == "wav"
        assert created["session"]["turn_detection"] == {"type": "client_vad"}


async def test_a_spoken_turn_is_answered_in_words_and_sound() -> None:
    async with met() as (server, client):
        await client.opens()
        await client.speaks()
        done = await client.until("response.done")
        assert said(client, "response.audio_transcript.delta") == ANSWER
        sound = [e["delta"] for e in client.got if e["type"] == "response.audio.delta"]
        pcm = b"".join(map(base64.b64decode, sound))
        [stretch] = decode_track(pcm)
        assert (stretch.index, stretch.from_ms, stretch.duration_ms) == (1, 0, 1600)
        assert done["response"]["usage"]["total_tokens"] == 90
        assert not server.violations


async def test_typed_text_is_taken_and_answered_with_nothing() -> None:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}
    async with met() as (server, client):
        await client.opens()
        await client.send("conversation.item.create", item=item)
        await client.send("response.create")
        await client.until("response.done")
        assert not said(client, "response.audio_transcript.delta")
        assert not server.violations
    async with met("text_answers") as (_, client):
        await client.opens()
        await client.send("conversation.item.create", item=item)
        await client.send("response.create")
        await client.until("response.done")
        assert said(client, "response.audio_transcript.delta") == ANSWER


async def test_the_vad_measures_silence_by_the_clients_clock() -> None:
    async with met() as (_, client):
        await client.opens(HANDS_FREE)
        await client.send("input_audio_buffer.append", audio=LOUD)
        await client.until("input_audio_buffer.speech_started")
        await client.send("input_audio_buffer.append", later_ms=400, audio=QUIET)
        await client.send("input_audio_buffer.append", later_ms=200, audio=QUIET)
        await client.until("input_audio_buffer.speech_stopped")
        await client.until("response.done")
        assert "conversation.item.input_audio_transcription.completed" in client.kinds


async def test_time_that_stands_still_never_ends_a_turn() -> None:
    async with met() as (_, client):
        await client.opens(HANDS_FREE)
        await client.send("input_audio_buffer.append", audio=LOUD)
        for _ in range(20):
            await client.send("input_audio_buffer.append", later_ms=0, audio=QUIET)
        await client.send("conversation.item.retrieve", item_id="x")
        await client.until("conversation.item.retrieved")
        assert "input_audio_buffer.speech_stopped" not in client.kinds


async def test_tools_may_deafen_the_vad() -> None:
    async with met("deaf_with_tools") as (_, client):
        await client.opens({**HANDS_FREE, "tools": [TOOL]})
        await client.send("input_audio_buffer.append", audio=LOUD)
        await client.send("input_audio_buffer.append", later_ms=5000, audio=QUIET)
        await client.send("conversation.item.retrieve", item_id="x")
        await client.until("conversation.item.retrieved")
        assert "input_audio_buffer.speech_stopped" not in client.kinds


async def test_a_cancelled_reply_ends_soon_and_once() -> None:
    async with met("slow") as (server, client):
        await client.opens()
        await client.speaks()
        await client.until("response.audio.delta")
        await client.send("response.cancel")
        await client.until("response.cancelled")
        done = await client.until("response.done")
        assert done["response"]["status"] == "cancelled"
        await client.send("response.cancel")
        error = await client.until("error")
        assert error["error"]["code"] == "response_cancel_not_active"
        assert not server.violations


async def test_cancelling_twice_is_a_violation() -> None:
    async with met("slow") as (server, client):
        await client.opens()
        await client.speaks()
        await client.until("response.audio.delta")
        await client.send("response.cancel")
        await client.send("response.cancel")
        await client.until("response.done")
        await server.wait_for(lambda: server.violations or len(server.log.messages()) > 5)
        codes = [entry["error"]["code"] for entry in server.violations]
        refused = [entry["error"]["code"] for entry in server.log.directions("refused")]
        assert codes == ["cancelled_twice"] or refused == ["response_cancel_not_active"]


async def test_outputs_of_calls_come_in_order_and_in_number() -> None:
    async with met("two_calls") as (server, client):
        await client.opens({**SETTINGS, "tools": [TOOL]})
        await client.speaks()
        await client.until("response.done")
        output = {"type": "function_call_output", "output": "1"}
        await client.send("conversation.item.create", item=output)
        await client.send("response.create")
        assert "missing" in (await client.until("error"))["error"]["message"]
        await client.send("conversation.item.create", item=output)
        await client.send("response.create")
        await client.until("response.done")
        assert said(client, "response.audio_transcript.delta") == ANSWER
        assert len(server.violations) == 1


async def test_an_output_of_an_unknown_call_is_refused() -> None:
    async with met("tool_call") as (_, client):
        await client.opens({**SETTINGS, "tools": [TOOL]})
        await client.speaks()
        call = await client.until("response.function_call_arguments.done")
        await client.until("response.done")
        output = {"type": "function_call_output", "output": "1", "call_id": "other"}
        await client.send("conversation.item.create", item=output)
        await client.until("error")
        output["call_id"] = call["call_id"]
        await client.send("conversation.item.create", item=output)
        await client.until("conversation.item.created")


async def test_a_video_call_needs_a_frame_and_has_no_tools() -> None:
    async with met("tool_call") as (_, client):
        await client.opens({**VIDEO, "tools": [TOOL]})
        await client.speaks()
        assert (await client.until("error"))["error"]["code"] == "video_model_query_error"
        await client.send("input_audio_buffer.append_video_frame", video_frame=JPEG)
        await client.speaks()
        await client.until("response.done")
        assert "response.function_call_arguments.done" not in client.kinds


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("response.create", {"response": {}}),
        ("response.cancel", {"response_id": "r"}),
        ("conversation.item.truncate", {"item_id": "i", "content_index": 0, "audio_end_ms": 1}),
        ("input_audio_buffer.append", {"audio": "@@"}),
        ("input_audio_buffer.append", {"audio": "AA=="}),
        ("input_audio_buffer.append", {"audio": "AAAA", "client_timestamp": None}),
        ("input_audio_buffer.append_video_frame", {"video_frame": JPEG}),
        ("input_audio_buffer.commit", {}),
        ("session.update", {"session": {"instructions": "only this"}}),
        ("session.update", {"session": {**SETTINGS, "model": "gpt"}}),
        ("session.update", {"session": {**SETTINGS, "tool_choice": "auto"}}),
        ("session.update", {"session": {**SETTINGS, "turn_detection": None}}),
    ],
)
async def test_what_the_service_does_not_take_is_a_violation(kind: str, fields: JsonObject) -> None:
    async with met() as (server, client):
        await client.opens()
        await client.send(kind, **fields)
        await client.until("error")
        assert [entry["type"] for entry in server.violations] == [kind]


async def test_sound_before_the_settings_names_twice_and_time_backwards_are_violations() -> None:
    async with met() as (server, client):
        await client.until("session.created")
        await client.send("input_audio_buffer.clear")
        await client.send("session.update", session=SETTINGS)
        await client.until("session.updated")
        await client.send("input_audio_buffer.clear", event_id="c1")
        await client.send("input_audio_buffer.clear", later_ms=-5000)
        for _ in range(2):
            await client.until("input_audio_buffer.cleared")
        codes = [entry["error"]["code"] for entry in server.violations]
        assert codes == ["before_session_updated", "event_id_again", "time_goes_back"]


async def test_a_message_beyond_256_kb_closes_the_line() -> None:
    async with met() as (_, client):
        await client.opens()
        await client.send("input_audio_buffer.append", audio="A" * 300_000)
        with pytest.raises(ConnectionClosed) as caught:
            await client.until("error")
        assert caught.value.rcvd is not None and caught.value.rcvd.code == 1009


async def test_a_model_that_the_gateway_does_not_know_is_turned_away() -> None:
    async with GlmServer() as server:
        address = f"{server.url}?model=glm-realtime-plus"
        async with connect(address, additional_headers=KEY) as socket:
            client = Client(socket)
            assert (await client.until("error"))["error"]["code"] == "1234"
            with pytest.raises(ConnectionClosed) as caught:
                await client.until("session.created")
    assert caught.value.rcvd is not None and caught.value.rcvd.code == 1003


@pytest.mark.parametrize(
    ("script", "headers", "status"),
    [
        ("normal", {}, 401),
        ("normal", {"Authorization": "Bearer wrong"}, 401),
        ("bad_key", KEY, 401),
        ("no_model", KEY, 404),
    ],
)
async def test_handshakes_are_checked(script: str, headers: dict[str, str], status: int) -> None:
    async with GlmServer(script, api_key="key") as server:
        with pytest.raises(InvalidStatus) as caught:
            async with connect(server.url, additional_headers=headers):
                pass
    assert caught.value.response.status_code == status
    assert b'"code"' in caught.value.response.body


@pytest.mark.parametrize("name", sorted(SCRIPTS))
async def test_every_script_opens_or_refuses(name: str) -> None:
    script = replace(SCRIPTS[name], pace=0.0)
    async with GlmServer(script) as server:
        if script.http_status:
            with pytest.raises(InvalidStatus):
                await connect(server.url, additional_headers=KEY)
            return
        async with connect(server.url, additional_headers=KEY) as socket:
            client = Client(socket)
            await client.until("session.created")
            await client.send("session.update", session=SETTINGS)
            expected = "error" if script.update_error else "session.updated"
            if script.confirms_updates:
                await client.until(expected)


async def test_it_runs_as_a_process_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "wire.jsonl"
    command = [sys.executable, "-m", "tests.fakes.glm_server", "--log", str(log)]
    process = await asyncio.create_subprocess_exec(
        *command, "--script", "normal", "--answers-text", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    port = json.loads(await process.stdout.readline())["port"]
    url = f"ws://127.0.0.1:{port}/api/paas/v4/realtime"
    async with connect(url, additional_headers=KEY) as socket:
        client = await Client(socket).opens()
        await client.speaks()
        await client.until("response.done")
    process.terminate()
    assert await process.wait() == 0
    entries = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert {"in", "out", "note"} <= {entry["dir"] for entry in entries}
    assert LOUD not in log.read_text("utf-8")


def test_a_good_message_passes_the_check() -> None:
    named = {"event_id": "c1", "client_timestamp": 1}
    check({"type": "session.update", "session": SETTINGS, **named})
    with pytest.raises(Refused):
        check({"type": "session.update", "session": {**SETTINGS, "voice": "nobody"}, **named})
