"""How well replies are played that arrive unevenly: `python -m tests.bench playout`.

The product's playout, whole, plays replies that come over simulated links (`_playout_links`); so
do simple clients.  J is what it cost the listener, in milliseconds of waiting that would be as
bad: the wait for the first sound (of paced sound: how late it is), plus 2 for each millisecond of
a gap inside words and 200 for each gap, plus 0.5 for each millisecond by which slow play and held
pauses made it longer.  Of paced sound gaps count per 10 s of words, slow or fast play only inside
them, and pauses may be as long as one likes.

* none: plays what comes when it comes.
* 3 x 40: waits for 120 ms once, never again after a gap.
* fixed 120: waits for 120 ms, and again after each gap.
* best: the best fixed prebuffer of each link in hindsight, growing after each gap.
* product: as it is, from nothing; warm: with what was learned in an earlier session; untold: of a
  paced source it was not told that it is paced.

Goals, over all links: J against the best fixed prebuffer at most 0.98 (fast), 0.82 (marginal), 0.80
(paced); at most half the gap time of the fixed 120 ms.  A few long stalls decide much of it, so
more sessions tell more: `python -m tests.bench.playout 12`.
"""

import sys
import time
from collections.abc import Mapping
from multiprocessing import Pool
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.bench._playout_links import ALL, FRAME_MS, LINKS, UNSEEN, Reply, paced, session
from tests.bench._playout_rivals import Score, play_fixed, play_fixed_paced, silence
from voicechat.audio.card.ring import Ring
from voicechat.audio.playback.playout import Playout

RATE = 24_000
FRAME = RATE * FRAME_MS // 1000
SESSIONS, REPLIES = 6, 14
SEED = 7_000
"""Not the one that anything was tuned with."""
GOALS = {"fast": 0.98, "marginal": 0.82, "paced": 0.80}
LEVELS = [0, 20, 40, 60, 80, 100, 120, 150, 180, 210, 250, 300, 350, 400, 500, 600, 750, 900]
LONG_LEVELS = [1100, 1400, 1800, 2300, 3000, 4000]
SHOWN = ("none", "3 x 40", "fixed 120", "best", "product", "warm", "untold")
COLUMNS = ("delay", "gaps/min", "gap ms/min", "added/min", "J", "J/best")


class Card:
    """A loudspeaker that takes 10 ms when it is told to."""

    def __init__(self) -> None:
        self.rate, self.latency_ms, self.block_frames, self.generation = RATE, 0.0, FRAME, 0
        self.ring = Ring(RATE)
        self._out = memoryview(bytearray(FRAME * 2))

    def play(self) -> float:
        """Milliseconds of silence in it."""
        return FRAME_MS - self.ring.read_into(self._out) * 1000 / RATE


def _voice(seconds: int = 130) -> npt.NDArray[np.float64]:
    """Something with the periods of a voice, whose pitch wanders between 90 and 180 Hz."""
    at = np.arange(seconds * RATE) / RATE
    pitch = 130 + 40 * np.sin(2 * np.pi * at / 1.7) + 5 * np.sin(2 * np.pi * at * 4.3)
    turns = np.cumsum(pitch) / RATE * 2 * np.pi
    return np.asarray(sum(np.sin(turns * n) / n for n in range(1, 9)) * 5000, np.float64)


VOICE = _voice()


def sound(reply: Reply) -> bytes:
    """A reply as PCM16: a voice, with a hum instead in its pauses."""
    frames = round(reply.length_ms * RATE / 1000)
    is_voice = np.repeat(reply.voice, FRAME)[:frames]
    hum = np.random.default_rng(1).normal(0, 12, frames)
    pcm: bytes = (VOICE[:frames] * is_voice + hum).astype("<i2").tobytes()
    return pcm


class Listener:
    """Hears one session with the product's playout."""

    def __init__(self, *, state: Mapping[str, Any] | None = None, **options: Any) -> None:
        self.card = Card()
        self.playout = Playout(self.card, state=state, **options)

    def hear(self, name: str, reply: Reply, *, ends: bool = True) -> Score:
        score, pcm, sent, came = Score(length_ms=reply.length_ms), sound(reply), 0, 0
        now = reply.times_ms[0] // FRAME_MS * FRAME_MS - FRAME_MS
        first: float | None = None
        gap = gap_ms = late = words = bent = 0.0
        before = FRAME_MS  # Its first block is heard before this is asked.
        while True:
            now += FRAME_MS
            while came < len(reply.times_ms) and reply.times_ms[came] <= now:
                until = sent + round(reply.sizes_ms[came] * RATE / 1000) * 2
                self.playout.insert(name, name, pcm[sent:until])
                sent, came = until, came + 1
                if came == len(reply.times_ms):
                    self.playout.finish(name)
            self.playout.pump()
            if self.playout.is_idle and came:
                break
            silent = self.card.play()
            if first is None:
                first = now if silent < FRAME_MS else None
                continue
            at = self.playout.heard_ms(name)
            if silent:
                gap += silent
            if gap and not silent:
                silence(score, reply, at - FRAME_MS, gap)
                gap_ms, gap = gap_ms + gap, 0.0
            if reply.is_word(before) and reply.is_word(at):
                off = abs(at - before - (FRAME_MS - silent))
                bent += off if off > 1 else 0  # Less is rounding.
            before = at
            if reply.is_word(at) and not silent:
                late, words = late + now - reply.times_ms[0] - at + FRAME_MS, words + 1
        assert first is not None
        score.added_ms += max(now - gap - first - reply.length_ms - gap_ms, 0) if ends else 0
        score.added_ms = score.added_ms if ends else bent
        score.delays = [first - reply.times_ms[0]] if ends else [late / words]
        score.weight = 1 if ends else words * FRAME_MS / 10_000
        return score


