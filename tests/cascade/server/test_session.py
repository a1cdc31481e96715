"""What the server answers to each client event, right and wrong; nothing wrong ends the session."""

import asyncio
import json
import random
from typing import Any

import pytest

from tests.cascade.peer import Event, Peer, kinds, meet, silence, speech
from voicechat.cascade.process import Endpoint
from voicechat.cascade.server.session import _EVENTS

_USER = {"type": "message", "role": "user"}
_SESSION = {"type": "realtime"}


def _item(**values: Any) -> dict[str, Any]:
    return {"item": values}


def _listening(**values: Any) -> dict[str, Any]:
    return {"session": {"type": "realtime", "audio": {"input": values}}}


_WRONG: list[tuple[str, dict[str, Any], str, str | None]] = [
    ("session.update", {}, "missing_required_parameter", "session"),
    ("session.update", {"session": {}}, "missing_required_parameter", "session.type"),
    ("session.update", {"session": 3}, "invalid_type", "session"),
    (
        "session.update",
        {"session": {**_SESSION, "temperature": 1}},
        "unknown_parameter",
        "session.temperature",
    ),
    (
        "session.update",
        {"session": {"type": "transcription"}},
        "invalid_value",
        "session.type",
    ),
    (
        "session.update",
        {"session": {**_SESSION, "output_modalities": ["audio", "text"]}},
        "invalid_value",
        "session.output_modalities",
    ),
    (
        "session.update",
        _listening(format={"type": "audio/pcm", "rate": 8000}),
        "integer_below_min_value",
        "session.audio.input.format.rate",
    ),
    (
        "session.update",
        _listening(format={"type": "audio/pcmu"}),
        "invalid_value",
        "session.audio.input.format.type",
    ),
    (
        "session.update",
        _listening(turn_detection={"type": "server_vad", "threshold": 1.5}),
        "decimal_above_max_value",
        "session.audio.input.turn_detection.threshold",
    ),
    (
        "session.update",
        _listening(turn_detection={"type": "semantic_vad", "threshold": 0.5}),
        "unknown_parameter",
        "session.audio.input.turn_detection.threshold",
    ),
    ("session.update", {"session": {**_SESSION, "model": "x"}}, "invalid_value", "session.model"),
    ("input_audio_buffer.append", {}, "missing_required_parameter", "audio"),
    ("input_audio_buffer.append", {"audio": "?!"}, "invalid_value", "audio"),
    ("input_audio_buffer.append", {"audio": "AAAA"}, "invalid_value", "audio"),
    ("input_audio_buffer.append", {"audio": [1]}, "invalid_type", "audio"),
    ("input_audio_buffer.commit", {}, "input_audio_buffer_commit_empty", None),
    ("input_audio_buffer.commit", {"x": 1}, "unknown_parameter", "x"),
    ("conversation.item.create", _item(role="user"), "missing_required_parameter", "item.type"),
    ("conversation.item.create", _item(**_USER), "missing_required_parameter", "item.content"),
    (
        "conversation.item.create",
        _item(type="message", role="robot", content=[]),
        "invalid_value",
        "item.role",
    ),
    (
        "conversation.item.create",
        _item(type="message", role="assistant", content=[{"type": "output_audio"}]),
        "invalid_value",
        "item.content[0].type",
    ),
    (
        "conversation.item.create",
        _item(**_USER, content=[{"type": "input_text"}]),
        "missing_required_parameter",
        "item.content[0].text",
    ),
    (
        "conversation.item.create",
        _item(**_USER, content=[], id="i" * 33),
        "string_above_max_length",
        "item.id",
    ),
    (
        "conversation.item.create",
        {**_item(**_USER, content=[]), "previous_item_id": "nowhere"},
        "item_create_invalid_previous_item_id",
        "previous_item_id",
    ),
    ("conversation.item.delete", {"item_id": "x"}, "item_delete_invalid_item_id", "item_id"),
    (
        "conversation.item.truncate",
        {"item_id": "x", "content_index": 0, "audio_end_ms": 0},
        "item_truncate_invalid_item_id",
        "item_id",
    ),
    (
        "conversation.item.truncate",
        {"item_id": "x", "content_index": 0, "audio_end_ms": -1},
        "integer_below_min_value",
        "audio_end_ms",
    ),
    ("response.cancel", {}, "response_cancel_not_active", None),
    ("response.cancel", {"response_id": "resp_x"}, "response_cancel_not_active", None),
    (
        "response.create",
        {"response": {"modalities": ["text"]}},
        "unknown_parameter",
        "response.modalities",
    ),
    (
        "response.create",
        {"response": {"metadata": {"k": "v" * 513}}},
        "string_above_max_length",
        "response.metadata.k",
    ),
    (
        "response.create",
        {"response": {"max_output_tokens": 0}},
        "integer_below_min_value",
        "response.max_output_tokens",
    ),
    ("response.make", {}, "invalid_value", "type"),
]


