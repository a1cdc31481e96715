"""A session with a sound card and real links: what is heard, cut, and told to the next line."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.fakes.ga_script import GREETING, SCRIPTS, Reply
from tests.fakes.ga_signal import timecode
from tests.session.card import VirtualCard
from tests.session.test_session import MODEL, call, slow_tool
from tests.tools.bench import is_running, pid_in
from voicechat.connection.target import Target
from voicechat.conversation.conversation import NOT_WRITTEN_DOWN, State
from voicechat.errors import DeviceError, LinkError
from voicechat.events import (
    Notice,
    ReplyAudio,
    ReplyFinished,
    SessionReady,
    SpeechStarted,
    SpeechStopped,
    ToolAnswered,
)
from voicechat.front.pictures import Picture
from voicechat.net import websocket
from voicechat.providers.base import Settings, Vad
from voicechat.providers.gemini.dialect import GeminiDialect
from voicechat.providers.gptlive.dialect import GptLiveDialect
from voicechat.tools import Toolbox

__all__ = ["slow_tool"]

SPOKEN = Settings(MODEL, "sk-any")
PICTURE = Picture("cat.jpg", b"\xff\xd8cat", "image/jpeg", 64, 48)


def speaker() -> VirtualCard:
    """A loudspeaker that nobody listens to."""
    return VirtualCard(lambda now, peak: None)


class NoCard(VirtualCard):
    """A computer without any sound device."""

    speaker = None  # type: ignore[assignment]

    def __init__(self) -> None:
        """Nothing to be opened."""

    async def open(self) -> None:
        raise DeviceError("There is no sound device", "Plug one in")

    async def watch(self) -> None:
        """None ever comes."""


# -- a card, or none ------------------------------------------------------------------------------


async def test_without_a_sound_device_the_talk_goes_on_in_writing() -> None:
    async with call(settings=SPOKEN, card=NoCard()) as one:
        await one.answer("hello")
        assert one.of(Notice) == [Notice("no_sound", "There is no sound device. Plug one in")]
        session = one.server.log.of("session.update")[0]["session"]
        assert session["output_modalities"] == ["text"]
        assert not one.of(ReplyAudio)


async def test_what_was_heard_just_before_the_key_belongs_to_the_turn() -> None:
    before, after = timecode(3, 20), timecode(4, 20)
    async with call() as one:
        await one.wait_for_phase("ready")
        for _ in range(5):
            one.session._hear(before)
        one.session.begin_turn()
        for chunk in [after] * 20 + [bytes(960)] * 6:
            one.session._hear(chunk)
        one.session.end_turn()
        await one.wait_for(lambda: one.of(ReplyFinished))
        assert bytes(one.server.session.ears.received).startswith(before * 5 + after * 20)


async def test_the_proxy_of_a_service_over_http_is_the_one_its_line_names() -> None:
    async with call(stay=True) as one:
        await one.wait_for_phase("ready")
        assert one.session.proxy_label == ""
        dial, label = one.dial(), "socks5h://127.0.0.1:1080"
        one.session.redial(lambda: replace(dial(), way="http", proxy_label=label))
        await one.wait_for(lambda: len(one.of(SessionReady)) == 2)
        assert one.session.proxy_label == label


# -- pictures -------------------------------------------------------------------------------------


async def test_a_picture_with_a_question_is_answered() -> None:
    async with call() as one:
        await one.wait_for_phase("ready")
        row = one.session.show(PICTURE, " What is it? ")
        assert row and row.text == "cat.jpg 64×48, 1 kB  What is it?"
        await one.wait_for(lambda: one.of(ReplyFinished))
        (item,) = one.server.log.of("conversation.item.create")
        assert {part["type"] for part in item["item"]["content"]} == {"input_image", "input_text"}
        assert one.notebook.finished()[0] == ("user", row.text)


async def test_a_picture_without_words_belongs_to_the_next_turn() -> None:
    async with call() as one:
        await one.wait_for_phase("ready")
        assert one.session.show(PICTURE)
        assert one.session.snapshot().phase == "ready", "nothing was asked"
        await one.answer("What did I show?")
        kinds = [kind for kind in one.sent() if kind != "session.update"]
        assert kinds == ["conversation.item.create"] * 2 + ["response.create"]


async def test_a_model_that_sees_nothing_is_not_shown_a_picture() -> None:
    async with call() as one:
        await one.wait_for_phase("ready")
        blind = GptLiveDialect(Settings("gpt-live-1"))
        one.session.lines.line = replace(one.session.line, dialect=blind, model="blind")
        assert one.session.show(PICTURE) is None
        assert [notice.code for notice in one.of(Notice)] == ["no_pictures"]
        assert one.rows() == [("note", "blind sees no pictures: choose another model (F2)")]


# -- who speaks over a reply ----------------------------------------------------------------------


def hands_free(**vad: Any) -> Settings:
    return replace(SPOKEN, hands_free=True, vad=Vad(silence_ms=200, **vad))


async def speak_over(one: Any) -> None:
    """Half a second of speech over a reply that has begun to play, and the silence after it."""
    await one.wait_for_phase("speaking")
    for pcm in (timecode(3, 500), bytes(48 * 600)):
        one.session.speak(pcm)
    await one.wait_for(lambda: one.of(SpeechStopped))


async def test_words_over_a_reply_cut_it_and_are_answered() -> None:
    replies = (Reply(), Reply("Yes.", audio_ms=160))
    words = "Stop, I meant something else."
    script = replace(SCRIPTS["real_time"], user_text=words, replies=replies)
    async with call(script, settings=hands_free(by_words=True), card=speaker()) as one:
        await one.wait_for_phase("ready")
        one.session.say("hello")
        await speak_over(one)
        assert one.session.conversation.rows[1].state is State.OPEN, "no word is known yet"
        await one.wait_for(lambda: len(one.of(ReplyFinished)) == 2)
        rows = [row for row in one.session.conversation.rows if row.role != "note"]
        assert [row.role for row in rows] == ["user", "assistant", "user", "assistant"]
        assert rows[1].state is State.CUT and rows[3].state is State.DONE
        assert one.sent().count("response.create") == 2


async def test_a_listening_noise_makes_a_reply_softer_and_it_goes_on() -> None:
    noise: Any = {"user_text": "Mm-hmm.", "transcription_delay_ms": 300}
    script = replace(SCRIPTS["real_time"], replies=(Reply(audio_ms=2500),), **noise)
    async with call(script, settings=hands_free(by_words=True), card=speaker()) as one:
        await one.wait_for_phase("ready")
        one.session.say("hello")
        await speak_over(one)
        await one.wait_for(lambda: one.session.engine._is_hushed)
        await one.wait_for(lambda: not one.session.engine._is_hushed)
        assert one.session.snapshot().phase == "speaking"
        await one.wait_for(lambda: one.of(ReplyFinished))
        assert one.of(ReplyFinished)[0].status == "completed"
        assert one.sent().count("response.create") == 1


async def test_where_no_voice_shall_cut_a_reply_none_does() -> None:
    script = SCRIPTS["real_time"]
    async with call(script, settings=hands_free(interrupt=False), card=speaker()) as one:
        await one.wait_for_phase("ready")
        one.session.say("hello")
        await one.wait_for_phase("speaking")
        one.session.speak(timecode(3, 500))
        await one.wait_for(lambda: one.of(SpeechStarted))
        assert one.session.snapshot().phase == "speaking"
        assert one.session.conversation.rows[1].state is State.OPEN


# -- a line that goes in the middle of an answer --------------------------------------------------


def told(one: Any, conn: int) -> list[str]:
    """The words of all items that a connection was given."""
    items = one.server.log.of("conversation.item.create", conn=conn)
    return [item["item"]["content"][0]["text"] for item in items]


@pytest.mark.fault("N21")
async def test_the_next_line_is_told_what_was_heard_of_a_reply_that_broke_off() -> None:
    script = replace(SCRIPTS["long_reply"], reset_at_ms=3000, faulty_connections=1)
    options: Any = {"settings": SPOKEN, "card": speaker(), "stay": True, "comes_back": True}
    async with call(script, **options) as one:
        await one.wait_for_phase("ready")
        one.session.say("hello")
        await one.wait_for(lambda: one.of(LinkError))
        row = one.session.conversation.rows[1]
        heard = row.heard_text
        assert row.state is State.FAILED and row.heard_ms == pytest.approx(3000, abs=1)
        assert 20 < len(heard) < len(row.text) and row.text.startswith(heard)
        await one.wait_for(lambda: len(told(one, 1)) == 2)
        assert told(one, 1) == ["hello", heard]


async def test_of_a_reply_that_was_stopped_before_its_first_sound_nothing_was_heard() -> None:
    script = replace(SCRIPTS["normal"], first_delay_ms=30_000)
    options: Any = {"settings": SPOKEN, "card": speaker(), "stay": True}
    async with call(script, **options) as one:
        await one.wait_for_phase("ready")
        one.session.say("hello")
        await one.wait_for(lambda: one.session._turn.replying)
        words = {
            "type": "response.output_audio_transcript.delta",
            "response_id": one.session._turn.replying,
            "item_id": "item_early",
            "delta": "All of this was never heard.",
        }
        await one.server.control({"do": "send", "event": words})
        await one.wait_for(lambda: len(one.session.conversation.rows) == 2)
        one.session.interrupt()
        await one.wait_for(lambda: one.of(ReplyFinished))
        row = one.session.conversation.rows[1]
        assert (row.state, row.heard_text) == (State.CUT, "")
        assert one.session.conversation.history() == (("user", "hello"),)


@pytest.mark.fault("N21")
async def test_an_answered_turn_that_nobody_wrote_down_is_told_as_one() -> None:
    script = replace(SCRIPTS["normal"], transcription_delay_ms=60_000, replies=(Reply(GREETING),))
    async with call(script, stay=True, comes_back=True) as one:
        await one.wait_for_phase("ready")
        one.session.begin_turn()
        one.session.speak(timecode(3, 400))
        one.session.end_turn()
        await one.wait_for(lambda: one.of(ReplyFinished))
        await one.server.control({"do": "reset"})
        await one.wait_for(lambda: len(one.of(SessionReady)) == 2)
        await one.answer("and now?")
        assert told(one, 1) == [NOT_WRITTEN_DOWN, GREETING, "and now?"]
        row = one.session.conversation.rows[0]
        assert (row.role, row.text, row.state) == ("user", "", State.DONE)


# -- tools ----------------------------------------------------------------------------------------


async def test_a_tool_that_the_model_takes_back_is_ended_and_never_answered(
    slow_tool: Toolbox, tmp_path: Path
) -> None:
    heard: list[dict[str, Any]] = []

    async def serve_gemini(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send('{"setupComplete": {}}')
        await one.wait_for_phase("ready")
        asked = {"functionCalls": [{"id": "call-1", "name": "get_time", "args": {}}]}
        await connection.send(json.dumps({"toolCall": asked}))
        await pid_in(tmp_path / "pid")
        await connection.send('{"toolCallCancellation": {"ids": ["call-1"]}}')
        async for message in connection:
            heard.append(json.loads(message))

    async with (
        call(start=False, toolbox=slow_tool) as one,
        serve(serve_gemini, "127.0.0.1") as server,
    ):
        port = next(iter(server.sockets)).getsockname()[1]
        dialect = GeminiDialect(Settings("gemini-3.8-live", "any", url=f"ws://127.0.0.1:{port}/"))
        link = websocket.connect(dialect.url(), dialect.headers(), proxy=None)
        one.session.lines._change(Target(dialect, lambda: link, "gemini-3.8-live"))
        one.start()
        pid = await pid_in(tmp_path / "pid")
        await one.wait_for(lambda: not is_running(pid))
        (row,) = [row for row in one.session.conversation.rows if row.role == "tool"]
        assert row.state is State.FAILED
        assert not one.of(ToolAnswered) and not any("toolResponse" in said for said in heard)
        one.running.cancel()
