"""Whether somebody is there at the other end, by facts and a clock that is only a number."""

from dataclasses import dataclass, field

import pytest

from voicechat.connection.state.keepalive import (
    ANSWER_IDLE_S,
    ASK_IDLE_S,
    ASK_S,
    IN_USE_S,
    LOOK_S,
    NO_PONG_S,
    STEP,
    Heartbeat,
    Pulse,
)

PONG_S = 6.0


@dataclass
class Line:
    """A line, its far side, and somebody who looks at it twice a second."""

    pong_s: float = PONG_S
    now: float = 100.0
    asleep_s: float = 0.0
    heard_at: float = 100.0
    answers: bool = True
    waiting: int = 0
    bytes_sent: int = 0
    answered: int = 0
    asked: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """The first ping has been answered, if pings are."""
        self.heart = Heartbeat(self.pong_s, self.now, self.unix)
        assert self.look() == "ask"
        self.now += LOOK_S
        if self.answers:
            self.heard_at, self.answered = self.now, 1
        assert self.look() is None
        self.asked.clear()

    @property
    def unix(self) -> float:
        return 1e9 + self.now + self.asleep_s

    @property
    def pulse(self) -> Pulse:
        return Pulse(self.heard_at, self.answered, self.waiting, self.bytes_sent)

    def look(self) -> str | None:
        verdict = self.heart.look(self.pulse, self.now, self.unix)
        if verdict == "ask":
            self.asked.append(self.now)
        return verdict

    def dies_within(self, seconds: float, *, pong_after: float | None = None) -> float | None:
        """After how long it counts as dead; None: it does not.  Pings are answered so late."""
        start = self.now
        while self.now - start < seconds:
            self.now += LOOK_S
            due = [at + pong_after for at in self.asked] if pong_after is not None else []
            self.heard_at = max([self.heard_at, *(at for at in due if at <= self.now)])
            if self.look() == "dead":
                return self.now - start
        return None


@pytest.mark.fault("N22")
def test_a_dead_line_is_noticed_within_ten_seconds_while_it_is_in_use() -> None:
    line = Line()
    line.heart.used(line.now)
    assert (line.dies_within(60) or 99) <= 10


@pytest.mark.fault("N22")
def test_a_question_that_waits_for_its_answer_is_use() -> None:
    line = Line()
    line.heart.used(line.now)
    assert line.dies_within(IN_USE_S - 12, pong_after=0.1) is None
    assert (line.dies_within(60) or 99) <= 10


@pytest.mark.fault("N23")
def test_a_dead_line_is_noticed_within_thirty_seconds_while_nobody_uses_it() -> None:
    line = Line()
    assert line.dies_within(IN_USE_S + 5, pong_after=0.1) is None
    dead_s = line.dies_within(60)
    assert dead_s is not None and ASK_IDLE_S < dead_s <= 30


@pytest.mark.fault("N22")
def test_a_line_that_died_while_idle_is_noticed_soon_when_somebody_speaks() -> None:
    line = Line()
    assert line.dies_within(IN_USE_S + 5, pong_after=0.1) is None
    assert line.dies_within(ASK_IDLE_S - 2) is None
    line.heart.used(line.now)
    assert (line.dies_within(60) or 99) <= 10


def test_whoever_speaks_is_not_asked() -> None:
    line = Line()
    for _ in range(100):
        line.now += LOOK_S
        line.heard_at = line.now - 1
        assert line.look() is None


def test_one_ping_at_a_time() -> None:
    line = Line()
    line.heart.used(line.now)
    line.dies_within(60)
    assert len(line.asked) == 1


@pytest.mark.fault("N24")
def test_late_pongs_are_health_where_they_are_usual() -> None:
    line = Line(pong_s=30.0)
    for _ in range(10):
        line.heart.used(line.now)
        assert line.dies_within(20, pong_after=29.0) is None
    assert (line.dies_within(90) or 99) <= 35 + ANSWER_IDLE_S


@pytest.mark.fault("N22")
def test_where_late_pongs_are_usual_a_loss_is_noticed_all_the_same() -> None:
    line = Line(pong_s=30.0)
    line.heart.used(line.now)
    assert (line.dies_within(60) or 99) <= 35


@pytest.mark.fault("N23")
def test_a_server_that_answers_no_ping_is_given_long() -> None:
    line = Line(answers=False)
    line.heart.used(line.now)
    dead_s = line.dies_within(200)
    assert dead_s is not None and NO_PONG_S - 1 <= dead_s < NO_PONG_S + 2


