"""A client of the local model for the tests: a real socket, and every event is checked.

Each server event must be one that OpenAI's own published types accept, and be of its own class.
"""

import base64
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter
from websockets.asyncio.client import ClientConnection, connect

from voicechat.cascade.audio import SpeechStream
from voicechat.cascade.process import Endpoint

_OFFICIAL: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
Event = dict[str, Any]


class Peer:
    """One session with the model."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, kind: str, **values: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **values}))

    async def next(self) -> Event:
        event: Event = json.loads(await self.socket.recv())
        official = _OFFICIAL.validate_python(event)
        assert official.type == event["type"] and event["event_id"]
        return event

    async def until(self, *kinds: str) -> list[Event]:
        """Everything up to and with the first event of one of these kinds."""
        events = [await self.next()]
        while events[-1]["type"] not in kinds:
            events.append(await self.next())
        return events

    async def ask(self, kind: str, answer: str = "error", **values: Any) -> Event:
        """Send, and wait for this kind of answer."""
        await self.send(kind, **values)
        return (await self.until(answer))[-1]

    async def update(self, **session: Any) -> Event:
        return await self.ask(
            "session.update", "session.updated", session={"type": "realtime", **session}
        )

    async def manual(self) -> None:
        """Push-to-talk: no turn detection."""
        await self.update(audio={"input": {"turn_detection": None}})

    async def type(self, text: str, **response: Any) -> list[Event]:
        """A typed turn, and everything up to the end of the answer."""
        await self.start_typed(text, **response)
        return await self.until("response.done")

    async def start_typed(self, text: str, **response: Any) -> None:
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        await self.send("conversation.item.create", item=item)
        await self.send("response.create", response=response)

    async def append(self, pcm: bytes) -> None:
        """Sound in pieces of 100 ms."""
        for at in range(0, len(pcm), 4800):
            audio = base64.b64encode(pcm[at : at + 4800]).decode()
            await self.send("input_audio_buffer.append", audio=audio)

    async def speak(self, pcm: bytes) -> list[Event]:
        """A spoken turn by push-to-talk, and everything up to the end of the answer."""
        await self.append(pcm)
        await self.send("input_audio_buffer.commit")
        await self.send("response.create")
        return await self.until("response.done")


@asynccontextmanager
async def meet(
    endpoint: Endpoint, query: str = "", max_queue: int | None = None
) -> AsyncIterator[Peer]:
    """A session whose greeting was already read; reads ahead without end unless told otherwise."""
    headers = {"Authorization": f"Bearer {endpoint.token}"}
    async with connect(
        endpoint.url + query,
        additional_headers=headers,
        max_size=None,
        max_queue=max_queue,
        proxy=None,
    ) as socket:
        peer = Peer(socket)
        assert (await peer.next())["type"] == "session.created"
        yield peer


def kinds(events: list[Event]) -> list[str]:
    """Their types, neighbours of the same type once."""
    types = [event["type"] for event in events]
    return [kind for at, kind in enumerate(types) if not at or types[at - 1] != kind]


def sound_of(events: list[Event]) -> bytes:
    deltas = [event["delta"] for event in events if event["type"] == "response.output_audio.delta"]
    return b"".join(base64.b64decode(delta) for delta in deltas)


def words_of(events: list[Event]) -> str:
    ends = ("response.output_audio_transcript.delta", "response.output_text.delta")
    return "".join(event["delta"] for event in events if event["type"] in ends)


def speech(text: str = "Hello, this is a spoken sentence.") -> bytes:
    """Real speech of espeak-ng as PCM16 mono at 24 kHz."""
    command = ["espeak-ng", "-v", "en-us", "-z", "--stdin", "--stdout"]
    wave = subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout
    stream = SpeechStream()
    return stream.feed(wave) + stream.finish()


def silence(ms: int) -> bytes:
    return bytes(48 * ms)
