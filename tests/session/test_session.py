"""A session with real links to a stand-in for the service, without sound."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import official
from tests.fakes.ga_script import GREETING, SCRIPTS, Reply
from tests.fakes.ga_server import GaServer
from tests.fakes.ga_signal import timecode
from tests.tools.bench import environment, is_running, pid_in, program
from voicechat.audio.engine import Engine
from voicechat.config.schema import ToolSection
from voicechat.connection.state.backoff import Retries
from voicechat.connection.target import Target
from voicechat.conversation.conversation import Conversation, State
from voicechat.conversation.journal import NullJournal
from voicechat.conversation.journal.recorder import JournalRow
from voicechat.errors import (
    ConfigError,
    LinkError,
    RefusedError,
    ServiceError,
    VoiceChatError,
)
from voicechat.events import (
    Cost,
    Event,
    Notice,
    ReplyFinished,
    ReplyStarted,
    ReplyText,
    SendAudio,
    SessionReady,
    SpeechStarted,
    ToolAnswered,
    TurnCommitted,
    Usage,
)
from voicechat.front.pictures import Limits
from voicechat.net import websocket
from voicechat.providers.base import Settings, Vad
from voicechat.providers.gptlive.dialect import GptLiveDialect
from voicechat.providers.local import LocalDialect
from voicechat.providers.openai.dialect import OpenAIDialect
from voicechat.session.session import Session
from voicechat.session.state.watchdog import ANSWER_S
from voicechat.tools import Toolbox
from voicechat.tools.consent import Verdict

MODEL = "gpt-realtime-2.1"


@dataclass
class Notebook:
    """Stands where the journal stands: every call, in order."""

    model: str = ""
    calls: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Model, role, state and text."""

    def record(self, row: JournalRow, rows: Sequence[JournalRow]) -> None:
        assert row in rows
        self.calls.append((self.model, row.role, str(row.state.value), row.text))

    def close(self, timeout_s: float = 1.0) -> bool:
        return True

    def finished(self) -> list[tuple[str, str]]:
        """Role and text of each row at its end."""
        return [(role, text) for _, role, state, text in self.calls if state == "done"]


@dataclass
class Call:
    """A session, and all that it told."""

    server: GaServer
    settings: Settings = field(default_factory=lambda: Settings(MODEL, "sk-any", text_only=True))
    notice: str = ""
    comes_back: bool = False
    told: list[Event | VoiceChatError] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    toolbox: Toolbox | None = None
    card: Any = None
    notebook: Notebook = field(default_factory=lambda: Notebook(MODEL))
    session: Session = field(init=False)
    running: asyncio.Task[None] = field(init=False)

    def __post_init__(self) -> None:
        self.session = Session(
            self.dial(),
            Conversation(),
            Engine(self.card),
            self.notebook,
            self.told.append,
            hands_free=self.settings.hands_free,
            trace=lambda direction, _: self.trace.append(direction),
            price=lambda _, usage: (
                Cost(usage.output_tokens, "USD") if usage.output_tokens else None
            ),
            toolbox=self.toolbox,
        )
        # As a rule a call waits for a key when its line has ended: it is tried again so late.
        self.session.lines._outage.retries = Retries(lambda: 0.1 if self.comes_back else 1e6)

    def dial(self, model: str = MODEL, server: GaServer | None = None) -> Callable[[], Target]:
        def make() -> Target:
            url = (server or self.server).url
            dialect = OpenAIDialect(replace(self.settings, model=model, url=url))
            link = websocket.connect(dialect.url(), dialect.headers(), proxy=None)
            return Target(dialect, lambda: link, model, notice=self.notice)

        return make

    def start(self, *, stay: bool = False) -> None:
        self.running = asyncio.create_task(self.session.run(stay=stay))

    async def wait_for(self, holds: Callable[[], object]) -> None:
        end = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < end, (self.told, self.server.log.entries[-5:])
            await asyncio.sleep(0.01)

    async def wait_for_phase(self, phase: str) -> None:
        await self.wait_for(lambda: self.session.snapshot().phase == phase)

    async def answer(self, text: str) -> None:
        """Ask, and wait for the end of the answer."""
        ends = len(self.of(ReplyFinished))
        assert self.session.say(text)
        await self.wait_for(lambda: len(self.of(ReplyFinished)) > ends)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]

    def rows(self) -> list[tuple[str, str]]:
        return [(row.role, row.text) for row in self.session.conversation.rows]

    def sent(self) -> list[str]:
        """Types of what the server got; all of it must be what the official types allow."""
        assert self.server.violations == []
        messages = [entry["message"] for entry in self.server.log.directions("in")]
        for message in messages:
            is_sound = message["type"] == "input_audio_buffer.append"
            official.check(message | {"audio": "AAAA"} if is_sound else message)
        return [message["type"] for message in messages]


@asynccontextmanager
async def call(
    script: str | Any = "normal", *, stay: bool = False, start: bool = True, **options: Any
) -> AsyncIterator[Call]:
    """A call that hangs up in the end."""
    async with GaServer(script) as server:
        one = Call(server, **options)
        if start:
            one.start(stay=stay)
        yield one
        if start:
            one.running.cancel()
            with suppress(asyncio.CancelledError, VoiceChatError):
                await one.running


# -- one question, one answer ---------------------------------------------------------------------


