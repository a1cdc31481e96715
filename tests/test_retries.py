"""When the line is dialled again: back-off with jitter, and when it is left to the user."""

import random

from hypothesis import given
from hypothesis import strategies as st

from voicechat.errors import LinkError, RefusedError, ServiceError, TlsError, VoiceChatError
from voicechat.links.closes import LinkClosed
from voicechat.retries import (
    FIRST_SPAN_S,
    GOOD_S,
    LONGEST_SPAN_S,
    MOST_A_MINUTE,
    MOST_SHORT,
    PATIENCE_S,
    Retries,
)

LOST = LinkError("The line was lost")


def always(value: float = 1.0) -> Retries:
    return Retries(lambda: value)


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


def test_what_only_the_user_can_mend_is_never_tried_again() -> None:
    for error in (RefusedError("key"), TlsError("certificate"), VoiceChatError("a bug")):
        assert always().ended(error, 0.0) is None


def test_no_try_is_earlier_than_the_other_side_asked_for() -> None:
    assert always(0.0).ended(ServiceError("busy", retry_after_s=7.0), 0.0) == 7.0


def test_an_end_that_is_tried_so_often_is_tried_so_often() -> None:
    for code, tries in ((1000, 1), (1008, 2), (1011, 5)):
        retries = always(0.0)
        outcomes = [retries.ended(LinkClosed(code, ""), now * 20.0) for now in range(tries + 1)]
        assert [wait is None for wait in outcomes] == [False] * tries + [True], code
    assert always(0.0).ended(LinkClosed(3000, "bad key"), 0.0) is None


def test_only_a_line_that_was_good_for_a_while_is_a_new_beginning() -> None:
    retries = always()
    assert retries.ended(LOST, 0.0) == FIRST_SPAN_S
    retries.ready(1.0)
    assert retries.ended(LOST, 1.0 + GOOD_S - 1) == FIRST_SPAN_S * 2
    retries.ready(20.0)
    assert retries.ended(LOST, 20.0 + GOOD_S) == FIRST_SPAN_S


def test_a_service_that_takes_us_and_hangs_up_at_once_is_left_alone() -> None:
    retries, now, tries = always(0.0), 0.0, 0
    while True:
        retries.ready(now)
        tries += 1
        if retries.ended(LOST, now + 1.0) is None:
            break
        now += 2.0
    assert tries == MOST_SHORT


def test_after_ten_minutes_it_is_the_users_turn_and_a_key_begins_anew() -> None:
    retries, now = always(), 0.0
    while (wait_s := retries.ended(LOST, now)) is not None:
        now += wait_s + 1.0
        assert now < PATIENCE_S + 60
    assert now > PATIENCE_S
    retries.forget()
    assert retries.ended(LOST, now) is not None


@given(st.integers(0, 2**32), st.lists(st.floats(0, 3), max_size=60))
def test_there_are_never_more_than_twelve_tries_in_a_minute(seed: int, lives: list[float]) -> None:
    retries, now, dialled = Retries(random.Random(seed).random), 0.0, []
    for took_s in lives:
        wait_s = retries.ended(LOST, now)
        if wait_s is None:
            break
        now += wait_s
        dialled.append(now)
        now += took_s / 100
    for at in range(len(dialled) - MOST_A_MINUTE):
        assert dialled[at + MOST_A_MINUTE] - dialled[at] >= 60.0 - 1e-6