def seeds(source: str, link: str, number: int) -> list[int]:
    return [SEED + number, list(GOALS).index(source), list(ALL).index(link)]


def play_turns(source: str, link: str, number: int) -> dict[str, Score]:
    """One session of a turn-based source, by every policy."""
    replies = session(source, ALL[link], seeds(source, link, number), 2 * REPLIES)
    scores: dict[str, Score] = {}

    def note(policy: str, score: Score) -> None:
        scores.setdefault(policy, Score()).add(score)

    learned = Listener()
    for n, reply in enumerate(replies[:REPLIES]):
        note("product", learned.hear(f"r{n}", reply))
        note("none", play_fixed(reply, 0, 0))
        note("3 x 40", play_fixed(reply, 120, 0))
        note("fixed 120", play_fixed(reply, 120, 120))
        for level in LEVELS + LONG_LEVELS:
            resume = min(max(level, 80), 400)
            note(f"best {level}", play_fixed(reply, level, resume, 1.6))
    earlier = Listener()
    for n, reply in enumerate(replies[REPLIES:]):
        earlier.hear(f"e{n}", reply)
    warm = Listener(state=earlier.playout.export_state())
    for n, reply in enumerate(replies[:REPLIES]):
        note("warm", warm.hear(f"w{n}", reply))
    return scores


def play_paced(source: str, link: str, number: int) -> dict[str, Score]:
    """Two minutes of a paced source, by every policy."""
    reply = paced(ALL[link], seeds(source, link, number))
    scores = {f"best {level}": play_fixed_paced(reply, level) for level in LEVELS}
    scores["none"], scores["3 x 40"] = scores["best 0"], scores["best 120"]
    scores["fixed 120"] = scores["best 120"]
    scores["product"] = Listener(is_paced=True).hear("p", reply, ends=False)
    scores["untold"] = Listener().hear("p", reply, ends=False)
    return scores


def play(job: tuple[str, str, int]) -> dict[str, Score]:
    return play_paced(*job) if job[0] == "paced" else play_turns(*job)


def gather(sources: list[str], links: list[str], count: int) -> dict[tuple[str, str], Any]:
    """By source and link: by policy the score of all sessions."""
    jobs = [(source, link, n) for source in sources for link in links for n in range(count)]
    cells: dict[tuple[str, str], dict[str, Score]] = {}
    with Pool(2) as pool:
        for job, scores in zip(jobs, pool.imap(play, jobs), strict=True):
            cell = cells.setdefault(job[:2], {})
            for policy, score in scores.items():
                cell.setdefault(policy, Score()).add(score)
    for cell in cells.values():
        best = min((name for name in cell if name.startswith("best ")), key=lambda n: cell[n].cost)
        cell["best"] = cell[best]
    return cells


def show(title: str, cells: list[dict[str, Score]]) -> dict[str, list[float]]:
    """Means over links; the columns of each policy."""
    rows: dict[str, list[float]] = {}
    for policy in SHOWN:
        each = [cell[policy] for cell in cells if policy in cell]
        if each:
            rows[policy] = [float(mean) for mean in np.mean([_columns(s) for s in each], axis=0)]
    for policy, row in rows.items():
        told = "".join(f"{value:>11.1f}" for value in row)
        print(f"{title:27}{policy:10}{told}{row[-1] / rows['best'][-1]:>11.2f}")
    return rows


def _columns(score: Score) -> tuple[float, ...]:
    each_minute = (score.gaps, score.gap_ms, score.added_ms)
    return (score.delay, *(score.per_minute(value) for value in each_minute), score.cost)


def main(sources: list[str] | None = None, count: int = 0) -> None:
    given = [int(word) for word in sys.argv[1:] if word.isdigit()]
    count = count or (given[0] if given else SESSIONS)
    began = time.monotonic()
    cells = gather(sources or list(GOALS), list(ALL), count)
    print(f"{count} sessions of each; means over the links; per minute of sound where it says so\n")
    print(" " * 37 + "".join(f"{column:>11}" for column in COLUMNS))
    for source in sources or list(GOALS):
        for title, links in (
            ("all links", ALL),
            ("links tuned on", LINKS),
            ("links unseen", UNSEEN),
        ):
            rows = show(f"{source}, {title}", [cells[source, link] for link in links])
            print(
                f"{'':26}goal J/best {GOALS[source]:.2f}; gap time against fixed 120: "
                f"{rows['product'][2] / max(rows['fixed 120'][2], 1e-9):.2f}\n"
            )
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