async def test_a_typed_question_is_answered() -> None:
    async with call() as one:
        await one.wait_for_phase("ready")
        await one.answer("hello")
        assert one.rows() == [("user", "hello"), ("assistant", GREETING)]
        assert one.sent()[-2:] == ["conversation.item.create", "response.create"]
        kinds = [type(event) for event in one.told]
        assert kinds.index(SessionReady) < kinds.index(ReplyStarted)
        assert kinds.index(ReplyStarted) < kinds.index(ReplyText) < kinds.index(ReplyFinished)


async def test_the_listener_hears_after_the_event_was_folded_in() -> None:
    async with call() as one:
        texts: list[str] = []

        def look(event: Event | VoiceChatError) -> None:
            one.told.append(event)
            if isinstance(event, ReplyText):
                row = one.session.conversation.row(event.item_id)
                assert row
                texts.append(row.text)

        one.session._listener = look
        await one.answer("hello")
    assert texts and all(GREETING.startswith(text) and text for text in texts)


async def test_the_phases_follow_the_talk() -> None:
    script = replace(SCRIPTS["normal"], first_delay_ms=300)
    async with call(script) as one:
        assert one.session.snapshot().phase == "connecting"
        await one.wait_for_phase("ready")
        one.session.say("hello")
        assert one.session.snapshot().phase == "thinking"
        await one.wait_for(lambda: one.of(ReplyFinished))
        assert one.session.snapshot().phase == "ready"


async def test_latency_and_cost_are_counted() -> None:
    async with call() as one:
        assert one.session.snapshot().latency_ms is None
        assert one.session.snapshot().costs == {}
        await one.answer("one")
        await one.answer("two")
        usages = [event.usage for event in one.of(ReplyFinished)]
        assert all(isinstance(usage, Usage) for usage in usages)
        snapshot = one.session.snapshot()
        assert snapshot.latency_ms is not None and snapshot.latency_ms >= 50
        assert snapshot.costs == {"USD": sum(usage.output_tokens for usage in usages)}
        assert one.session.costs == snapshot.costs and not snapshot.is_cost_partial


async def test_a_model_that_needs_no_key_costs_nothing() -> None:
    async with call(stay=True) as one:
        await one.wait_for_phase("ready")
        dialect = LocalDialect(replace(one.settings, url=one.server.url))
        link = websocket.connect(dialect.url(), dialect.headers(), proxy=None)
        one.session.redial(lambda: Target(dialect, lambda: link, "local"))
        await one.wait_for(lambda: len(one.of(SessionReady)) == 2)
        await one.answer("hello")
        assert one.of(ReplyFinished)[0].usage is not None
        assert one.session.costs == {}


async def test_without_sound_all_words_may_be_shown() -> None:
    async with call() as one:
        await one.answer("hello")
        row = one.session.conversation.rows[-1]
        assert one.session.shown(row) == len(GREETING)
        assert not one.session.has_microphone
        assert not one.session.snapshot().is_live


async def test_an_empty_message_says_nothing() -> None:
    async with call() as one:
        await one.wait_for_phase("ready")
        assert one.session.say(" \n\x1b[2J ") is None
        assert one.rows() == []


async def test_the_trace_gets_both_directions() -> None:
    async with call() as one:
        await one.answer("hello")
        assert one.trace.count("up") == len(one.sent())
        assert "down" in one.trace


# -- what is said before the line is up -----------------------------------------------------------


async def test_what_is_typed_too_early_is_sent_in_order_once_the_session_is_ready() -> None:
    async with call(start=False) as one:
        one.session.say("one")
        one.session.say("two")
        one.start()
        await one.wait_for(lambda: len(one.of(ReplyFinished)) >= 1)
        wire = [(e["dir"], e["type"]) for e in one.server.log.directions("in", "out")]
        assert wire.index(("out", "session.updated")) < wire.index(
            ("in", "conversation.item.create")
        )
        items = one.server.log.of("conversation.item.create")
        assert [item["item"]["content"][0]["text"] for item in items] == ["one", "two"]
        one.sent()
        one.running.cancel()
        with suppress(asyncio.CancelledError):
            await one.running


async def test_what_is_spoken_too_early_is_sent_whole_once_the_session_is_ready() -> None:
    async with call(start=False) as one:
        one.session.begin_turn()
        for _ in range(50):
            one.session.speak(timecode(3, 20))
        one.session.end_turn()
        one.start()
        await one.wait_for(lambda: one.of(ReplyFinished))
        assert bytes(one.server.session.ears.received) == timecode(3, 20) * 50
        sent = one.sent()
        assert sent[0] == "session.update"
        spoken = [kind for kind in sent if kind != "session.update"]
        assert spoken[0] == "input_audio_buffer.clear"
        assert spoken[-2:] == ["input_audio_buffer.commit", "response.create"]
        one.running.cancel()
        with suppress(asyncio.CancelledError):
            await one.running


async def test_typed_and_spoken_keep_their_order_while_the_line_is_made() -> None:
    async with call(start=False) as one:
        one.session.say("typed first")
        one.session.begin_turn()
        one.session.speak(timecode(3, 200))
        one.session.end_turn()
        one.start()
        await one.wait_for(lambda: one.of(TurnCommitted))
        sent = one.sent()
        assert sent.index("conversation.item.create") < sent.index("input_audio_buffer.clear")
        one.running.cancel()
        with suppress(asyncio.CancelledError):
            await one.running