@pytest.mark.fault("N23")
def test_a_server_that_only_speaks_each_half_minute_is_alive() -> None:
    line = Line(answers=False)
    for _ in range(20):
        line.heard_at = line.now
        assert line.dies_within(30) is None


@pytest.mark.fault("N33", "X05")
def test_after_our_own_absence_the_line_is_asked_first() -> None:
    line = Line()
    line.now += 600
    assert line.look() == "ask"
    assert line.dies_within(PONG_S - 1) is None
    line.heard_at = line.now
    assert line.dies_within(2) is None


@pytest.mark.fault("N33")
def test_a_line_that_did_not_survive_the_sleep_is_noticed_soon() -> None:
    """A computer's monotonic clock stands still while it sleeps; the calendar does not."""
    line = Line()
    line.heart.used(line.now)
    line.now, line.asleep_s = line.now + LOOK_S, 3600.0
    assert line.look() == "ask"
    assert (line.dies_within(60) or 99) <= PONG_S + 2 * LOOK_S


def test_a_process_that_gets_little_time_ends_no_line() -> None:
    line = Line()
    for _ in range(50):
        line.heart.used(line.now)
        line.now += 2.5  # Between any two looks.
        assert line.look() == "ask"


@pytest.mark.fault("N25")
def test_a_ping_behind_much_sound_is_not_late_before_it_has_left() -> None:
    line = Line(waiting=80_000)
    line.heart.used(line.now)
    for _ in range(18):  # Eight kilobytes a second leave, as many come.
        line.heart.used(line.now)
        line.now += LOOK_S
        line.waiting = 80_000
        line.bytes_sent += 4_000
        assert line.look() != "dead"
    assert line.now - line.asked[0] >= PONG_S


@pytest.mark.fault("N22")
def test_a_full_line_on_which_nothing_moves_is_dead() -> None:
    line = Line(waiting=80_000)
    line.heart.used(line.now)
    assert (line.dies_within(60) or 99) <= 10


def test_what_is_heard_is_told_by_how_long_ago() -> None:
    line = Line()
    pulse = Pulse(95.0, 1, 0, 0)
    assert line.heart.silent_s(pulse, 103.0) == pytest.approx(3.0)
    assert ASK_S < ASK_IDLE_S


@pytest.mark.fault("N25")
def test_a_line_that_is_slow_where_nobody_sees_it_is_not_dead() -> None:
    """A proxy takes all that is said, and passes on an eighth of it."""
    line, arrived = Line(), 0.0
    pings: list[tuple[int, int]] = []
    for n in range(30 * 50):
        line.heart.used(line.now)
        line.now += 0.02
        line.bytes_sent += 1280
        if line.heart.sent(1280, line.bytes_sent, line.now):
            pings.append((len(pings) + 2, line.bytes_sent))
        arrived += 1280 / 8
        there = [number for number, sent in pings if sent <= arrived]
        if there and there[-1] > line.answered:
            line.heard_at, line.answered = line.now, there[-1]
        verdict = line.look() if n % 25 == 0 else None
        assert verdict != "dead", n
        if verdict == "ask":
            pings.append((len(pings) + 2, line.bytes_sent))
    missing = line.bytes_sent - arrived
    assert missing <= line.heart.unacknowledged(line.pulse) <= missing + 2 * STEP


@pytest.mark.fault("N22")
def test_a_picture_may_creep() -> None:
    """Behind it everything is late."""
    line = Line()
    line.heart.used(line.now)
    line.bytes_sent += 400_000
    assert line.heart.sent(400_000, line.bytes_sent, line.now)
    dead_s = line.dies_within(60)
    assert dead_s is not None and 24 + PONG_S <= dead_s < 24 + ANSWER_IDLE_S + 3


def test_late_pongs_tell_nothing_of_the_line_where_they_are_usual() -> None:
    line = Line(pong_s=30.0)
    line.bytes_sent = 1_000_000
    assert not line.heart.sent(1280, line.bytes_sent, line.now)
    assert line.heart.unacknowledged(line.pulse) == 0


def test_a_day_of_speech_leaves_nothing_behind() -> None:
    line = Line()
    for _ in range(2000):
        line.now += LOOK_S
        line.bytes_sent += 32_000
        line.answered += line.heart.sent(1280, line.bytes_sent, line.now)
        line.heard_at = line.now
        line.look()
    assert len(line.heart._sent_before) < 5