@pytest.mark.parametrize(("kind", "values", "code", "param"), _WRONG)
async def test_wrong_event_is_answered_as_the_real_service_does(
    peer: Peer, kind: str, values: dict[str, Any], code: str, param: str | None
) -> None:
    error = (await peer.ask(kind, event_id="mine", **values))["error"]
    assert (error["code"], error["param"], error["event_id"]) == (code, param, "mine")
    assert error["type"] == "invalid_request_error" and error["message"]


_DEEP = "[" * 100_000
_NOISE: list[tuple[str | bytes, str]] = [
    ("", "invalid_json"),
    ("hello", "invalid_json"),
    ("{", "invalid_json"),
    (_DEEP, "invalid_json"),
    ('{"type":' + _DEEP, "invalid_json"),
    ("9" * 10_000, "invalid_json"),
    ("[]", "invalid_event"),
    ("null", "invalid_event"),
    ('"session.update"', "invalid_event"),
    ("{}", "invalid_event"),
    ('{"type": 7}', "invalid_event"),
    ('{"type": ["session.update"]}', "invalid_event"),
    (b"\x00\xff", "invalid_event"),
    (b'{"type": "response.create"}', "invalid_event"),
    ('{"type": "\\ud800"}', "invalid_value"),
    ('{"type": "response.create", "event_id": 5}', "invalid_type"),
    ('{"type": "response.create", "response": []}', "invalid_type"),
    ('{"type": "response.create", "response": {"input": "x"}}', "invalid_type"),
    ('{"type": "response.create", "response": {"input": [7]}}', "invalid_type"),
    (
        '{"type": "response.create", "response": {"input": [{"type": "item_reference"}]}}',
        "invalid_type",
    ),
    ('{"type": "input_audio_buffer.append", "audio": "' + "é" * 9 + '"}', "invalid_value"),
    ('{"type": "input_audio_buffer.append", "audio": "' + "A" * 22_000_000 + '"}', "invalid_value"),
    ('{"type": "session.update", "session": {"type": "realtime", "audio": [1]}}', "invalid_type"),
    (
        '{"type": "session.update", "session": {"type": "realtime", "audio": {"output":'
        ' {"speed": NaN}}}}',
        "decimal_above_max_value",
    ),
    (
        '{"type": "conversation.item.create", "item": {"type": "message", "role": "user",'
        ' "content": [null]}}',
        "invalid_type",
    ),
]


@pytest.mark.parametrize(("message", "code"), _NOISE, ids=range(len(_NOISE)))
async def test_noise_is_answered_by_an_error_and_the_session_lives(
    peer: Peer, message: str | bytes, code: str
) -> None:
    await peer.socket.send(message)
    assert (await peer.until("error"))[-1]["error"]["code"] == code
    assert (await peer.update(instructions="alive"))["session"]["instructions"] == "alive"


