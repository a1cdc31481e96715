"""The start rule that would have cost least is found, and kept for later."""

import pytest

from voicechat.audio.playback.start_level import (
    RULES,
    Arrivals,
    StartLearner,
    StartRule,
    replay,
    resume_ms,
    speed,
)


def log(*entries: tuple[float, float]) -> Arrivals:
    arrivals = Arrivals()
    for now, size in entries:
        arrivals.note(now, size)
    return arrivals


def steady(size: float, every: float, count: int = 40, first: float = 0.0) -> Arrivals:
    """Deltas at an even pace, the first of another size."""
    sizes = [first or size, *[size] * (count - 1)]
    return log(*((n * every, each) for n, each in enumerate(sizes)))


def cost(arrivals: Arrivals, first: float, level: float) -> float:
    return float(replay(arrivals)[RULES.index(StartRule(first, level))])


def test_the_cost_of_a_rule_is_its_wait_its_gaps_and_its_slow_play() -> None:
    arrivals = log((0, 100), (300, 100))
    lasts = 100 / 0.7
    gap = 200 + 2 * (300 - lasts) + 0.5 * (lasts - 100)
    assert cost(arrivals, 0, 0) == pytest.approx(gap)
    assert cost(arrivals, 250, 250) == 300, "it was complete then"
    assert cost(log((0, 1000), (300, 100)), 0, 0) == 0


def test_a_first_delta_may_count_by_itself() -> None:
    arrivals = log((0, 160), (50, 100), (90, 300), (95, 900))
    assert cost(arrivals, 150, 600) < cost(arrivals, 210, 210)


def test_waiting_goes_up_with_uneven_sound_and_down_with_even() -> None:
    learner = StartLearner(100)
    before = learner.rule.level_ms
    stall = log(*((n * 100 + 350.0 * (n > 1), 100.0) for n in range(40)))
    for _ in range(12):
        learner.learn(stall)
    waiting = learner.rule.level_ms
    for _ in range(60):
        learner.learn(steady(400, 50, 20, first=50))
    assert before == 100 < 200 <= waiting
    assert learner.rule.first_ms < 100


@pytest.mark.parametrize("prior_ms", [40, 100, 150, 210, 400, 1000])
def test_before_anything_is_learned_the_prior_holds(prior_ms: float) -> None:
    rule = StartLearner(prior_ms).rule
    assert rule.first_ms == rule.level_ms == pytest.approx(prior_ms, rel=0.12)


def test_what_was_learned_can_be_kept() -> None:
    learner = StartLearner(100)
    for _ in range(10):
        learner.learn(steady(100, 130))
    again = StartLearner(100, learner.export())
    assert again.rule == learner.rule != StartLearner(100).rule


@pytest.mark.parametrize(
    "state",
    [{}, {"start_costs": None}, {"start_costs": [1.0]}, {"start_costs": ["a"] * len(RULES)}]
    + [{"start_costs": [bad] * len(RULES)} for bad in (float("nan"), -1.0, float("inf"))],
)
def test_what_cannot_have_been_learned_is_ignored(state: dict[str, object]) -> None:
    assert StartLearner(100, state).rule == StartLearner(100).rule


def test_more_is_waited_for_after_each_gap_but_not_without_end() -> None:
    waits = [resume_ms(100, gaps) for gaps in range(9)]
    assert waits[0] == 100 and waits[1] == 160 and waits[-1] == 2000
    assert (resume_ms(0, 0), resume_ms(1400, 0)) == (80, 250)


def test_the_less_is_buffered_the_slower_it_is_played() -> None:
    assert [speed(ms) for ms in (0, 199, 200, 399, 400)] == [0.7, 0.7, 0.85, 0.85, 1.0]
