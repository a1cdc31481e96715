"""Sessions with real sockets through the fault proxy: what a bad road does to a conversation."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.fakes.fault_proxy import FaultProxy, Mark
from tests.fakes.ga_script import GREETING, SCRIPTS, Reply
from tests.fakes.ga_server import GaServer
from tests.fakes.ga_signal import timecode
from tests.session.test_session import MODEL, Call
from voicechat.connection.state.backoff import MOST_SHORT, Retries
from voicechat.connection.target import Target
from voicechat.conversation.conversation import State
from voicechat.errors import LinkError, VoiceChatError
from voicechat.events import Notice, ReplyFinished, ReplyText, SessionReady
from voicechat.net import websocket
from voicechat.providers.openai.dialect import OpenAIDialect

TOLD_WITHIN_S = 10.0
IDLE_WITHIN_S = 30.0
SLACK_S = 5.0
"""For a machine that many tests share."""
SHORT = replace(SCRIPTS["normal"], replies=(Reply("A short answer.", audio_ms=200),))


@dataclass
class FarCall(Call):
    """A call whose every line goes through the fault proxy."""

    proxy: FaultProxy | None = None

    def dial(self, model: str = MODEL, server: GaServer | None = None) -> Callable[[], Target]:
        def make() -> Target:
            assert self.proxy is not None
            settings = replace(self.settings, model=model, url=self.proxy.url())
            dialect = OpenAIDialect(settings)
            link = websocket.connect(dialect.url(), dialect.headers(), proxy=None)
            return Target(dialect, lambda: link, model)

        return make

    @property
    def errors(self) -> list[VoiceChatError]:
        return [each for each in self.told if isinstance(each, VoiceChatError)]

    async def wait_long(self, holds: Callable[[], object], within_s: float) -> float:
        """Wait for a condition; how long it took."""
        began = time.monotonic()
        while not holds():
            assert time.monotonic() - began < within_s, (self.told[-5:], self.rows())
            await asyncio.sleep(0.02)
        return time.monotonic() - began


@asynccontextmanager
async def far_call(script: Any = SHORT, **options: Any) -> AsyncIterator[FarCall]:
    """A call over a proxy, up and ready; it hangs up in the end, and leaves no task behind."""
    before = asyncio.all_tasks()
    async with GaServer(script) as server:
        with FaultProxy(server.port) as proxy:
            one = FarCall(server, proxy=proxy, comes_back=True, **options)
            one.start(stay=True)
            await one.wait_for_phase("ready")
            yield one
            one.running.cancel()
            with suppress(asyncio.CancelledError, VoiceChatError):
                await one.running
    assert asyncio.all_tasks() == before


# -- a line that is only believed to be up --------------------------------------------------------


async def talk_on(one: FarCall) -> None:
    """Push-to-talk, and speech at its own pace."""
    one.session.begin_turn()
    for number in range(10_000):
        one.session.speak(timecode(number % 50, 20))
        await asyncio.sleep(0.02)


@pytest.mark.fault("N22")
async def test_a_dead_line_is_told_while_talking_and_what_was_said_is_said_again() -> None:
    async with far_call() as one:
        assert one.proxy
        await one.answer("the first")
        one.proxy.blackhole()
        talking = asyncio.create_task(talk_on(one))
        await one.wait_long(lambda: one.errors, TOLD_WITHIN_S + SLACK_S)
        assert isinstance(one.errors[0], LinkError) and one.errors[0].retryable
        await one.wait_long(lambda: len(one.of(SessionReady)) == 2, 10)
        talking.cancel()
        one.session.end_turn()
        await one.wait_long(lambda: len(one.of(ReplyFinished)) == 2, 20)
        assert [notice.code for notice in one.of(Notice)].count("back") == 1
        spoken_ms = one.server.session.ears.turn_ms
        assert spoken_ms > 5000, "what was said into the dead line is lost"


@pytest.mark.fault("N22")
async def test_a_question_into_a_dead_line_is_told_and_answered_on_the_next() -> None:
    async with far_call() as one:
        assert one.proxy
        await one.answer("the first")
        one.proxy.blackhole()
        one.session.say("are you there?")
        await one.wait_long(lambda: one.errors, TOLD_WITHIN_S + SLACK_S)
        await one.wait_long(lambda: len(one.of(ReplyFinished)) == 2, 20)
        said = [row for row in one.rows() if row[0] != "note"]
        answer = ("assistant", "A short answer.")
        assert said == [("user", "the first"), answer, ("user", "are you there?"), answer]


@pytest.mark.long
@pytest.mark.timeout(120)
@pytest.mark.fault("N23")
async def test_a_dead_line_is_told_while_nobody_says_anything() -> None:
    async with far_call() as one:
        assert one.proxy
        await one.answer("the first")
        one.proxy.blackhole()
        await one.wait_long(lambda: one.errors, IDLE_WITHIN_S + SLACK_S)
        await one.wait_long(lambda: len(one.of(SessionReady)) == 2, 10)


@pytest.mark.long
@pytest.mark.timeout(150)
@pytest.mark.fault("N23", "N24")
async def test_a_healthy_line_on_which_nothing_is_said_stays() -> None:
    async with far_call() as one:
        await one.answer("the first")
        await asyncio.sleep(90)
        assert one.server.attempts == 1 and not one.errors


# -- a line that stalls, or carries in pieces -----------------------------------------------------


@pytest.mark.fault("N26")
async def test_a_stall_in_an_answer_costs_a_pause_and_nothing_else() -> None:
    words = " ".join(f"word{number}" for number in range(300))
    script = replace(SCRIPTS["normal"], replies=(Reply(words, audio_ms=3000),))
    async with far_call(script) as one:
        assert one.proxy
        one.session.say("tell me")
        await one.wait_for(lambda: len(one.of(ReplyText)) > 5)
        one.proxy.stall("down")
        await asyncio.sleep(5)
        assert not one.of(ReplyFinished)
        one.proxy.resume()
        await one.wait_for(lambda: one.of(ReplyFinished))
        assert one.rows() == [("user", "tell me"), ("assistant", words)]
        assert one.server.attempts == 1 and not one.errors


@pytest.mark.fault("N36")
@pytest.mark.parametrize("how", ["split", "merge"])
async def test_messages_are_the_same_however_they_are_cut_into_segments(how: str) -> None:
    async with far_call(SCRIPTS["cjk"]) as one:
        assert one.proxy
        one.proxy.split() if how == "split" else one.proxy.merge(200)
        await one.answer("größer 🙂")
        await one.answer("and again")
        answer = SCRIPTS["cjk"].replies[0].text
        said = [("user", "größer 🙂"), ("assistant", answer)]
        assert one.rows() == [*said, ("user", "and again"), ("assistant", answer)]
        assert not one.errors
        one.sent()


# -- lines that come and go -----------------------------------------------------------------------


@pytest.mark.fault("N21")
async def test_a_reset_in_an_answer_marks_it_and_the_next_line_knows_what_was_heard() -> None:
    script = replace(SCRIPTS["long_reply"], faulty_connections=1)
    async with far_call(script) as one:
        assert one.proxy
        one.session.say("the first")
        await one.wait_for(lambda: len(one.of(ReplyText)) > 10)
        one.proxy.cut("rst")
        await one.wait_for(lambda: len(one.of(SessionReady)) == 2)
        row = next(row for row in one.session.conversation.rows if row.role == "assistant")
        assert row.state is State.FAILED and row.text
        await one.answer("the second")
        assert [role for role, _ in one.rows() if role != "note"] == ["user", "assistant"] * 2
        items = one.server.log.of("conversation.item.create", conn=1)
        texts = [item["item"]["content"][0]["text"] for item in items]
        assert texts == ["the first", row.text, "the second"]


@pytest.mark.fault("N31")
async def test_a_service_that_takes_us_and_hangs_up_at_once_is_not_stormed() -> None:
    async with far_call() as one:
        one.session.lines._outage.retries = Retries(random.random)
        await one.answer("the first")
        assert one.proxy
        await one.server.control({"do": "script", "name": "normal"})
        one.server.script = replace(SHORT, close_after=3, close_code=1011)
        one.proxy.cut("rst")
        await one.wait_long(lambda: _gave_up(one), 40)
        assert one.server.attempts <= 2 + MOST_SHORT
        count = one.server.attempts
        await asyncio.sleep(2)
        assert one.server.attempts == count, "it went on by itself"
        one.server.script = SHORT
        one.session.redial()  # The user asks for it.
        await one.wait_for_phase("ready")
        await one.answer("the second")


def _after(one: FarCall, ends: int) -> Callable[[], bool]:
    """More answers have ended than so many."""
    return lambda: len(one.of(ReplyFinished)) > ends


def _gave_up(one: FarCall) -> bool:
    session = one.session
    return session.problem is not None and session.retry_in_s is None


@pytest.mark.fault("N32")
async def test_what_an_old_line_still_says_reaches_nobody() -> None:
    script = replace(SCRIPTS["long_reply"], pace=4.0, faulty_connections=1)
    async with far_call(script) as one:
        assert one.proxy
        one.session.say("the first")
        await one.wait_for(lambda: len(one.of(ReplyText)) > 3)
        one.proxy.stall("down")  # The rest of the answer is on its way.
        await asyncio.sleep(0.3)
        one.session.redial()
        await asyncio.sleep(0.5)
        one.proxy.resume()
        await one.wait_for(lambda: len(one.of(SessionReady)) == 2)
        seen = len(one.told)
        await one.answer("the second")
        late = [event for event in one.told[seen:] if "_0_" in str(getattr(event, "item_id", ""))]
        assert not late
        second = [row for row in one.rows() if row[0] == "assistant"][1]
        assert second == ("assistant", GREETING)


# -- no way there ---------------------------------------------------------------------------------


@pytest.mark.fault("N03")
async def test_who_never_answers_is_given_up_after_ten_seconds_and_tried_again() -> None:
    async with far_call() as one:
        assert one.proxy
        await one.answer("the first")
        one.proxy.vanish()
        one.proxy.cut("rst")
        await one.wait_long(lambda: len(one.errors) == 2, 10 + 2 * SLACK_S)
        assert "did not answer within 10 s" in str(one.errors[1])
        one.proxy.let_in()
        await one.wait_long(lambda: len(one.of(SessionReady)) == 2, 20)
        await one.answer("the second")


@pytest.mark.long  # Every day: the links' own tests, with a shorter deadline.
@pytest.mark.fault("N05", "N13", "N18")
@pytest.mark.parametrize("way", ["hang", "drip"])
async def test_a_handshake_that_does_not_end_is_given_up(way: str) -> None:
    async with far_call() as one:
        assert one.proxy
        if way == "hang":
            one.proxy.hang()
        else:
            one.proxy.drip(100, "down")
        one.proxy.cut("rst")
        await one.wait_long(lambda: len(one.errors) == 2, 10 + 2 * SLACK_S)
        assert "did not answer within 10 s" in str(one.errors[1])
        one.proxy.pass_on()
        await one.wait_long(lambda: len(one.of(SessionReady)) == 2, 20)


# -- bytes that are not as they were --------------------------------------------------------------


@pytest.mark.fault("P02", "P03")
@pytest.mark.parametrize("seed", range(6))
async def test_a_flipped_bit_is_survived(seed: int) -> None:
    """Wherever it falls after the handshake: in a frame's head, in its text, in base64."""
    dice = random.Random(seed)
    async with far_call() as one:
        assert one.proxy
        one.proxy.mark_now("down", 1 + dice.randrange(6000), Mark(0, "corrupt", bit=seed))
        asked = [f"question {number}" for number in range(5)]
        for text in asked[:-1]:
            one.session.say(text)
            ends = len(one.of(ReplyFinished))
            with suppress(AssertionError):  # What was flipped may have been the answer's end.
                await one.wait_long(_after(one, ends), 3)
        await one.wait_for(lambda: one.session.snapshot().phase in ("ready", "thinking"))
        one.session.say(asked[-1])
        await one.wait_for(lambda: one.rows()[-1] == ("assistant", "A short answer."))
        assert [text for role, text in one.rows() if role == "user"] == asked