_VALID: list[dict[str, Any]] = [
    _listening(turn_detection={"type": "server_vad", "threshold": 0.5}),
    {"audio": "AAABAAIA"},
    {"item": {**_USER, "id": "a", "content": [{"type": "input_text", "text": "x"}]}},
    {"item": {**_USER, "content": [{"type": "input_audio", "audio": "AAAAAA=="}]}},
    {"item_id": "a", "content_index": 0, "audio_end_ms": 5, "previous_item_id": "root"},
    {"response": {"output_modalities": ["text"], "metadata": {"a": "b"}, "input": []}},
    {"response": {"conversation": "none", "input": [{"type": "item_reference", "id": "a"}]}},
    {"response_id": "x"},
    {},
]
_ODD: list[Any] = [None, True, -1, 1e308, 10**30, "", "\ud83d", "x" * 2000, [], {}, [[]], [{}]]


def _spoil(value: Any, chance: random.Random) -> Any:
    """The same with a few values replaced by odd ones, or keys added."""
    if chance.random() < 0.12:
        return chance.choice(_ODD)
    if isinstance(value, list):
        return [_spoil(entry, chance) for entry in value]
    if isinstance(value, dict):
        spoilt = {key: _spoil(entry, chance) for key, entry in value.items()}
        return spoilt if chance.random() > 0.05 else {**spoilt, "extra": 1}
    return value


@pytest.mark.parametrize("seed", range(4))
async def test_spoilt_events_never_end_the_session_nor_find_a_fault_in_the_server(
    peer: Peer, seed: int
) -> None:
    chance = random.Random(seed)

    async def spoil() -> None:
        for _ in range(300):
            kind = chance.choice(list(_EVENTS))
            event = {"type": kind, **chance.choice(_VALID)}
            await peer.socket.send(json.dumps(_spoil(event, chance)))
        await peer.send("session.update", session={**_SESSION, "instructions": "the end"})

    async with asyncio.TaskGroup() as group:
        group.create_task(spoil())
        while True:
            event = await peer.next()
            if event["type"] == "error":
                assert event["error"]["code"] != "server_error", event
            if event.get("session", {}).get("instructions") == "the end":
                break


async def test_half_of_a_surrogate_pair_is_spoken_without_harm(peer: Peer) -> None:
    event = {"type": "conversation.item.create", "item": _text("\ud800 hello")}
    await peer.socket.send(json.dumps(event))
    await peer.send("response.create")
    assert (await peer.until("response.done"))[-1]["response"]["status"] == "completed"


def _text(text: str) -> dict[str, Any]:
    return {**_USER, "content": [{"type": "input_text", "text": text}]}


async def test_whole_update_is_refused_when_one_key_is_wrong(peer: Peer) -> None:
    wrong = {"type": "realtime", "instructions": "new", "voices": "x"}
    await peer.ask("session.update", session=wrong)
    assert (await peer.update())["session"]["instructions"] == ""


async def test_update_changes_only_what_it_names_and_null_switches_off(peer: Peer) -> None:
    session = (await peer.update(audio={"input": {"turn_detection": None}}))["session"]
    assert session["audio"]["input"]["turn_detection"] is None
    session = (await peer.update(instructions="x", audio={"output": {"voice": "v"}}))["session"]
    assert session["audio"]["input"]["turn_detection"] is None
    assert session["audio"]["output"]["voice"] == "v" and session["instructions"] == "x"


async def test_what_cannot_be_honoured_is_shown_as_off(peer: Peer) -> None:
    listening = {
        "transcription": {"model": "whisper-1", "language": "en"},
        "noise_reduction": {"type": "near_field"},
        "turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000},
    }
    tool = {"type": "mcp", "server_label": "theirs", "server_url": "https://example.org"}
    session = (await peer.update(audio={"input": listening}, tools=[tool]))["session"]
    shown = session["audio"]["input"]
    assert shown["transcription"] is None and shown["noise_reduction"] is None
    assert shown["turn_detection"]["idle_timeout_ms"] is None and session["tools"] == []