# -- turns ----------------------------------------------------------------------------------------


async def test_a_spoken_turn_gets_its_row_before_its_answer() -> None:
    async with call("late_transcript") as one:
        await one.wait_for_phase("ready")
        one.session.begin_turn()
        assert one.session.snapshot().phase == "listening"
        one.session.speak(timecode(3, 300))
        one.session.end_turn()
        assert one.session.snapshot().phase == "thinking"
        await one.wait_for(lambda: one.of(ReplyFinished))
        user, answer = one.session.conversation.rows
        assert (user.role, user.state, user.text) == ("user", State.PENDING, "")
        assert answer.role == "assistant"
        await one.wait_for(lambda: user.state is State.DONE)
        assert user.text == one.server.script.user_text


async def test_a_turn_that_is_dropped_is_never_committed() -> None:
    async with call() as one:
        await one.wait_for_phase("ready")
        one.session.begin_turn()
        one.session.speak(timecode(3, 300))
        one.session.drop_turn()
        await one.answer("typed instead")
        assert "input_audio_buffer.commit" not in one.sent()
        assert one.sent().count("input_audio_buffer.clear") == 2
        assert one.rows() == [("user", "typed instead"), ("assistant", GREETING)]


async def test_a_turn_too_short_is_noticed_and_nothing_is_awaited() -> None:
    async with call() as one:
        await one.wait_for_phase("ready")
        one.session.begin_turn()
        one.session.speak(timecode(3, 40))
        one.session.end_turn()
        await one.wait_for(lambda: one.of(Notice))
        assert one.of(Notice)[0].code == "turn_too_short"
        assert one.session.snapshot().phase == "ready"
        assert "input_audio_buffer.commit" not in one.sent()


async def test_a_key_that_is_pressed_twice_begins_one_turn_and_is_dropped_once() -> None:
    async with call() as one:
        await one.wait_for_phase("ready")
        for _ in range(2):
            one.session.begin_turn()
        for _ in range(2):
            one.session.drop_turn()
        await one.answer("hello")
        assert one.sent().count("input_audio_buffer.clear") == 2, "one as it began, one as it ended"


async def test_a_turn_in_which_the_service_finds_nothing_asks_nothing() -> None:
    async with call() as one:
        await one.wait_for_phase("ready")
        one.session.begin_turn()
        one.session.gate.count(timecode(3, 400), 24_000)  # Of which nothing arrives.
        one.session.end_turn()
        assert one.session.snapshot().phase == "thinking"
        await one.wait_for(lambda: one.of(Notice))
        assert one.of(Notice)[0].code == "turn_too_short"
        assert one.session.snapshot().phase == "ready"


async def test_who_lets_the_key_go_in_the_middle_of_a_word_may_finish_it() -> None:
    loud, silent = timecode(3, 20), bytes(len(timecode(3, 20)))
    async with call() as one:
        await one.wait_for_phase("ready")
        one.session.begin_turn()
        for _ in range(20):
            one.session._hear(loud)
        one.session.end_turn()
        assert one.session.snapshot().phase == "listening"
        for chunk in (loud, loud, silent, loud, loud):
            one.session._hear(chunk)
        assert one.session.snapshot().phase == "thinking"
        await one.wait_for(lambda: one.of(ReplyFinished))
        assert bytes(one.server.session.ears.received) == loud * 22 + silent


async def test_who_presses_the_key_again_ends_the_turn_at_once() -> None:
    async with call() as one:
        await one.wait_for_phase("ready")
        one.session.begin_turn()
        for _ in range(20):
            one.session._hear(timecode(3, 20))
        one.session.end_turn()
        one.session.end_turn()
        assert one.session.snapshot().phase == "thinking"
        one.session.begin_turn()
        for _ in range(20):
            one.session._hear(timecode(3, 20))
        one.session.end_turn()
        one.session.begin_turn()
        await one.wait_for(lambda: one.sent().count("input_audio_buffer.commit") == 2)
        assert one.sent().count("input_audio_buffer.clear") == 3


async def test_who_has_finished_is_not_kept_waiting() -> None:
    async with call() as one:
        await one.wait_for_phase("ready")
        one.session.begin_turn()
        for chunk in [timecode(3, 20)] * 20 + [bytes(960)] * 6:
            one.session._hear(chunk)
        one.session.end_turn()
        assert one.session.snapshot().phase == "thinking"


async def test_the_turns_change_hands_in_the_call() -> None:
    async with call() as one:
        await one.wait_for_phase("ready")
        one.session.set_hands_free(True)
        await one.wait_for(lambda: one.server.session.settings.vad is not None)
        one.session.set_hands_free(False)
        await one.wait_for(lambda: one.server.session.settings.vad is None)
        one.sent()


async def test_the_servers_vad_finds_the_turns_hands_free() -> None:
    settings = Settings(MODEL, "sk-any", hands_free=True, text_only=True, vad=Vad(silence_ms=200))
    async with call(settings=settings) as one:
        await one.wait_for_phase("ready")
        for pcm in (timecode(3, 400), bytes(48 * 600)):
            one.session.speak(pcm)
        await one.wait_for(lambda: one.of(ReplyFinished))
        assert set(one.sent()) == {"session.update", "input_audio_buffer.append"}
        assert [role for role, _ in one.rows()] == ["user", "assistant"]


