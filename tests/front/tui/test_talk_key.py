"""The talk key, held, tapped, repeated and lost, without a clock."""

from voicechat.front.tui.talk_key import LOST_S, TAP_S, TalkKey

AT = 100.0


def opened(*, tells_release: bool = True) -> TalkKey:
    """A key whose press at AT opened a turn."""
    key = TalkKey(tells_release=tells_release)
    assert key.press(AT)
    key.begin(AT)
    return key


def test_held_it_talks_until_it_is_let_go() -> None:
    key = opened()
    assert key.is_down and key.is_held(AT + 1)
    assert key.release(AT + 1)
    assert not key.is_down and not key.is_held(AT + 1)


def test_tapped_it_talks_until_the_next_tap() -> None:
    key = opened()
    assert not key.release(AT + TAP_S - 0.01)
    assert not key.is_held(AT + 1)
    assert key.press(AT + 3)
    assert not key.release(AT + 3.1) and not key.release(AT + 4)


def test_repeats_of_a_held_key_change_nothing() -> None:
    key = opened()
    for n in range(50):
        key.repeat(AT + 0.5 + n * 0.03)
    assert key.is_held(AT + 2) and key.release(AT + 2.1)


def test_a_second_tap_in_a_quick_row_counts_where_releases_are_told() -> None:
    key = opened()
    key.release(AT + 0.03)
    assert key.press(AT + 0.06)


def test_a_release_may_be_told_before_its_press() -> None:
    key = TalkKey(tells_release=True)
    assert not key.release(AT + 0.03)
    assert key.press(AT)
    key.begin(AT)
    assert not key.is_down
    assert key.press(AT + 0.06)


def test_a_second_press_without_a_release_ends_the_turn_and_is_remembered() -> None:
    key = opened()
    assert key.press(AT + 2)
    assert not key.is_down and not key.tells_release


def test_in_other_terminals_a_held_key_is_one_press_and_a_second_one() -> None:
    key = opened(tells_release=False)
    assert not key.is_held(AT + 0.1)
    counted = [key.press(AT + 0.5 + n * 0.03) for n in range(60)]
    assert counted == [True] + [False] * 59
    assert key.press(AT + 4)


def test_two_touches_at_once_are_two_presses() -> None:
    assert opened(tells_release=False).press(AT + 0.001)


def test_a_release_counts_also_where_nobody_promised_it() -> None:
    assert opened(tells_release=False).release(AT + 1)


def test_a_release_of_nothing_ends_nothing() -> None:
    assert not TalkKey(tells_release=True).release(AT)


def test_losing_the_keyboard_ends_a_held_turn_and_no_other() -> None:
    assert opened().lose()
    tapped = opened()
    tapped.release(AT + 0.1)
    assert not tapped.lose()
    assert not opened(tells_release=False).lose()
    held = opened()
    held.lose()
    assert not held.release(AT + 5)


def test_a_key_without_a_sign_of_life_is_not_shown_as_held_but_may_still_be_let_go() -> None:
    key = opened()
    assert key.is_held(AT + LOST_S - 1) and not key.is_held(AT + LOST_S + 1)
    key.repeat(AT + LOST_S + 2)
    assert key.is_held(AT + LOST_S + 3)
    assert key.release(AT + 2 * LOST_S)
