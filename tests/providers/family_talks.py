"""Conversations that every member of OpenAI's family can have with its stand-in."""

import asyncio
from typing import Any

from tests.fakes.ga_server import GaServer
from tests.fakes.ga_signal import silence, tone
from tests.providers.family_line import JPEG, Line, heard
from voicechat.events import (
    BeginTurn,
    EndTurn,
    InputTranscript,
    Interrupt,
    ReplyAudio,
    ReplyFinished,
    ReplyText,
    SendImage,
    SendText,
    SendToolResult,
    SpeechStarted,
    ToolCalled,
)

JsonObject = dict[str, Any]


def speech(line: Line, ms: int) -> bytes:
    """Something loud at the rate of the line."""
    whole = tone(ms)
    rate = line.dialect.input_rate
    if rate == 24_000:
        return whole
    frames = [whole[at : at + 2] for at in range(0, len(whole), 2)]
    return b"".join(frames[at * 24_000 // rate] for at in range(ms * rate // 1000))


def quiet(line: Line, ms: int) -> bytes:
    return silence(ms)[: ms * line.dialect.input_rate // 1000 * 2]


async def type_a_line(line: Line) -> str:
    """Ask by key; the whole answer."""
    line.does(SendText("Hello", "msg_1"))
    return await answer(line)


async def answer(line: Line) -> str:
    """The final words of the next reply that completes."""
    words = await line.until(ReplyText, lambda event: event.final)
    done = await line.until(ReplyFinished)
    assert done.status == "completed"
    return words.text


async def press_and_talk(line: Line) -> str:
    """A turn by the key; its words."""
    line.does(BeginTurn())
    line.says(speech(line, 480))
    line.does(EndTurn())
    words = await line.until(InputTranscript, lambda event: event.final, in_order=False)
    await line.until(ReplyFinished)
    return words.text


async def talk_over(line: Line, server: GaServer) -> ReplyFinished:
    """Hands-free: a turn, and another one over its answer; how the first answer ended."""
    line.says(speech(line, 480) + quiet(line, 960))
    sound = await line.until(ReplyAudio)
    line.says(speech(line, 480))
    await line.until(SpeechStarted)
    line.does(Interrupt((heard(sound.item_id, 20, 40),), by_server=True))
    first = await line.until(ReplyFinished)
    line.says(quiet(line, 960))
    assert (await line.until(ReplyFinished)).status == "completed"
    await asyncio.sleep(0.05)
    return first


async def use_tools(line: Line) -> list[ToolCalled]:
    """Two calls in one reply, answered out of order; then the real answer."""
    line.does(SendText("What time is it, and where?", "msg_1"))
    calls = [await line.until(ToolCalled), await line.until(ToolCalled)]
    await line.until(ReplyFinished)
    for call in reversed(calls):
        line.does(SendToolResult(call.call_id, call.name, '{"ok": true}'))
    await answer(line)
    return calls


def picture(text: str = "") -> SendImage:
    """With its question, or for the next turn."""
    return SendImage(JPEG, "image/jpeg", "msg_asked" if text else "msg_shown", text)