# -- interruptions --------------------------------------------------------------------------------


async def test_an_interruption_stops_a_reply_that_has_not_begun_to_speak() -> None:
    async with call(replace(SCRIPTS["normal"], first_delay_ms=30_000)) as one:
        await one.wait_for_phase("ready")
        one.session.say("hello")
        await one.wait_for(lambda: one.of(ReplyStarted))
        assert one.session.snapshot().phase == "thinking"
        one.session.interrupt()
        assert one.session.snapshot().phase == "ready"
        await one.wait_for(lambda: one.of(ReplyFinished))
        assert one.of(ReplyFinished)[0].status == "cancelled"
        assert one.sent()[-1] == "response.cancel"
        assert one.rows() == [("user", "hello")]


async def test_an_interruption_before_the_reply_exists_cancels_it_when_it_comes() -> None:
    async with call() as one:
        await one.wait_for_phase("ready")
        await one.wait_for(lambda: len(one.server.log.of("session.updated", "out")) == 2)
        await asyncio.sleep(0.1)  # Until the last of them has arrived here.
        await one.server.control({"do": "hold"})
        one.session.say("hello")
        await one.server.wait_for("conversation.item.create")  # It answers that no more for now.
        one.session.interrupt()
        assert one.session.snapshot().phase == "ready"
        await one.server.control({"do": "release"})
        await one.server.wait_for("response.cancel")
        await one.wait_for(lambda: one.of(ReplyFinished))
        await one.answer("again")
        assert one.rows() == [("user", "hello"), ("user", "again"), ("assistant", GREETING)]
        one.sent()


async def test_nothing_is_interrupted_where_nothing_goes_on() -> None:
    async with call() as one:
        await one.wait_for_phase("ready")
        one.session.interrupt()
        await one.answer("hello")
        one.session.interrupt()
        await one.answer("again")
        assert "response.cancel" not in one.sent()


async def test_a_new_question_cuts_the_answer_before() -> None:
    script = replace(SCRIPTS["long_reply"], replies=(SCRIPTS["long_reply"].replies[0], Reply("2.")))
    async with call(script) as one:
        one.session.say("one")
        await one.wait_for(lambda: one.of(ReplyText))
        one.session.say("two")
        await one.wait_for(lambda: len(one.of(ReplyFinished)) == 2)
        assert [e.status for e in one.of(ReplyFinished)] == ["cancelled", "completed"]
        rows = one.session.conversation.rows
        assert [row.role for row in rows] == ["user", "assistant", "user", "assistant"]
        assert [row.state for row in rows] == [State.DONE, State.CUT, State.DONE, State.DONE]
        sent = one.sent()
        assert sent.index("response.cancel") < len(sent) - 2
        assert sent[-1] == "response.create"


# -- tools ----------------------------------------------------------------------------------------

SLEEPER = """
import os, time
open({path!r} + ".part", "w").write(str(os.getpid()))
os.rename({path!r} + ".part", {path!r})
time.sleep(600)
"""


@pytest.fixture
def slow_tool(tmp_path: Path) -> Toolbox:
    """`get_time`, which takes its time and leaves its process id in `pid`."""
    command = program(tmp_path, SLEEPER.format(path=str(tmp_path / "pid")))
    section = ToolSection(command, allow=True, timeout_s=500)
    return Toolbox({"get_time": section}, {}, environment())


async def test_a_tool_at_work_is_thinking_until_the_user_stops_it(
    slow_tool: Toolbox, tmp_path: Path
) -> None:
    async with call("tool_call", toolbox=slow_tool) as one:
        await one.wait_for_phase("ready")
        one.session.say("what time is it?")
        pid = await pid_in(tmp_path / "pid")
        await one.wait_for(lambda: one.of(ReplyFinished))
        assert one.session.snapshot().phase == "thinking"
        one.session.interrupt()
        assert one.session.snapshot().phase == "ready"
        (answered,) = one.of(ToolAnswered)
        assert answered.is_error and "stopped by the user" in answered.output
        await one.wait_for(lambda: not is_running(pid))
        await one.wait_for(lambda: len(one.server.log.of("conversation.item.create")) == 2)
        output = one.server.log.of("conversation.item.create")[1]["item"]["output"]
        assert json.loads(output) == {"error": answered.output}
        await one.answer("never mind")
        assert one.sent().count("response.create") == 2, "nobody asked for a reply to the stop"
        tool = next(row for row in one.session.conversation.rows if row.role == "tool")
        assert tool.state is State.FAILED and "stopped by the user" in tool.text


async def test_a_voice_and_a_key_to_speak_stop_no_tool(slow_tool: Toolbox, tmp_path: Path) -> None:
    async with call("tool_call", toolbox=slow_tool) as one:
        await one.wait_for_phase("ready")
        one.session.say("what time is it?")
        pid = await pid_in(tmp_path / "pid")
        await one.wait_for(lambda: one.of(ReplyFinished))
        one.session.on_event(SpeechStarted("item_cough"))
        one.session.begin_turn()
        one.session.drop_turn()
        assert one.session.snapshot().phase == "thinking"
        assert is_running(pid) and not one.of(ToolAnswered)