async def test_without_ears_a_spoken_turn_has_no_transcription_event(peer: Peer) -> None:
    await peer.update(audio={"input": {"transcription": {"model": "x"}, "turn_detection": None}})
    events = await peer.speak(speech())
    assert not [kind for kind in kinds(events) if "transcription" in kind]


async def test_voice_is_locked_after_the_first_sound(peer: Peer) -> None:
    await peer.type("Hello.")
    update = {"type": "realtime", "instructions": "n", "audio": {"output": {"voice": "other"}}}
    assert (await peer.ask("session.update", session=update))["error"]["code"] == (
        "cannot_update_voice"
    )
    assert (await peer.update())["session"]["instructions"] == ""


async def test_model_of_the_address_is_echoed(echo: Endpoint) -> None:
    async with meet(echo, "?model=mine") as peer:
        assert (await peer.update())["session"]["model"] == "mine"


async def test_items_go_where_they_are_put(peer: Peer) -> None:
    async def put(name: str, after: str | None) -> Event:
        values = {"previous_item_id": after} if after else {}
        item = {**_text(name), "id": name}
        kind = "conversation.item.create"
        return await peer.ask(kind, "conversation.item.done", item=item, **values)

    assert (await put("b", None))["previous_item_id"] is None
    assert (await put("d", None))["previous_item_id"] == "b"
    assert (await put("c", "b"))["previous_item_id"] == "b"
    assert (await put("a", "root"))["previous_item_id"] is None
    assert (await put("e", "d"))["previous_item_id"] == "d"
    twice = await peer.ask("conversation.item.create", item={**_text("x"), "id": "a"})
    assert twice["error"]["code"] == "item_create_duplicate_item_id"


async def test_history_of_another_session_can_be_replayed(peer: Peer) -> None:
    audio = {"type": "input_audio", "audio": "AAABAAIA", "transcript": "mine"}
    entries = [
        _text("typed"),
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "said"}],
        },
        {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "note"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "{}"},
        {**_USER, "content": [audio]},
    ]
    for entry in entries:
        await peer.ask("conversation.item.create", "conversation.item.done", item=entry)
    assert "not an AI" not in json.dumps(await peer.type("again"))


async def test_sound_of_a_spoken_item_can_be_got_back(peer: Peer) -> None:
    audio = {"type": "input_audio", "audio": "AAABAAIA", "transcript": "mine"}
    item = {**_USER, "id": "sound", "content": [audio]}
    done = await peer.ask("conversation.item.create", "conversation.item.done", item=item)
    assert done["item"]["content"] == [{"type": "input_audio", "transcript": "mine"}]
    got = await peer.ask(
        "conversation.item.retrieve", "conversation.item.retrieved", item_id="sound"
    )
    assert got["item"]["content"] == [audio]


async def test_deleted_item_is_gone(peer: Peer) -> None:
    await peer.send("conversation.item.create", item={**_text("x"), "id": "x"})
    told = await peer.ask("conversation.item.delete", "conversation.item.deleted", item_id="x")
    assert told["item_id"] == "x"
    again = await peer.ask("conversation.item.delete", item_id="x")
    assert again["error"]["code"] == "item_delete_invalid_item_id"


async def test_cleared_buffer_is_empty_and_99_ms_are_too_short(peer: Peer) -> None:
    await peer.manual()
    await peer.append(silence(500))
    await peer.ask("input_audio_buffer.clear", "input_audio_buffer.cleared")
    await peer.append(silence(99))
    short = await peer.ask("input_audio_buffer.commit")
    assert short["error"]["code"] == "input_audio_buffer_commit_empty"
    assert "99.00ms" in short["error"]["message"]
    await peer.append(silence(1))
    await peer.ask("input_audio_buffer.commit", "input_audio_buffer.committed")
