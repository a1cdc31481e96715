"""Things a test triggers in the stand-in at a moment of its choosing.

A command is an object with `do`; the answer is `{"ok": true, …}` or `{"ok": false, "why": …}`.
All but `script`, `state` and `log` work on the newest session.

    {"do": "say", "text": …, "audio_ms": …, "items": …}   begin a reply nobody asked for
    {"do": "cancel", "reason": "turn_detected"}           stop the running reply
    {"do": "speech_started"} / {"do": "speech_stopped"}   as if the VAD had heard it
    {"do": "send", "event": {…}}                          send an event as it is
    {"do": "send_text", "text": …}                        send any text
    {"do": "send_bytes", "hex": …}                        send a binary message
    {"do": "hold"} / {"do": "release"}                    send nothing / go on
    {"do": "deaf"}                                        from now on read nothing at all
    {"do": "close", "code": 1001, "reason": …}            1006: TCP ends without a close frame
    {"do": "reset"}                                       TCP reset
    {"do": "expire"}                                      session too old: error, then 1001
    {"do": "save_input", "path": …}                       what the client sent, as WAV
    {"do": "script", "name": …}                           for the connections from now on
    {"do": "state"}                                       counts; whether a reply is running
    {"do": "log", "from": 0}                              entries of the log
"""

import json
import wave
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed

from tests.fakes.ga_check import Refused
from tests.fakes.ga_script import Reply, script_named
from tests.fakes.ga_signal import RATE, ms_of

if TYPE_CHECKING:
    from tests.fakes.ga_server import GaServer
    from tests.fakes.ga_session import GaSession

JsonObject = dict[str, Any]


async def obey(server: "GaServer", command: JsonObject) -> JsonObject:
    """Carry a command out; never raises for what a command can hold."""
    try:
        answer = _of_server(server, command)
        if answer is None:
            if not server.sessions:
                return {"ok": False, "why": "no session yet"}
            answer = await _of_session(server.session, command)
    except (Refused, ValueError, KeyError, TypeError, OSError, ConnectionClosed) as error:
        return {"ok": False, "why": f"{type(error).__name__}: {error}"}
    return {"ok": True} | answer


def _of_server(server: "GaServer", command: JsonObject) -> JsonObject | None:
    match command:
        case {"do": "script", "name": str(name)}:
            server.script = script_named(name)
            return {}
        case {"do": "state"}:
            return _state(server)
        case {"do": "log"}:
            return {"entries": server.log.entries[command.get("from", 0) :]}
        case _:
            return None


def _state(server: "GaServer") -> JsonObject:
    state: JsonObject = {
        "attempts": server.attempts,
        "sessions": len(server.sessions),
        "violations": len(server.violations),
        "entries": len(server.log.entries),
    }
    if server.sessions:
        state["replying"] = server.session.active is not None
        state["received_ms"] = ms_of(len(server.session.ears.received))
    return state


async def _of_session(session: "GaSession", command: JsonObject) -> JsonObject:
    match command:
        case {"do": "say"}:
            given = {k: v for k, v in command.items() if k in ("text", "audio_ms", "items")}
            session.reply({}, Reply(**given))
        case {"do": "cancel"}:
            return {"cancelled": session.cancel(command.get("reason", "client_cancelled"))}
        case {"do": "speech_started"}:
            at_ms = int(ms_of(len(session.ears.received)))
            await session.ears.begin_speech(at_ms, command.get("interrupts", True))
        case {"do": "speech_stopped"}:
            at_ms = int(ms_of(len(session.ears.received)))
            await session.ears.end_speech(at_ms, command.get("answers", True))
        case {"do": "save_input", "path": str(path)}:
            _save(path, bytes(session.ears.received))
        case _:
            await _of_wire(session, command)
    return {}


async def _of_wire(session: "GaSession", command: JsonObject) -> None:
    wire = session.wire
    match command:
        case {"do": "send", "event": dict(event)}:
            await wire.send_raw(json.dumps(event))
        case {"do": "send_text", "text": str(text)}:
            await wire.send_raw(text)
        case {"do": "send_bytes", "hex": str(data)}:
            await wire.send_raw(bytes.fromhex(data))
        case {"do": "hold"}:
            wire.gate.clear()
        case {"do": "release"}:
            wire.gate.set()
        case {"do": "deaf"}:
            wire.connection.transport.pause_reading()
        case {"do": "close"}:
            await wire.end(command.get("code", 1000), command.get("reason", ""))
        case {"do": "reset"}:
            await wire.reset()
        case {"do": "expire"}:
            await wire.expire()
        case _:
            raise ValueError(f"no such command: {command}")


def _save(path: str, pcm: bytes) -> None:
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm)
