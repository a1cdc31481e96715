"""What GPT-Live bills is read, and its pauses are told."""

from typing import Any

import pytest

from voicechat.events import Notice, SessionMetered, SessionPaused, SessionResumed
from voicechat.providers.gptlive.usage import LiveUsage


@pytest.mark.parametrize(
    ("usage", "count"),
    [
        ({"seconds": 12}, SessionMetered(12.0)),
        ({"seconds": 12.5, "active_seconds": 12}, SessionMetered(12.0)),
        (
            {"seconds": 12, "active_seconds": 8, "paused_seconds": 4},
            SessionMetered(8.0, 4.0),
        ),
        ({"seconds": 12, "paused_seconds": 4}, SessionMetered(8.0, 4.0)),
        ({"seconds": 3, "paused_seconds": 4}, SessionMetered(0.0, 4.0)),
        ({"active_seconds": 8}, SessionMetered(8.0)),
        ({"seconds": 0}, SessionMetered(0.0)),
    ],
)
def test_seconds_are_told_apart_where_the_service_does(
    usage: dict[str, Any], count: SessionMetered
) -> None:
    assert LiveUsage("GPT-Live").read({"usage": usage}) == [count]


@pytest.mark.parametrize(
    "usage",
    [None, {}, [], {"seconds": "12"}, {"seconds": -1}, {"seconds": True}, {"seconds": 1e300}],
)
def test_what_is_no_count_says_nothing(usage: Any) -> None:
    assert LiveUsage("GPT-Live").read({"usage": usage}) == []


def test_a_pause_is_told_in_words_once_and_as_an_event_each_time() -> None:
    usage = LiveUsage("GPT-Live")
    assert usage.resume() == []
    paused, notice = usage.pause()
    assert paused == SessionPaused() and isinstance(notice, Notice)
    assert "GPT-Live stands by" in notice.message
    assert usage.pause() == []
    assert usage.resume() == [SessionResumed()]
    assert usage.pause() == [SessionPaused()]


def test_the_helpers_work_comes_on_top_and_is_told_once() -> None:
    usage = LiveUsage("GPT-Live")
    assert usage.helped() == [SessionMetered(has_extras=True)]
    assert usage.helped() == []