@pytest.mark.fault("N39")
async def test_a_tool_goes_on_when_its_line_ends(slow_tool: Toolbox, tmp_path: Path) -> None:
    async with call("tool_call", stay=True, toolbox=slow_tool) as one:
        await one.wait_for_phase("ready")
        one.session.say("what time is it?")
        pid = await pid_in(tmp_path / "pid")
        await one.server.control({"do": "close", "code": 1006})
        await one.wait_for_phase("offline")
        one.session.redial()
        await one.wait_for(lambda: len(one.of(SessionReady)) == 2)
        assert is_running(pid) and one.session.snapshot().phase == "thinking"
        one.session.interrupt()
        await one.wait_for(lambda: not is_running(pid))
        await one.wait_for_phase("ready")
        assert [told.is_error for told in one.of(ToolAnswered)] == [True]
        assert one.server.log.of("response.create", conn=1) == [], "what was stopped is not asked"


# -- the end of a line ----------------------------------------------------------------------------


async def test_a_redial_keeps_the_conversation() -> None:
    async with call(stay=True) as one:
        await one.answer("one")
        one.session.redial()
        await one.wait_for(lambda: one.server.attempts == 2)
        await one.wait_for_phase("ready")
        await one.answer("two")
        assert [text for role, text in one.rows() if role == "user"] == ["one", "two"]
        assert one.session.problem is None
        one.sent()


async def test_a_redial_leads_to_another_model() -> None:
    async with call(stay=True) as one, GaServer() as other:
        await one.answer("one")
        one.session.redial(one.dial("gpt-realtime-2", other))
        await one.wait_for(lambda: len(one.of(SessionReady)) == 2)
        await one.answer("two")
        (handshake,) = [e for e in other.log.directions("note") if e["note"] == "handshake"]
        assert handshake["path"].endswith("model=gpt-realtime-2")
        assert one.session.line.model == "gpt-realtime-2"
        models = [model for model, _, state, _ in one.notebook.calls if state == "done"]
        assert models == [MODEL, MODEL, "gpt-realtime-2", "gpt-realtime-2"]
        # The other server began to count its items anew: these are rows of their own.
        assert [text for _, text in one.rows()] == ["one", GREETING, "two", GREETING]
        rows = one.session.conversation.rows
        assert len({row.id for row in rows}) == 4
        assert other.violations == []


async def test_a_redial_in_the_middle_of_an_answer_ends_it() -> None:
    async with call("long_reply", stay=True) as one:
        one.session.say("one")
        await one.wait_for(lambda: one.of(ReplyText))
        one.session.redial()
        await one.wait_for(lambda: len(one.of(SessionReady)) == 2)
        assert one.session.conversation.rows[-1].is_finished
        assert one.session.snapshot().phase == "ready"


async def test_what_is_typed_right_after_a_redial_goes_to_the_new_line() -> None:
    async with call(stay=True) as one:
        await one.wait_for_phase("ready")
        one.session.redial()
        one.session.say("hello")
        await one.wait_for(lambda: one.of(ReplyFinished))
        assert one.rows() == [("user", "hello"), ("assistant", GREETING)]
        items = one.server.log.of("conversation.item.create", conn=1)
        assert len(items) == 1
        assert one.server.log.of("conversation.item.create", conn=0) == []


async def test_a_lost_line_is_a_problem_and_a_redial_mends_it() -> None:
    async with call(stay=True) as one:
        await one.answer("one")
        await one.server.control({"do": "close", "code": 1011, "reason": "broken"})
        await one.wait_for_phase("offline")
        assert isinstance(one.session.problem, ServiceError)
        assert "broken" in str(one.session.problem)
        assert one.session.problem in one.told
        assert one.server.attempts == 1, "it came back by itself"
        one.session.redial()
        await one.answer("two")
        assert one.session.problem is None
        assert [role for role, _ in one.rows() if role != "note"] == ["user", "assistant"] * 2


async def test_typed_words_wait_for_the_next_line_and_speech_does_not() -> None:
    async with call(stay=True) as one:
        await one.wait_for_phase("ready")
        await one.server.control({"do": "close", "code": 3000})
        await one.wait_for_phase("offline")
        one.session.say("are you there?")
        one.session.post(SendAudio(timecode(3, 200)))
        one.session.redial()
        await one.wait_for(lambda: one.of(ReplyFinished))
        assert one.rows() == [
            ("user", "are you there?"),
            ("note", "The line is back"),
            ("assistant", GREETING),
        ]
        assert "input_audio_buffer.append" not in one.sent()


@pytest.mark.fault("N21")
async def test_a_lost_line_comes_back_by_itself_and_the_model_knows_what_was_said() -> None:
    async with call(stay=True, comes_back=True) as one:
        await one.answer("one")
        await one.server.control({"do": "reset"})
        await one.wait_for(lambda: len(one.of(SessionReady)) == 2)
        await one.answer("two")
        assert [role for role, _ in one.rows()] == [
            "user",
            "assistant",
            "note",
            "user",
            "assistant",
        ]
        items = one.server.log.of("conversation.item.create", conn=1)
        texts = [item["item"]["content"][0]["text"] for item in items]
        assert texts == ["one", GREETING, "two"]
        assert len([error for error in one.told if isinstance(error, VoiceChatError)]) == 1


