"""The stand-in service is what it says: proven with the official types and a plain client."""

import asyncio
import base64
import json
import re
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trustme
from openai.types.beta.realtime import RealtimeServerEvent as BetaServerEvent
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus, InvalidURI

from tests.fakes.ga_check import Refused, check
from tests.fakes.ga_script import HOSTILE, SCRIPTS, Reply, Script
from tests.fakes.ga_server import GaServer, decode_position, decode_track
from tests.fakes.ga_signal import silence, timecode, tone

JsonObject = dict[str, Any]
MODEL = "gpt-realtime-2.1"
PUSH_TO_TALK: JsonObject = {
    "type": "realtime",
    "output_modalities": ["audio"],
    "instructions": "Be brief.",
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "turn_detection": None,
            "transcription": {"model": "gpt-transcribe"},
        },
        "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin"},
    },
}
QUICK = replace(SCRIPTS["normal"], pace=40.0, first_delay_ms=0, replies=(Reply(audio_ms=1000),))
OFFICIAL: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
OFFICIAL_BETA: TypeAdapter[Any] = TypeAdapter(BetaServerEvent)


class Client:
    """A plain client that keeps all it got."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.got: list[JsonObject] = []

    async def send(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind} | fields))

    async def until(self, kind: str) -> JsonObject:
        """Read on to the next event of a type."""
        async with asyncio.timeout(20):
            while True:
                event: JsonObject = json.loads(await self.socket.recv())
                self.got.append(event)
                if event["type"] == kind:
                    return event

    async def update(self, session: JsonObject = PUSH_TO_TALK) -> JsonObject:
        await self.send("session.update", session=session)
        return await self.until("session.updated")

    async def speak(self, pcm: bytes) -> None:
        for at in range(0, len(pcm), 1920):
            audio = base64.b64encode(pcm[at : at + 1920]).decode()
            await self.send("input_audio_buffer.append", audio=audio)

    async def refused(self, kind: str, **fields: Any) -> str:
        """Send what should be refused; the code."""
        await self.send(kind, **fields)
        code = (await self.until("error"))["error"]["code"]
        return str(code)

    def types(self) -> list[str]:
        return [event["type"] for event in self.got]

    def sound(self, item_id: str = "") -> bytes:
        return b"".join(
            base64.b64decode(event["delta"])
            for event in self.got
            if event["type"] == "response.output_audio.delta" and item_id in event["item_id"]
        )


@asynccontextmanager
async def client_of(
    server: GaServer, model: str = MODEL, key: str = "sk-test", **headers: str
) -> AsyncIterator[Client]:
    auth = {"Authorization": f"Bearer {key}"} if key else {}
    url = f"{server.url}?model={model}" if model else server.url
    async with connect(
        url, additional_headers=auth | headers, proxy=None, max_size=None, close_timeout=2
    ) as socket:
        yield Client(socket)


@asynccontextmanager
async def opened(script: Script | str = QUICK) -> AsyncIterator[tuple[GaServer, Client]]:
    async with GaServer(script) as server, client_of(server) as client:
        await client.until("session.created")
        yield server, client


# -- what it sends ----------------------------------------------------------------------------


async def _talk(client: Client) -> None:
    """One of everything a client does in push-to-talk."""
    await client.until("session.created")
    await client.update()
    await client.speak(tone(600))
    await client.send("input_audio_buffer.commit")
    await client.send("response.create", response={"metadata": {"n": "1"}})
    await client.until("response.done")
    part = {"type": "input_text", "text": "And now?"}
    item = {"type": "message", "role": "user", "content": [part], "id": "msg_mine"}
    await client.send("conversation.item.create", item=item)
    await client.send("response.create", response={"output_modalities": ["text"]})
    await client.until("response.done")
    await client.send("conversation.item.retrieve", item_id="msg_mine")
    await client.send("conversation.item.delete", item_id="msg_mine")
    await client.send("input_audio_buffer.clear")
    await client.send("response.cancel")
    await client.until("error")


VALID = sorted(
    {"normal", "markup", "failed_quota", "two_items", "incomplete", "tool_call", "cjk"}
    | {"failed_transcript", "short_reply", "odd_deltas"}
)


@pytest.mark.parametrize("name", VALID)
async def test_every_event_is_one_of_the_official_types(name: str) -> None:
    script = replace(SCRIPTS[name], pace=40.0, first_delay_ms=0)
    async with GaServer(script) as server, client_of(server) as client:
        await _talk(client)
        assert not server.violations
    for event in client.got:
        text = json.dumps(event)
        assert OFFICIAL.validate_python(json.loads(text.replace("\\ud800", "?"))).type


async def test_the_older_dialect_is_one_of_the_older_official_types() -> None:
    session = {"modalities": ["audio", "text"], "voice": "alloy", "turn_detection": None}
    async with (
        GaServer(replace(SCRIPTS["beta_names"], pace=40.0)) as server,
        client_of(server, "gpt-4o-realtime-preview") as client,
    ):
        assert "modalities" in (await client.until("session.created"))["session"]
        assert await client.refused("session.update", session=PUSH_TO_TALK) in (
            "unknown_parameter",
            "missing_required_parameter",
        )
        await client.update(session)
        await client.speak(tone(300))
        await client.send("input_audio_buffer.commit")
        await client.send("response.create")
        await client.until("response.done")
    assert {"response.audio.delta", "conversation.item.created"} <= set(client.types())
    assert not {"response.output_audio.delta", "conversation.item.done"} & set(client.types())
    for event in client.got:
        assert OFFICIAL_BETA.validate_python(event).type


async def test_a_spoken_reply_has_the_order_of_the_live_service() -> None:
    async with opened() as (_, client):
        await client.update()
        await client.send("response.create")
        await client.until("rate_limits.updated")
    seen = list(dict.fromkeys(client.types()[2:]))
    assert seen == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]


async def test_words_and_sound_of_a_reply_are_complete() -> None:
    async with opened() as (_, client):
        await client.update()
        await client.send("response.create")
        done = await client.until("response.done")
    kind = "response.output_audio_transcript.delta"
    words = "".join(event["delta"] for event in client.got if event["type"] == kind)
    item = done["response"]["output"][0]
    assert words == item["content"][0]["transcript"] == Reply().text
    assert client.sound() == timecode(0, 1000)
    usage = done["response"]["usage"]
    assert usage["output_token_details"]["audio_tokens"] == 20
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


async def test_items_follow_each_other_by_previous_item_id() -> None:
    async with opened(SCRIPTS["two_items"]) as (_, client):
        await client.update()
        await client.speak(tone(200))
        await client.send("input_audio_buffer.commit")
        await client.send("response.create")
        await client.until("response.done")
    added = [event for event in client.got if event["type"] == "conversation.item.added"]
    previous: str | None = None
    for event in added:
        assert event["previous_item_id"] == previous
        previous = event["item"]["id"]
    assert len(added) == 3


async def test_hostile_words_arrive_unchanged() -> None:
    async with opened("markup") as (_, client):
        await client.update()
        await client.send("response.create")
        done = await client.until("response.done")
        error = await client.until("error")
    assert done["response"]["output"][0]["content"][0]["transcript"] == HOSTILE
    assert error["error"]["message"] == HOSTILE


async def test_tool_call_is_told_three_times() -> None:
    async with opened("tool_call") as (_, client):
        await client.update()
        await client.send("response.create")
        done = await client.until("response.done")
        call = done["response"]["output"][0]
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "{}"}
        await client.send("conversation.item.create", item=output)
        await client.send("response.create")
        assert (await client.until("response.done"))["response"]["output"][0]["type"] == "message"
    arguments = json.loads(call["arguments"])
    spoken = [e for e in client.got if e["type"] == "response.function_call_arguments.done"]
    assert arguments == json.loads(spoken[0]["arguments"]) == {"zone": "UTC"}
    assert len(call["call_id"]) <= 32


# -- what it refuses --------------------------------------------------------------------------

INPUT = {"type": "realtime", "audio": {"input": {}}}
REFUSED: list[tuple[JsonObject, str, str | None]] = [
    (
        {"type": "session.update", "session": {"type": "transcription"}},
        "invalid_value",
        "session.type",
    ),
    ({"event_id": "x"}, "invalid_event", "type"),
    ({"type": "response.sing"}, "invalid_value", "type"),
    ({"type": "session.update", "session": {}}, "missing_required_parameter", "session.type"),
    (
        {"type": "session.update", "session": {"type": "realtime", "voice": "marin"}},
        "unknown_parameter",
        "session.voice",
    ),
    (
        {"type": "session.update", "session": {"type": "realtime", "temperature": 0.8}},
        "unknown_parameter",
        "session.temperature",
    ),
    (
        {
            "type": "session.update",
            "session": {"type": "realtime", "audio": {"input": {"vad": {}}}},
        },
        "unknown_parameter",
        "session.audio.input.vad",
    ),
    (
        {
            "type": "session.update",
            "session": {
                "type": "realtime",
                "audio": {"input": {"format": {"type": "audio/pcm", "rate": 8000}}},
            },
        },
        "integer_below_min_value",
        "session.audio.input.format.rate",
    ),
    (
        {
            "type": "session.update",
            "session": {"type": "realtime", "output_modalities": ["audio", "text"]},
        },
        "invalid_value",
        "session.output_modalities",
    ),
    (
        {
            "type": "session.update",
            "session": {"type": "realtime", "audio": {"output": {"voice": "bob"}}},
        },
        "invalid_value",
        "session.audio.output.voice",
    ),
    (
        {
            "type": "session.update",
            "session": {
                "type": "realtime",
                "audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 7}}},
            },
        },
        "integer_above_max_value",
        "session.audio.input.turn_detection.threshold",
    ),
    (
        {
            "type": "session.update",
            "session": {
                "type": "realtime",
                "audio": {"input": {"turn_detection": {"type": "psychic"}}},
            },
        },
        "invalid_value",
        "session.audio.input.turn_detection.type",
    ),
    ({"type": "input_audio_buffer.append"}, "missing_required_parameter", "audio"),
    ({"type": "input_audio_buffer.append", "audio": 5}, "invalid_type", "audio"),
    ({"type": "input_audio_buffer.append", "audio": "@@"}, "invalid_value", "audio"),
    ({"type": "input_audio_buffer.append", "audio": "AAAA"}, "invalid_value", "audio"),
    ({"type": "input_audio_buffer.commit", "now": True}, "unknown_parameter", "now"),
    (
        {"type": "conversation.item.truncate", "item_id": "i", "content_index": 0},
        "missing_required_parameter",
        "audio_end_ms",
    ),
    (
        {
            "type": "conversation.item.truncate",
            "item_id": "i",
            "content_index": 0,
            "audio_end_ms": 12.5,
        },
        "invalid_type",
        "audio_end_ms",
    ),
    (
        {
            "type": "conversation.item.truncate",
            "item_id": "i",
            "content_index": 0,
            "audio_end_ms": -1,
        },
        "integer_below_min_value",
        "audio_end_ms",
    ),
    (
        {
            "type": "conversation.item.create",
            "item": {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_audio", "transcript": "Hi"}],
            },
        },
        "invalid_value",
        "item.content[0].type",
    ),
    (
        {
            "type": "conversation.item.create",
            "item": {
                "type": "message",
                "role": "user",
                "id": "msg_" + "0" * 32,
                "content": [{"type": "input_text", "text": "Hi"}],
            },
        },
        "string_above_max_length",
        "item.id",
    ),
    (
        {"type": "response.create", "response": {"voice": "x"}},
        "unknown_parameter",
        "response.voice",
    ),
    (
        {"type": "response.create", "response": {"metadata": {"k": "v" * 513}}},
        "invalid_value",
        "response.metadata",
    ),
]


@pytest.mark.parametrize(("message", "code", "param"), REFUSED)
def test_wrong_messages_are_refused_by_code(message: JsonObject, code: str, param: str) -> None:
    with pytest.raises(Refused) as refused:
        check(message, MODEL)
    assert (refused.value.code, refused.value.param) == (code, param)


GOOD: list[JsonObject] = [
    {"type": "session.update", "session": PUSH_TO_TALK, "event_id": "c1"},
    {
        "type": "session.update",
        "session": {
            "type": "realtime",
            "reasoning": {"effort": "low"},
            "truncation": {"type": "retention_ratio", "retention_ratio": 0.8},
            "tracing": None,
            "max_output_tokens": "inf",
            "audio": {
                "input": {
                    "noise_reduction": {"type": "near_field"},
                    "turn_detection": {
                        "type": "server_vad",
                        "threshold": 0.5,
                        "prefix_padding_ms": 300,
                        "silence_duration_ms": 500,
                        "idle_timeout_ms": None,
                        "create_response": True,
                        "interrupt_response": True,
                    },
                },
                "output": {"voice": {"id": "voice_1234"}, "speed": 1},
            },
        },
    },
    {
        "type": "session.update",
        "session": {
            "type": "realtime",
            "audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}}},
        },
    },
    {"type": "response.cancel", "response_id": "resp_1"},
    {
        "type": "response.create",
        "response": {
            "conversation": "none",
            "input": [{"type": "item_reference", "id": "item_1"}],
            "output_modalities": ["text"],
            "tools": [],
        },
    },
    {
        "type": "conversation.item.create",
        "previous_item_id": "root",
        "item": {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Sure."}],
        },
    },
    {
        "type": "conversation.item.create",
        "item": {"type": "function_call_output", "call_id": "call_9", "output": "{}"},
    },
]


@pytest.mark.parametrize("message", GOOD)
def test_good_messages_pass(message: JsonObject) -> None:
    check(message, MODEL)


def test_reasoning_is_refused_for_models_without_it() -> None:
    message = {
        "type": "session.update",
        "session": {"type": "realtime", "reasoning": {"effort": "low"}},
    }
    for model in ("gpt-realtime", "gpt-realtime-1.5", "gpt-realtime-2025-08-28"):
        with pytest.raises(Refused):
            check(message, model)


async def test_a_refused_update_changes_nothing_and_is_a_violation() -> None:
    async with opened() as (server, client):
        bad = {"type": "realtime", "instructions": "Sing.", "colour": "red"}
        assert await client.refused("session.update", session=bad) == "unknown_parameter"
        assert (await client.update())["session"]["instructions"] == "Be brief."
        assert [entry["error"]["code"] for entry in server.violations] == ["unknown_parameter"]


async def test_an_update_changes_only_what_it_names() -> None:
    async with opened() as (_, client):
        await client.update()
        vad = {"type": "server_vad", "silence_duration_ms": 700}
        change = {"type": "realtime", "audio": {"input": {"turn_detection": vad}}}
        session = (await client.update(change))["session"]
    assert session["instructions"] == "Be brief."
    assert session["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 700
    assert session["audio"]["input"]["turn_detection"]["create_response"] is True
    assert session["audio"]["output"]["voice"] == "marin"


async def test_the_voice_is_locked_once_the_model_has_spoken() -> None:
    async with opened() as (_, client):
        await client.update()
        await client.send("response.create")
        await client.until("response.done")
        assert await client.refused("session.update", session=PUSH_TO_TALK) == (
            "cannot_update_voice"
        )


async def test_sound_before_the_first_update_is_a_violation() -> None:
    async with opened() as (server, client):
        await client.speak(silence(40))
        await server.wait_for("input_audio_buffer.append")
        await client.update()
        assert server.violations[0]["error"]["code"] == "append_before_session_updated"


async def test_frames_that_are_no_json_text_are_refused_and_the_session_lives() -> None:
    async with opened() as (_, client):
        await client.socket.send(b"\x00\x01")
        assert (await client.until("error"))["error"]["code"] == "invalid_event"
        await client.socket.send("{")
        assert (await client.until("error"))["error"]["code"] == "invalid_json"
        await client.update()


# -- turns and replies ------------------------------------------------------------------------


async def test_less_than_100_ms_cannot_be_committed() -> None:
    async with opened() as (_, client):
        await client.update()
        await client.speak(tone(80))
        assert await client.refused("input_audio_buffer.commit") == (
            "input_audio_buffer_commit_empty"
        )
        await client.speak(tone(40))
        await client.send("input_audio_buffer.commit")
        await client.until("input_audio_buffer.committed")


async def test_only_one_reply_runs_at_a_time() -> None:
    async with opened("real_time") as (server, client):
        await client.update()
        await client.send("response.create")
        await client.until("response.created")
        assert await client.refused("response.create") == (
            "conversation_already_has_active_response"
        )
        assert not server.violations
        assert [entry["type"] for entry in server.log.directions("refused")] == ["response.create"]


async def test_a_cancelled_reply_ends_as_cancelled_and_makes_room() -> None:
    async with opened("real_time") as (_, client):
        await client.update()
        await client.send("response.create")
        created = await client.until("response.created")
        await client.until("response.output_audio.delta")
        await client.send("response.cancel", response_id=created["response"]["id"])
        done = (await client.until("response.done"))["response"]
        assert done["status"] == "cancelled"
        assert done["status_details"]["reason"] == "client_cancelled"
        assert done["output"][0]["status"] == "incomplete"
        assert await client.refused("response.cancel") == "response_cancel_not_active"
        await client.send("response.create")
        await client.until("response.created")


async def test_an_out_of_band_reply_runs_beside_the_other() -> None:
    async with opened("real_time") as (_, client):
        await client.update()
        await client.send("response.create")
        await client.until("response.created")
        request = {"conversation": "none", "output_modalities": ["text"], "metadata": {"a": "b"}}
        await client.send("response.create", response=request)
        done = (await client.until("response.done"))["response"]
        assert done["conversation_id"] is None
        assert done["metadata"] == {"a": "b"}


async def test_truncation_is_measured_against_the_sound_sent() -> None:
    async with opened() as (server, client):
        await client.update()
        await client.send("response.create")
        item_id = (await client.until("response.done"))["response"]["output"][0]["id"]
        where = {"item_id": item_id, "content_index": 0}
        await client.send("conversation.item.truncate", **where, audio_end_ms=1001)
        error = (await client.until("error"))["error"]
        assert error["message"] == "Audio content of 1000ms is already shorter than 1001ms"
        await client.send("conversation.item.truncate", **where, audio_end_ms=400)
        assert (await client.until("conversation.item.truncated"))["audio_end_ms"] == 400
        await client.send("conversation.item.retrieve", item_id=item_id)
        content = (await client.until("conversation.item.retrieved"))["item"]["content"]
        assert content[0]["transcript"] is None
        assert len(server.violations) == 1


async def test_user_speech_cannot_be_truncated() -> None:
    async with opened() as (_, client):
        await client.update()
        await client.speak(tone(200))
        await client.send("input_audio_buffer.commit")
        item_id = (await client.until("input_audio_buffer.committed"))["item_id"]
        where = {"item_id": item_id, "content_index": 0, "audio_end_ms": 0}
        assert await client.refused("conversation.item.truncate", **where) == (
            "unsupported_content_type"
        )


async def test_stale_ids_are_refused_but_are_no_violation() -> None:
    async with opened() as (server, client):
        code = await client.refused("conversation.item.delete", item_id="item_gone")
        assert code == "item_delete_invalid_item_id"
        assert not server.violations


def _hands_free(**vad: Any) -> JsonObject:
    detection = {"type": "server_vad", "silence_duration_ms": 300, "prefix_padding_ms": 100} | vad
    audio = PUSH_TO_TALK["audio"] | {"input": {"turn_detection": detection}}
    return PUSH_TO_TALK | {"audio": audio}


async def test_the_vad_finds_a_turn_and_answers_it() -> None:
    async with opened() as (_, client):
        await client.update(_hands_free())
        await client.speak(silence(500) + tone(800) + silence(400))
        started = await client.until("input_audio_buffer.speech_started")
        stopped = await client.until("input_audio_buffer.speech_stopped")
        committed = await client.until("input_audio_buffer.committed")
        await client.until("response.done")
    assert started["audio_start_ms"] == 400
    assert stopped["audio_end_ms"] == 1300
    assert started["item_id"] == stopped["item_id"] == committed["item_id"]


async def test_a_click_is_not_speech() -> None:
    async with opened() as (server, client):
        await client.update(_hands_free())
        await client.speak(silence(200) + tone(20) + silence(400))
        await server.wait_for(lambda: len(server.session.ears.received) == 620 * 48)
        assert not server.log.of("input_audio_buffer.speech_started", "out")


async def test_speech_cuts_the_running_reply_when_asked_to() -> None:
    async with opened("real_time") as (_, client):
        await client.update(_hands_free())
        await client.send("response.create")
        await client.until("response.output_audio.delta")
        await client.speak(tone(200))
        done = (await client.until("response.done"))["response"]
        assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        await client.speak(silence(400))
        await client.until("response.created")


async def test_speech_leaves_the_reply_alone_when_asked_to() -> None:
    async with opened("real_time") as (server, client):
        await client.update(_hands_free(interrupt_response=False, create_response=False))
        await client.send("response.create")
        await client.until("response.output_audio.delta")
        await client.speak(tone(200) + silence(400))
        await client.until("input_audio_buffer.committed")
        assert server.session.active is not None


async def test_the_words_of_the_user_may_come_after_the_answer() -> None:
    late = replace(QUICK, transcription_delay_ms=800)
    async with opened(late) as (_, client):
        await client.update()
        await client.speak(tone(300))
        await client.send("input_audio_buffer.commit")
        await client.send("response.create")
        done = "conversation.item.input_audio_transcription.completed"
        assert (await client.until(done))["transcript"] == QUICK.user_text
    assert client.types().index("response.done") < client.types().index(done)


# -- faults -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code", "close"),
    [("bad_key", "invalid_api_key", 3000), ("bad_model", "invalid_model", 4000)],
)
async def test_refusal_comes_after_the_upgrade(name: str, code: str, close: int) -> None:
    async with GaServer(name) as server, client_of(server) as client:
        assert (await client.until("error"))["error"]["code"] == code
        with pytest.raises(ConnectionClosedError) as closed:
            await client.until("session.created")
    assert closed.value.rcvd
    assert closed.value.rcvd.code == close
    assert closed.value.rcvd.reason == f"invalid_request_error.{code}"


@pytest.mark.parametrize(
    ("model", "key", "headers", "code"),
    [
        (MODEL, "", {}, "invalid_api_key"),
        ("", "sk-test", {}, "missing_model"),
        ("gpt-4o-realtime-preview", "sk-test", {}, "invalid_model"),
        (MODEL, "sk-test", {"OpenAI-Beta": "realtime=v1"}, "beta_api_shape_disabled"),
        (MODEL, "sk-wrong", {}, "invalid_api_key"),
    ],
)
async def test_handshakes_are_checked(
    model: str, key: str, headers: dict[str, str], code: str
) -> None:
    async with (
        GaServer(api_key="sk-test") as server,
        client_of(server, model, key, **headers) as client,
    ):
        assert (await client.until("error"))["error"]["code"] == code
        assert not server.sessions


@pytest.mark.parametrize(
    ("name", "status", "header"),
    [
        ("http_401", 401, ("Connection", "close")),
        ("http_429_retry_after", 429, ("Retry-After", "2")),
        ("http_200_html", 200, ("Content-Type", "text/html")),
    ],
)
async def test_refusal_by_http(name: str, status: int, header: tuple[str, str]) -> None:
    async with GaServer(name) as server:
        with pytest.raises(InvalidStatus) as refused:
            async with client_of(server):
                pass
    assert refused.value.response.status_code == status
    assert refused.value.response.headers[header[0]] == header[1]


async def test_redirect_names_another_place() -> None:
    async with GaServer("http_302") as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(
            b"GET /v1/realtime?model=x HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 302 ")
    assert b"Location: http://login.example/portal" in answer


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1006])
async def test_closing_in_the_middle_of_a_reply(code: int) -> None:
    async with opened(replace(SCRIPTS[f"close_{code}"], pace=0.0)) as (_, client):
        await client.update()
        await client.send("response.create")
        with pytest.raises(ConnectionClosed) as closed:
            await client.until("response.done")
    received = closed.value.rcvd.code if closed.value.rcvd else 1006
    assert received == code
    assert len(client.got) == 20


async def test_tcp_reset_in_the_middle_of_a_reply() -> None:
    async with opened(replace(SCRIPTS["drop_tcp"], pace=0.0)) as (server, client):
        await client.update()
        await client.send("response.create")
        with pytest.raises(ConnectionClosedError) as closed:
            await client.until("response.done")
        assert closed.value.rcvd is None
        assert any(entry.get("note") == "reset" for entry in server.log.entries)


async def test_the_session_expires_once_and_the_next_one_does_not() -> None:
    script = replace(SCRIPTS["expired"], expire_after_ms=50)
    async with GaServer(script) as server:
        async with client_of(server) as client:
            await client.update()
            assert (await client.until("error"))["error"]["code"] == "session_expired"
            with pytest.raises(ConnectionClosed) as closed:
                await client.until("x")
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1001
        assert "maximum duration" in closed.value.rcvd.reason
        assert server.script.faulty_connections == 1
        async with client_of(server) as client:
            await client.update()
            await client.send("response.create")
            await client.until("response.done")


async def test_a_failed_reply_comes_without_an_error_event() -> None:
    async with opened("failed_quota") as (_, client):
        await client.update()
        await client.send("response.create")
        done = (await client.until("response.done"))["response"]
    assert done["status"] == "failed"
    assert done["status_details"]["error"]["code"] == "insufficient_quota"
    assert "error" not in client.types()


async def test_silence_is_the_answer_of_the_silent_script() -> None:
    async with opened("silent") as (server, client):
        await client.update()
        await client.send("response.create")
        await server.wait_for("response.create")
        await client.update()
    assert "response.created" not in client.types()


async def test_stale_sound_goes_on_after_the_vad_cancelled() -> None:
    async with opened("stale_deltas") as (_, client):
        await client.update(_hands_free())
        await client.send("response.create")
        await client.until("response.output_audio.delta")
        await client.speak(tone(200))
        await client.until("input_audio_buffer.speech_started")
        at = len(client.got)
        done = await client.until("response.done")
        before_done = client.types()[at:].count("response.output_audio.delta")
        last = [await client.until("response.output_audio.delta") for _ in range(4)]
    assert before_done >= 4
    assert {event["response_id"] for event in last} == {done["response"]["id"]}


async def test_unconfirmed_updates_still_hold() -> None:
    async with opened("no_session_updated") as (server, client):
        await client.send("session.update", session=PUSH_TO_TALK)
        await client.send("response.create")
        await client.until("response.created")
        assert server.session.settings.vad is None
    assert "session.updated" not in client.types()


@pytest.mark.parametrize("name", ["non_json", "unknown_events"])
async def test_noise_stands_between_good_events(name: str) -> None:
    async with opened(replace(SCRIPTS[name], pace=0.0)) as (_, client):
        await client.send("session.update", session=PUSH_TO_TALK)
        await client.send("response.create")
        raw: list[str | bytes] = []
        async with asyncio.timeout(20):
            while not any(isinstance(r, str) and '"response.done"' in r for r in raw):
                raw.append(await client.socket.recv())
    assert set(SCRIPTS[name].garbage) <= set(raw)


async def test_odd_deltas_split_samples() -> None:
    async with opened(replace(SCRIPTS["odd_deltas"], pace=0.0)) as (_, client):
        await client.update()
        await client.send("response.create")
        await client.until("response.done")
    deltas = [e["delta"] for e in client.got if e["type"] == "response.output_audio.delta"]
    assert len(base64.b64decode(deltas[0])) % 2 == 1
    assert client.sound() == timecode(0, 4000)


async def test_a_stall_delays_the_rest_of_the_reply() -> None:
    script = replace(QUICK, stalls=((500, 600),))
    async with opened(script) as (server, client):
        await client.update()
        await client.send("response.create")
        await client.until("response.done")
    deltas = [
        entry for entry in server.log.entries if entry.get("type") == "response.output_audio.delta"
    ]
    gaps = {
        later["message"]["delta"]["total_ms"]: later["mono"] - sooner["mono"]
        for sooner, later in zip(deltas, deltas[1:], strict=False)
    }
    assert gaps[600] > 0.5


async def test_a_deaf_server_never_answers_close() -> None:
    async with GaServer("deaf_to_close") as server:
        socket = await connect(
            f"{server.url}?model={MODEL}",
            additional_headers={"Authorization": "Bearer k"},
            proxy=None,
            close_timeout=0.5,
        )
        client = Client(socket)
        await client.until("session.created")
        await client.update()
        await socket.close()
        assert socket.close_code == 1006


async def test_every_script_opens_or_refuses() -> None:
    for name, script in SCRIPTS.items():
        async with GaServer(script) as server:
            if script.refusal and script.refusal.status:
                with pytest.raises((InvalidStatus, InvalidURI)):
                    async with client_of(server):
                        pass
                continue
            async with client_of(server) as client:
                first = "error" if script.refusal else "session.created"
                assert (await client.until(first))["type"] == first, name


# -- the log, the control channel, the process ------------------------------------------------


async def test_the_log_shows_sound_as_counts_and_when_it_became_loud(tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    async with GaServer(QUICK, log_path=path) as server, client_of(server) as client:
        await client.update()
        await client.speak(silence(90) + tone(110))
        await client.send("response.create")
        await client.until("response.done")
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    sent = [e["message"]["audio"] for e in entries if e.get("type") == "input_audio_buffer.append"]
    assert [each["total_ms"] for each in sent] == [40, 80, 120, 160, 200]
    assert [each["loud_at_ms"] is None for each in sent] == [True, True, False, False, False]
    assert 10 <= sent[2]["loud_at_ms"] <= 11
    assert all("t" in entry and "mono" in entry for entry in entries)
    assert "sk-test" not in path.read_text()


async def test_control_triggers_things_at_a_moment(tmp_path: Path) -> None:
    async with opened() as (server, client):
        await client.update()
        async with connect(server.control_url, proxy=None) as control:

            async def tell(**command: Any) -> JsonObject:
                await control.send(json.dumps(command))
                answer: JsonObject = json.loads(await control.recv())
                return answer

            assert (await tell(do="say", text="Hello you.", audio_ms=300))["ok"]
            await client.until("response.done")
            assert (await tell(do="send", event={"type": "ping"}))["ok"]
            await client.until("ping")
            assert (await tell(do="hold"))["ok"]
            assert (await tell(do="say"))["ok"]
            assert (await tell(do="release"))["ok"]
            await client.until("response.created")
            assert (await tell(do="cancel"))["cancelled"]
            await client.until("response.done")
            await client.speak(tone(200))
            await server.wait_for(lambda: len(server.session.ears.received) == 200 * 48)
            assert (await tell(do="save_input", path=str(tmp_path / "in.wav")))["ok"]
            assert (await tell(do="state"))["received_ms"] == 200
            assert not (await tell(do="dance"))["ok"]
            assert (await tell(do="close", code=1011, reason="bang"))["ok"]
            with pytest.raises(ConnectionClosedError, match="bang"):
                await client.until("x")
    assert (tmp_path / "in.wav").stat().st_size > 9600


async def test_it_runs_as_a_process_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "wire.jsonl"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fakes.ga_server", "--port", "0", "--log", str(log)),
        *("--script", "short_reply", "--pace", "0", "--text", "Yes indeed.", "--stall", "80:10"),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    port = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))["port"]
    url = f"ws://127.0.0.1:{port}/v1/realtime?model={MODEL}"
    headers = {"Authorization": "Bearer k"}
    async with connect(url, additional_headers=headers, proxy=None) as socket:
        client = Client(socket)
        await client.update()
        await client.send("response.create")
        done = await client.until("response.done")
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 20) == 0
    assert done["response"]["output"][0]["content"][0]["transcript"] == "Yes indeed."
    assert "response.done" in log.read_text()


async def test_it_speaks_tls() -> None:
    authority = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with (
        GaServer(QUICK, tls=tls) as server,
        connect(
            f"{server.url}?model={MODEL}",
            additional_headers={"Authorization": "Bearer k"},
            proxy=None,
            ssl=trusting,
        ) as socket,
    ):
        assert (await Client(socket).until("session.created"))["session"]["model"] == MODEL


# -- the timecode -----------------------------------------------------------------------------


def test_timecode_is_a_prefix_of_itself() -> None:
    assert timecode(3, 2500).startswith(timecode(3, 1300))
    assert timecode(3, 100) != timecode(4, 100)


@pytest.mark.parametrize("rate", [24_000, 48_000, 16_000])
def test_position_is_found_at_any_rate_and_gain(rate: int) -> None:
    sound = np.frombuffer(timecode(2, 6000), "<i2").astype(float) * -0.2
    at = np.arange(round(sound.size * rate / 24_000)) * 24_000 / rate
    recording = np.interp(at, np.arange(sound.size), sound).astype("<i2")
    start = round(4.321 * rate)
    piece = recording[start : start + rate // 20].tobytes()
    found = decode_position(piece, rate=rate)
    assert found is not None
    assert found.index == 2
    assert found.ms == pytest.approx(4321, abs=0.2)


def test_other_sound_has_no_position() -> None:
    noise = np.random.default_rng(99).normal(0, 4000, 2400).astype("<i2").tobytes()
    assert decode_position(noise) is None
    assert decode_position(silence(100)) is None
    assert decode_position(tone(100)) is None


def test_track_shows_cuts_gaps_and_other_items() -> None:
    first, second = timecode(0, 1000), timecode(1, 1000)
    recording = (
        silence(200) + first[: 400 * 48] + silence(100) + first[600 * 48 :] + second[: 300 * 48]
    )
    shown = [
        (round(s.at_ms), s.index, round(s.from_ms), round(s.to_ms)) for s in decode_track(recording)
    ]
    assert shown == [(200, 0, 0, 400), (700, 0, 600, 1000), (1100, 1, 0, 300)]


def test_scripts_are_named_as_the_table_names_them() -> None:
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in SCRIPTS)
    assert all(script.name == name for name, script in SCRIPTS.items())
