"""When the line is dialled again: back-off with jitter, and when it is left to the user.

All in virtual time; the ends are judged as the session judges them.
"""

import random
from collections.abc import Iterable
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicechat.connection.state.backoff import (
    FIRST_SPAN_S,
    GOOD_S,
    LONGEST_SPAN_S,
    MOST_A_MINUTE,
    MOST_SHORT,
    PATIENCE_S,
    SHORT_S,
    Retries,
)
from voicechat.connection.state.outcome import Disconnect, classify_close
from voicechat.errors import (
    LinkError,
    RefusedError,
    ServiceError,
    SessionOverError,
    TlsError,
    VoiceChatError,
)
from voicechat.net.close_codes import LinkClosed
from voicechat.providers.base import Settings
from voicechat.providers.openai.dialect import OpenAIDialect

DIALECT = OpenAIDialect(Settings("gpt-realtime-2.1", "sk-any"))


def ending(error: VoiceChatError) -> Disconnect:
    return classify_close(error, DIALECT, is_ready=True)


def close(code: int | None, reason: str = "", *, by_us: bool = False) -> Disconnect:
    return ending(LinkClosed(code, reason, by_us=by_us))


LOST = close(None)
AGE = close(1001, "maximum duration")
FATAL = close(3000, "bad key")


def always(value: float = 1.0) -> Retries:
    return Retries(lambda: value)


def drive(
    retries: Retries,
    ends: Iterable[Disconnect],
    *,
    lives_s: float | None = None,
    until_s: float = 3 * PATIENCE_S,
) -> list[float]:
    """When each line was dialled, the first at 0, until it is left to the user.

    Args:
        lives_s: How long each line lives after it is ready; None: none ever is.
    """
    now, dialled = 0.0, [0.0]
    for one in ends:
        if lives_s is not None:
            retries.ready(now)
        now += lives_s if lives_s is not None else 0.01
        wait_s = retries.ended(one, now)
        if wait_s is None or now > until_s:
            break
        now += wait_s
        dialled.append(now)
    return dialled


def most_in_a_minute(dialled: list[float]) -> int:
    return max(sum(at <= other < at + 60.0 - 1e-6 for other in dialled) for at in dialled)


# -- how long -------------------------------------------------------------------------------------


def test_each_wait_may_be_twice_as_long_up_to_a_bound() -> None:
    retries, now = always(), 0.0
    waits = []
    for _ in range(9):
        wait_s = retries.ended(LOST, now)
        assert wait_s is not None
        waits.append(wait_s)
        now += wait_s + 10
    assert waits == [min(FIRST_SPAN_S * 2**n, LONGEST_SPAN_S) for n in range(9)]


def test_the_wait_is_a_random_part_of_the_span() -> None:
    assert always(0.0).ended(LOST, 0) == 0.0
    assert always(0.5).ended(LOST, 0) == FIRST_SPAN_S / 2


@pytest.mark.fault("N09")
def test_no_try_is_earlier_than_the_other_side_asked_for() -> None:
    busy = ending(ServiceError("busy", retry_after_s=7.0))
    assert always(0.0).ended(busy, 0.0) == 7.0
    assert always(0.0).ended(close(1013), 0.0) == 10.0


@pytest.mark.fault("N22", "N27", "N28")
@pytest.mark.parametrize("at_once", [AGE, close(1011, "keepalive ping timeout", by_us=True)])
def test_what_is_no_fault_of_the_service_is_mended_at_once_but_only_the_first_time(
    at_once: Disconnect,
) -> None:
    retries = always()
    assert retries.ended(at_once, 0.0) == 0.0
    assert retries.ended(at_once, 1.0) == FIRST_SPAN_S * 2


# -- how often ------------------------------------------------------------------------------------


@pytest.mark.fault("N04", "N06", "N07", "N08", "N12")
@pytest.mark.parametrize(
    "error",
    [
        RefusedError("key"),
        TlsError("certificate"),
        VoiceChatError("a bug"),
        LinkClosed(3000, ""),
        LinkClosed(4000, "invalid_model"),
        LinkClosed(1008, "bad api key"),
        LinkClosed(1011, "quota"),
        LinkClosed(1000, "", by_us=True),
    ],
)
@pytest.mark.parametrize("before", [0, 3])
def test_what_only_the_user_can_mend_is_never_tried_again(
    error: VoiceChatError, before: int
) -> None:
    dialled = drive(always(0.0), [*[LOST] * before, ending(error), LOST])
    assert len(dialled) == 1 + before