async def test_a_question_without_an_answer_is_asked_again_on_the_next_line() -> None:
    async with call("silent", stay=True, comes_back=True) as one:
        await one.wait_for_phase("ready")
        one.session.say("are you there?")
        await one.wait_for(lambda: one.server.log.of("response.create", conn=0))
        await one.server.control({"do": "script", "name": "normal"})
        await one.server.control({"do": "reset"})
        await one.wait_for(lambda: one.of(ReplyFinished))
        assert [text for role, text in one.rows() if role == "user"] == ["are you there?"]
        items = one.server.log.of("conversation.item.create", conn=1)
        assert [item["item"]["content"][0]["text"] for item in items] == ["are you there?"]


async def test_a_spoken_question_without_an_answer_is_asked_again_in_its_words() -> None:
    async with call("silent", stay=True, comes_back=True) as one:
        await one.wait_for_phase("ready")
        one.session.begin_turn()
        one.session.speak(timecode(3, 400))
        one.session.end_turn()
        words = one.server.script.user_text
        await one.wait_for(lambda: ("user", words) in one.rows())
        await one.server.control({"do": "script", "name": "normal"})
        await one.server.control({"do": "reset"})
        await one.wait_for(lambda: one.of(ReplyFinished))
        assert [text for role, text in one.rows() if role == "user"] == [words]
        items = one.server.log.of("conversation.item.create", conn=1)
        assert [item["item"]["content"][0]["text"] for item in items] == [words]


async def test_a_spoken_question_that_nobody_wrote_down_is_said_again() -> None:
    mute = replace(SCRIPTS["silent"], transcription_delay_ms=60_000)
    async with call(mute, stay=True, comes_back=True) as one:
        await one.wait_for_phase("ready")
        one.session.begin_turn()
        one.session.speak(timecode(3, 400))
        one.session.end_turn()
        await one.wait_for(lambda: one.of(TurnCommitted))
        await one.server.control({"do": "script", "name": "normal"})
        await one.server.control({"do": "reset"})
        await one.wait_for(lambda: one.of(ReplyFinished))
        await one.wait_for(lambda: one.session.conversation.rows[0].is_finished)
        assert [role for role, _ in one.rows() if role != "note"] == ["user", "assistant"]
        sounds = one.server.log.of("input_audio_buffer.append", conn=1)
        assert sounds[-1]["audio"]["total_ms"] == pytest.approx(400, abs=1)


async def test_a_turn_that_is_spoken_while_the_line_breaks_arrives_whole() -> None:
    async with call(stay=True, comes_back=True) as one:
        await one.wait_for_phase("ready")
        one.session.begin_turn()
        one.session.speak(timecode(3, 400))
        await one.wait_for(lambda: one.server.log.of("input_audio_buffer.append", conn=0))
        await one.server.control({"do": "reset"})
        await one.wait_for_phase("offline")
        one.session.speak(timecode(4, 400))
        await one.wait_for_phase("listening")
        one.session.speak(timecode(5, 400))
        one.session.end_turn()
        await one.wait_for(lambda: one.of(ReplyFinished))
        sounds = one.server.log.of("input_audio_buffer.append", conn=1)
        assert sounds[-1]["audio"]["total_ms"] == pytest.approx(1200, abs=1)


async def test_what_is_said_hands_free_while_the_line_breaks_is_said_again() -> None:
    settings = Settings(MODEL, "sk-any", hands_free=True, text_only=True, vad=Vad(silence_ms=200))
    async with call(settings=settings, stay=True, comes_back=True) as one:
        await one.wait_for_phase("ready")
        one.session.speak(timecode(3, 400))
        await one.wait_for(lambda: one.of(SpeechStarted))
        await one.server.control({"do": "reset"})
        await one.wait_for_phase("offline")
        one.session.speak(bytes(48 * 600))
        await one.wait_for(lambda: one.of(ReplyFinished))
        assert [role for role, _ in one.rows() if role != "note"] == ["user", "assistant"]
        sounds = one.server.log.of("input_audio_buffer.append", conn=1)
        assert sounds[-1]["audio"]["total_ms"] == pytest.approx(1000, abs=1)


async def test_a_redial_asks_again_what_nobody_answers_unless_the_user_stopped_it() -> None:
    async with call("silent", stay=True) as one:
        await one.wait_for_phase("ready")
        one.session.say("never mind")
        one.session.interrupt()
        one.session.redial()
        await one.wait_for(lambda: len(one.of(SessionReady)) == 2)
        one.session.say("are you there?")
        await one.wait_for(lambda: one.server.log.of("response.create", conn=1))
        await one.server.control({"do": "script", "name": "normal"})
        one.session.redial()
        await one.wait_for(lambda: one.of(ReplyFinished))
        assert [text for role, text in one.rows() if role == "user"] == [
            "never mind",
            "are you there?",
        ]
        assert len(one.of(ReplyFinished)) == 1


async def test_speech_during_an_outage_is_kept_for_the_next_line() -> None:
    async with call(stay=True, comes_back=True) as one:
        await one.wait_for_phase("ready")
        await one.server.control({"do": "reset"})
        await one.wait_for_phase("offline")
        one.session.begin_turn()
        one.session.speak(timecode(3, 400))
        one.session.end_turn()
        await one.wait_for(lambda: one.of(ReplyFinished))
        sounds = one.server.log.of("input_audio_buffer.append", conn=1)
        assert sounds[-1]["audio"]["total_ms"] == pytest.approx(400, abs=1)


