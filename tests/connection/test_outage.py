"""While no line is up: what is told, once, and when the next one is tried."""

import asyncio

import pytest

from voicechat.connection.outage import Outage
from voicechat.connection.state.backoff import MOST_SHORT, Retries
from voicechat.connection.state.outcome import Disconnect
from voicechat.conversation.conversation import Conversation
from voicechat.conversation.notices import Notices
from voicechat.errors import (
    LinkError,
    RefusedError,
    ServiceError,
    SessionOverError,
    VoiceChatError,
)
from voicechat.events import Event, Notice, Retrying, WentOffline

LOST = Disconnect("retry", LinkError("The line was lost"))
OVER = Disconnect("renew", SessionOverError("The session reached its greatest age"), at_least_s=0.0)


class Told:
    """An outage, and what it told."""

    def __init__(self) -> None:
        self.errors: list[VoiceChatError] = []
        self.notices: list[Notice] = []
        self.events: list[Event] = []
        self.outage = Outage(self.hear, Notices(Conversation(), self.notices.append))
        self.outage.retries = Retries(lambda: 0.0)

    def hear(self, event: Event | VoiceChatError) -> None:
        if isinstance(event, VoiceChatError):
            self.errors.append(event)
        else:
            self.events.append(event)

    @property
    def codes(self) -> list[str]:
        return [notice.code for notice in self.notices]


@pytest.fixture
async def told() -> Told:
    return Told()


async def test_a_problem_is_told_once_however_often_it_is_tried(told: Told) -> None:
    for _ in range(4):
        assert told.outage.begin(LOST) is not None
    assert told.errors == [LOST.error]
    assert told.events == [WentOffline("The line was lost"), *[Retrying(0.0)] * 4]
    busy = Disconnect("retry", ServiceError("overloaded"))
    told.outage.begin(busy)
    assert told.errors == [LOST.error, busy.error]
    told.outage.end()
    assert told.notices == [Notice("back", "The line is back")]


@pytest.mark.fault("N28")
async def test_an_old_session_is_renewed_at_once_and_is_no_error(told: Told) -> None:
    assert told.outage.begin(OVER) == 0.0
    told.outage.end()
    assert told.errors == [] and told.codes == ["renewed"]
    assert "session is renewed" in told.notices[0].message


async def test_a_session_that_is_over_whenever_it_begins_is_told_in_the_end(told: Told) -> None:
    waits = []
    for _ in range(MOST_SHORT):
        told.outage.end()
        waits.append(told.outage.begin(OVER))
    assert waits[-1] is None and None not in waits[:-1]
    assert told.errors == [OVER.error]


async def test_what_we_ended_ourselves_is_no_news(told: Told) -> None:
    assert told.outage.begin(Disconnect("ended", LinkError("The call was ended here"))) is None
    assert told.errors == [] and told.notices == []


async def test_what_only_the_user_can_mend_waits_for_the_user(told: Told) -> None:
    fatal = Disconnect("fatal", RefusedError("bad key"))
    assert told.outage.begin(fatal) is None
    asked = asyncio.Event()
    waiting = asyncio.create_task(told.outage.wait(asked, None))
    await asyncio.sleep(0.05)
    assert not waiting.done() and told.outage.retry_in_s is None
    asked.set()
    await asyncio.wait_for(waiting, 5)
    assert not asked.is_set()
    told.outage.forget()
    told.outage.begin(fatal)
    assert told.errors == [fatal.error] * 2, "after the user's try it is news again"


async def test_the_seconds_until_the_next_try_are_known(told: Told) -> None:
    asked = asyncio.Event()
    waiting = asyncio.create_task(told.outage.wait(asked, 30.0))
    await asyncio.sleep(0.05)
    assert told.outage.retry_in_s in (29, 30)
    asked.set()
    await asyncio.wait_for(waiting, 5)
    assert told.outage.retry_in_s is None


async def test_lines_are_not_changed_for_ever_without_the_users_wish(told: Told) -> None:
    changes = 0
    while told.outage.has_room:
        told.outage.forget()
        changes += 1
    assert changes == 12