@pytest.mark.fault("N27")
@pytest.mark.parametrize(
    ("code", "tries"), [(1000, 1), (1002, 1), (1003, 1), (1007, 1), (1008, 2), (1011, 5)]
)
@pytest.mark.parametrize("lives_s", [None, SHORT_S + 1])
def test_an_end_that_is_tried_so_often_is_tried_so_often(
    code: int, tries: int, lives_s: float | None
) -> None:
    dialled = drive(always(0.0), cycle([close(code)]), lives_s=lives_s)
    assert len(dialled) == 1 + tries


def test_a_network_that_was_down_uses_up_no_tries_of_the_service() -> None:
    dialled = drive(always(), [*[LOST] * 4, *[close(1008, "slots")] * 9])
    assert len(dialled) == 1 + 4 + 2


@pytest.mark.parametrize("one", [LOST, close(1001), close(1006), close(1012), close(1013)])
def test_what_passes_is_tried_until_the_users_patience_ends(one: Disconnect) -> None:
    dialled = drive(always(), cycle([one]))
    assert PATIENCE_S - LONGEST_SPAN_S <= dialled[-1] <= PATIENCE_S + LONGEST_SPAN_S
    assert len(dialled) > PATIENCE_S / LONGEST_SPAN_S


@pytest.mark.fault("N31")
def test_only_a_line_that_was_good_for_a_while_is_a_new_beginning() -> None:
    retries = always()
    assert retries.ended(LOST, 0.0) == FIRST_SPAN_S
    retries.ready(1.0)
    assert retries.ended(LOST, 1.0 + GOOD_S - 1) == FIRST_SPAN_S * 2
    retries.ready(60.0)
    assert retries.ended(LOST, 60.0 + GOOD_S) == FIRST_SPAN_S


@pytest.mark.fault("N31")
@pytest.mark.parametrize("one", [LOST, AGE, close(1001), close(1011, "internal error")])
def test_a_service_that_takes_us_and_hangs_up_at_once_is_left_alone(one: Disconnect) -> None:
    assert len(drive(always(0.0), cycle([one]), lives_s=SHORT_S - 1)) == MOST_SHORT


@pytest.mark.fault("N31")
def test_after_ten_minutes_it_is_the_users_turn_and_a_key_begins_anew() -> None:
    retries, now = always(), 0.0
    while (wait_s := retries.ended(LOST, now)) is not None:
        now += wait_s + 1.0
        assert now < PATIENCE_S + 60
    assert now > PATIENCE_S
    retries.asked(now)
    assert retries.ended(LOST, now) == FIRST_SPAN_S
    for limited in (close(1000), close(1008, "slots")):
        retries.asked(now)
        assert retries.ended(limited, now) is not None


def test_only_the_user_may_change_lines_as_often_as_they_like() -> None:
    retries = always(0.0)
    for _ in range(MOST_A_MINUTE):
        assert retries.has_room(1.0)
        retries.asked(1.0)
    assert not retries.has_room(1.0)
    assert retries.ended(LOST, 1.0) == 60.0, "what comes by itself waits until there is room"
    assert retries.has_room(61.0 + 60.0)


# -- whatever happens -----------------------------------------------------------------------------

ANY = [
    LOST,
    AGE,
    FATAL,
    close(1011, "keepalive ping timeout", by_us=True),
    *(close(code) for code in (1000, 1001, 1002, 1008, 1009, 1011, 1012, 1013)),
    ending(LinkError("refused", retry_after_s=0.0)),
    ending(ServiceError("busy", retry_after_s=60.0)),
    ending(SessionOverError("over")),
]
LIVES = st.none() | st.floats(0, 2) | st.floats(0, 100)


@pytest.mark.fault("N31")
@given(
    st.integers(0, 2**32),
    st.lists(st.tuples(st.sampled_from(ANY), LIVES), max_size=80),
)
def test_there_are_never_more_than_twelve_lines_in_a_minute_and_none_after_a_refusal(
    seed: int, story: list[tuple[Disconnect, float | None]]
) -> None:
    retries, now, dialled = Retries(random.Random(seed).random), 0.0, [0.0]
    for one, lived_s in story:
        if lived_s is not None:
            retries.ready(now)
        now += lived_s or 0.0
        wait_s = retries.ended(one, now)
        if one.act == "fatal":
            assert wait_s is None
        if wait_s is None:
            break
        assert 0.0 <= wait_s <= 60.0 and wait_s >= (one.at_least_s or 0.0)
        now += wait_s
        dialled.append(now)
    assert most_in_a_minute(dialled) <= MOST_A_MINUTE