@pytest.mark.fault("N28")
async def test_a_session_is_renewed_before_its_provider_ends_it() -> None:
    async with call(stay=True) as one:
        await one.answer("one")
        one.session.lines._renewal.ending(time.monotonic(), 60.0)
        await one.wait_for(lambda: len(one.of(SessionReady)) == 2)
        assert "renewed" in [notice.code for notice in one.of(Notice)]
        await one.answer("two")
        assert not [error for error in one.told if isinstance(error, VoiceChatError)]


async def test_a_lost_line_ends_a_session_that_may_not_stay() -> None:
    async with call() as one:
        await one.wait_for_phase("ready")
        await one.server.control({"do": "reset"})
        with pytest.raises(LinkError, match="line was lost"):
            await one.running


@pytest.mark.fault("N21")
async def test_a_lost_line_fails_what_was_still_growing() -> None:
    async with call("long_reply", stay=True) as one:
        one.session.say("hello")
        await one.wait_for(lambda: one.of(ReplyText))
        await one.server.control({"do": "close", "code": 1006})
        await one.wait_for_phase("offline")
        assert one.session.conversation.rows[-1].state is State.FAILED
        assert one.notebook.calls[-1][1:3] == ("assistant", "failed")


@pytest.mark.parametrize("stay", [True, False])
async def test_a_refusal_is_final_and_tried_once(stay: bool) -> None:
    async with call("bad_key", stay=stay) as one:
        await one.wait_for(lambda: one.session.problem)
        assert isinstance(one.session.problem, RefusedError)
        assert "OPENAI_API_KEY" in str(one.session.problem)
        if not stay:
            with pytest.raises(RefusedError, match="OPENAI_API_KEY"):
                await one.running
        assert one.server.attempts == 1
        assert one.session.snapshot().phase == "offline"


@pytest.mark.fault("N28")
async def test_an_old_session_is_renewed_at_once_and_nothing_was_wrong() -> None:
    async with call(replace(SCRIPTS["expired"], expire_after_ms=300), stay=True) as one:
        await one.wait_for(lambda: len(one.of(SessionReady)) == 2)
        [renewed] = one.of(Notice)
        assert renewed.code == "renewed" and "maximum duration" in renewed.message
        await one.answer("hello")
        assert not one.of(VoiceChatError)


async def test_an_address_that_cannot_be_used_ends_the_session() -> None:
    async with call(start=False) as one:
        one.settings = replace(one.settings, url="")
        dialect = OpenAIDialect(replace(one.settings, url="ws://10.77.0.1/"))
        line = Target(dialect, lambda: websocket.connect(dialect.url(), {}, proxy=None), MODEL)
        one.session.lines._change(line)
        with pytest.raises(ConfigError, match=r"10\.77\.0\.1"):
            await one.session.run()


async def test_a_cancelled_session_leaves_nothing_running() -> None:
    before = asyncio.all_tasks()
    async with call() as one:
        await one.answer("hello")
        server_tasks = asyncio.all_tasks()
        one.running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await one.running
        assert len(asyncio.all_tasks()) < len(server_tasks)
        await one.wait_for(lambda: any(e.get("note") == "closed" for e in one.server.log.entries))
    assert asyncio.all_tasks() == before


# -- what is told, and what is kept ---------------------------------------------------------------


async def test_a_notice_of_the_line_is_told_once_however_often_it_is_dialled() -> None:
    async with call(stay=True, notice="An old name.") as one:
        await one.wait_for_phase("ready")
        one.session.redial()
        await one.wait_for(lambda: len(one.of(SessionReady)) == 2)
        assert one.of(Notice) == [Notice("model", "An old name.")]
        assert one.rows() == [("note", "An old name.")]


async def test_a_model_that_cannot_wait_for_words_is_told_once_and_only_hands_free() -> None:
    async with call(stay=True) as one:
        await one.wait_for_phase("ready")
        dial = one.dial()
        one.session.redial(lambda: replace(dial(), cuts_by_any_voice=True))
        await one.wait_for(lambda: len(one.of(SessionReady)) == 2)
        assert not one.of(Notice)
        one.session.set_hands_free(True)
        assert [notice.code for notice in one.of(Notice)] == ["any_voice_cuts"]
        one.session.redial()
        await one.wait_for(lambda: len(one.of(SessionReady)) == 3)
        assert [notice.code for notice in one.of(Notice)] == ["any_voice_cuts"]


@pytest.mark.parametrize(
    ("vad", "holds"),
    [(Vad(), True), (Vad(interrupt=False), False), (Vad(by_words=True), False)],
)
async def test_a_reply_waits_for_the_model_to_say_whether_it_is_cut(vad: Vad, holds: bool) -> None:
    settings = Settings(MODEL, "sk-any", hands_free=True, text_only=True, vad=vad)
    async with call(settings=settings) as one:
        await one.wait_for_phase("ready")
        assert one.session.engine.policy.holds_for_voice is holds


async def test_a_full_duplex_model_falls_silent_by_itself() -> None:
    async with call() as one:
        assert one.session.engine.policy.holds_for_voice
        dialect = GptLiveDialect(Settings("gpt-live-1", hands_free=True))
        line = replace(one.session.line, dialect=dialect)
        session = Session(lambda: line, Conversation(), Engine(None), NullJournal(), print)
        assert not session.engine.policy.holds_for_voice


