"""A session that cannot be taken up again is given up after two lines."""

from voicechat.connection.state.renewal import MOST_FAILURES, ResumeHandle


def test_the_newest_handle_is_asked_for() -> None:
    handle = ResumeHandle()
    assert handle.value == ""
    handle.keep("a")
    handle.keep("b")
    assert handle.value == "b"


def test_two_lines_that_break_down_with_it_are_enough() -> None:
    handle = ResumeHandle()
    handle.keep("a")
    for _ in range(MOST_FAILURES):
        assert handle.value == "a"
        handle.used()
        handle.failed(is_gone=False)
    assert handle.value == ""


def test_a_line_that_never_came_up_says_nothing_of_the_session() -> None:
    handle = ResumeHandle()
    handle.keep("a")
    for _ in range(5):
        handle.failed(is_gone=False)
    assert handle.value == "a"


def test_a_new_handle_is_a_new_beginning() -> None:
    handle = ResumeHandle()
    handle.keep("a")
    for _ in range(5):
        handle.used()
        handle.keep("b")
        handle.failed(is_gone=False)
    assert handle.value == "b"


def test_what_the_provider_does_not_know_is_forgotten_at_once() -> None:
    handle = ResumeHandle()
    handle.keep("a")
    handle.used()
    handle.failed(is_gone=True)
    assert handle.value == ""