async def test_a_voice_over_a_reply_is_looked_for_only_where_it_is_sent_without_a_key() -> None:
    settings = Settings(MODEL, "sk-any", text_only=True)
    async with call(settings=settings) as one:
        session = one.session
        seen = [session.engine.policy.hears_freely]
        assert not session.toggle_mute(), "with the key there is nothing to be muted"
        session.set_hands_free(True)
        seen.append(session.engine.policy.hears_freely)
        assert session.toggle_mute() and session.gate.muted
        seen.append(session.engine.policy.hears_freely)
        assert not session.toggle_mute() and session.is_hands_free
        seen.append(session.engine.policy.hears_freely)
        assert seen == [False, True, False, True]


async def test_another_model_means_another_policy_at_once() -> None:
    settings = Settings(MODEL, "sk-any", hands_free=True, text_only=True)
    async with call(settings=settings) as one:
        await one.wait_for_phase("ready")
        assert one.session.engine.policy.holds_for_voice
        one.settings = replace(settings, vad=Vad(interrupt=False))
        one.session.redial(one.dial())
        await one.wait_for(lambda: len(one.of(SessionReady)) == 2)
        assert not one.session.engine.policy.holds_for_voice


async def test_a_front_end_may_ask_what_it_shows_of_the_model_of_the_moment() -> None:
    async with call() as one:
        session = one.session
        assert (session.model, session.provider_name, session.way) == (MODEL, "openai", "websocket")
        assert (session.input_rate, session.output_rate) == (24_000, 24_000)
        assert session.sees_pictures and session.silence_ms == Vad().silence_ms
        profile = OpenAIDialect.profile
        limits = Limits(profile.image_types, profile.image_bytes, profile.image_side)
        assert session.picture_limits == limits
        assert not session.has_microphone and not session.has_loudspeaker
        session.note("switch", "Another model")
        assert [row.text for row in session.rows] == ["Another model"]


async def test_who_asks_the_user_for_a_tool_may_be_set_and_unset() -> None:
    async def ask(name: str, arguments: str) -> Verdict:
        return "no"

    async with call() as one:
        one.session.set_consent(ask)
        assert one.session.toolbox.ask is ask
        one.session.set_consent(None)
        assert one.session.toolbox.ask is None


async def test_whether_everybody_on_the_way_can_listen_is_known_of_every_way() -> None:
    async with call() as one:
        line = one.session.line
        assert one.session.is_exposed, "the server's address begins with ws://"
        private = OpenAIDialect(Settings(MODEL, "sk-any"))
        assert not replace(line, dialect=private).is_exposed
        own = replace(line, dialect=LocalDialect(Settings("local")))
        for is_plain in (True, False):
            assert replace(own, is_plain=is_plain).is_exposed is is_plain
            assert replace(line, way="http", is_plain=is_plain).is_exposed is is_plain


async def test_the_volume_stays_within_its_bounds() -> None:
    async with call() as one:
        for wanted, got in ((1.5, 1.5), (2.5, 2.0), (-1.0, 0.0)):
            one.session.volume = wanted
            assert one.session.volume == one.session.engine.volume == got


async def test_an_error_of_a_thread_is_told_where_all_is_told() -> None:
    async with call() as one:
        await one.wait_for_phase("ready")
        error = Notice("not_saved", "The disk is full")
        await asyncio.to_thread(one.session.notices.tell, error)
        await one.wait_for(lambda: one.of(Notice))
        assert one.of(Notice) == [Notice("not_saved", "The disk is full")]
        assert one.rows() == [("note", "The disk is full")]


async def test_the_journal_gets_every_row_in_the_order_of_the_talk() -> None:
    async with call() as one:
        await one.answer("one")
        await one.answer("two")
    assert one.notebook.finished() == [
        ("user", "one"),
        ("assistant", GREETING),
        ("user", "two"),
        ("assistant", GREETING),
    ]
    assert {model for model, *_ in one.notebook.calls} == {MODEL}


async def test_the_journal_gets_a_reply_while_it_grows() -> None:
    async with call() as one:
        await one.answer("one")
    growing = [text for _, role, state, text in one.notebook.calls if state == "open"]
    assert len(growing) > 5
    assert all(GREETING.startswith(text) for text in growing)


async def test_an_answer_that_does_not_come_is_told() -> None:
    async with call("silent") as one:
        await one.wait_for_phase("ready")
        one.session.say("hello")
        one.session._watchdog.asked(time.monotonic() - ANSWER_S)
        await one.wait_for(lambda: one.of(Notice))
        assert one.of(Notice)[0].code == "no_answer_yet"


async def test_an_answer_in_which_there_is_nothing_is_told() -> None:
    reply = {"id": "resp_empty", "object": "realtime.response", "output": []}
    async with call("silent") as one:
        await one.wait_for_phase("ready")
        one.session.say("hello")
        await one.server.wait_for("response.create")
        for kind, status in (("created", "in_progress"), ("done", "completed")):
            event = {"type": f"response.{kind}", "response": reply | {"status": status}}
            await one.server.control({"do": "send", "event": event})
        await one.wait_for(lambda: one.of(Notice))
        assert one.of(Notice)[0].code == "empty_answer"
