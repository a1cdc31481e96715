"""A day of talk in virtual time: somebody types and speaks for hours, in every weather, and in the
end everything that was said is there, once and in order.

`live(hours, seed)` is the day of the tests and of `python -m tests.bench reliability --full`.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.session.services import SERVICES, Observer, Service
from tests.session.weather import ROTATES_S, ROTATION, Weather
from tests.session.wires import MARK
from voicechat.audio.engine import Engine
from voicechat.conversation.conversation import Conversation, State
from voicechat.conversation.journal import Journal, load
from voicechat.errors import VoiceChatError
from voicechat.events import Event, Notice
from voicechat.session.session import Session

SPEECH = b"\x00\x10" * 2400
"""100 ms."""
PATIENCE_S = 90.0
"""How long the user looks at a line that is not tried again by itself."""
MOST_A_MINUTE = 12


@dataclass(slots=True)
class Report:
    """What the day came to; `faults` is empty when every promise was kept."""

    hours: float
    typed: int = 0
    spoken: int = 0
    answers: int = 0
    """That the services said to their end, and that arrived."""
    lines: int = 0
    lost: int = 0
    back: int = 0
    renewed: int = 0
    oldest_s: dict[str, float] = field(default_factory=dict)
    most_a_minute: int = 0
    asked_for: int = 0
    """How often the user had to press the key that tries again."""
    tasks: list[int] = field(default_factory=list)
    """How many there were in each hour's pause."""
    faults: list[str] = field(default_factory=list)


class Day:
    """One session, its user, and the services it talks to."""

    def __init__(self, folder: Path, hours: float, seed: int) -> None:
        self.chance = random.Random(seed)
        self.loop = asyncio.get_running_loop()
        self.ends_at = self.loop.time() + hours * 3600
        clears_s = hours * 3600 - ROTATES_S
        self.weather = Weather(random.Random(seed + 1), self.loop.time(), clears_s)
        self.observer = Observer(self.weather)
        self.services = [make(self.observer) for make in SERVICES]
        self.service: Service = self.services[0]
        self.report = Report(hours)
        self.typed: list[str] = []
        self.told: list[str] = []
        self.asked: list[float] = []
        """When the user asked for another line."""
        self._alone_since: float | None = None
        self.journal = Journal.open(
            folder, "m", "p", self._told_of_disk, clock=lambda: self.loop.time()
        )
        self.session = Session(
            self.service.line, Conversation(), Engine(None), self.journal, self._hear
        )

    # -- what is told ---------------------------------------------------------------------------

    def _hear(self, event: Event | VoiceChatError) -> None:
        if isinstance(event, VoiceChatError):
            self.told.append("lost")
        elif isinstance(event, Notice) and event.code in ("back", "renewed"):
            self.told.append(event.code)

    def _told_of_disk(self, notice: Notice) -> None:
        self.report.faults.append(f"the journal: {notice.message}")

    # -- the user -------------------------------------------------------------------------------

    async def live(self) -> Report:
        running = asyncio.create_task(self.session.run(stay=True))
        blowing = asyncio.create_task(self.weather.blow(lambda: self.service.wire))
        await self._talk()
        await self._settle()
        blowing.cancel()
        running.cancel()
        await asyncio.wait([running, blowing])
        for service in self.services:
            for task in service.serving:
                task.cancel()
        self._judge(running)
        return self.report

    async def _talk(self) -> None:
        change_s = max((self.ends_at - self.loop.time()) / len(self.services), 1.0)
        change_at, hour_at = self.loop.time() + change_s, self.loop.time() + 3600
        while self.loop.time() < self.ends_at - ROTATES_S / 2:
            await asyncio.sleep(min(self.chance.expovariate(1 / 40), 300.0))
            await self._act()
            self._mind_the_line()
            if self.loop.time() > change_at:
                change_at += change_s
                self._change_model()
            if self.loop.time() > hour_at:
                hour_at += 3600
                await self._look_around()

    async def _act(self) -> None:
        self.observer.cut_in.append(self.loop.time())
        match self.chance.random():
            case x if x < 0.62:
                self._type()
            case x if x < 0.85:
                await self._speak()
            case x if x < 0.92:
                self.session.interrupt()
            case x if x < 0.96:
                self._type()
                await asyncio.sleep(self.chance.uniform(0.0, 0.5))
                self.observer.cut_in.append(self.loop.time())
                self._type()
            case _:
                self.session.begin_turn()
                await asyncio.sleep(0.05)
                self.session.drop_turn()

    def _type(self) -> None:
        text = f"typed-{len(self.typed):06d} is what I say"
        self.typed.append(text)
        assert self.session.say(text)

    async def _speak(self) -> None:
        self.report.spoken += 1
        self.session.begin_turn()
        for _ in range(self.chance.randrange(2, 9)):
            self.session.speak(SPEECH)
            await asyncio.sleep(0.1)
        self.session.end_turn()

    def _mind_the_line(self) -> None:
        """Press the key when nothing is tried any more."""
        is_alone = self.session.problem is not None and self.session.retry_in_s is None
        if not is_alone:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = self.loop.time()
        elif self.loop.time() - self._alone_since > PATIENCE_S:
            self._alone_since = None
            self.report.asked_for += 1
            self.asked.append(self.loop.time())
            self.session.redial()

    def _change_model(self) -> None:
        self.service = self.services[(self.services.index(self.service) + 1) % len(self.services)]
        self.asked.append(self.loop.time())
        self.session.redial(self.service.line)

    async def _look_around(self) -> None:
        """The disk follows; nothing piles up."""
        if not self.journal.flush(30.0):
            self.report.faults.append("the journal is late")
        self.report.tasks.append(len(asyncio.all_tasks()))

    async def _settle(self) -> None:
        """In fair weather everything comes to its end."""
        while self.loop.time() < self.ends_at:
            await asyncio.sleep(10.0)
            self._mind_the_line()
        if self.session.snapshot().phase not in ("ready", "listening"):
            self.report.faults.append(f"in the end it is {self.session.snapshot().phase}")

    # -- the end of the day ---------------------------------------------------------------------

    def _judge(self, running: "asyncio.Task[None]") -> None:
        report, observer = self.report, self.observer
        if not running.cancelled():
            report.faults.append(f"the session ended: {running.exception()!r}")
        report.typed, report.lines = len(self.typed), len(observer.told)
        self._judge_words()
        self._judge_lines()
        self._judge_services()
        left = self.session.lines._outbox
        if not left.is_empty:
            report.faults.append(f"still in the outbox: {left.item_ids}")

    def _fault(self, what: str, found: object) -> None:
        if found:
            self.report.faults.append(f"{what}: {found}")

    def _judge_words(self) -> None:
        rows = [row for row in self.session.conversation.rows if row.role != "note"]
        typed = [row.text for row in rows if row.role == "user" and not row.spoken]
        self._fault("typed rows are not what was typed", typed != self.typed)
        answers = Counter(row.text for row in rows if row.role == "assistant" and row.text)
        whole = {row.text for row in rows if row.role == "assistant" and row.state is State.DONE}
        arrived = self.observer.arrived()
        self.report.answers = len(arrived)
        self._fault("doubled answers", [text[:40] for text, n in answers.items() if n > 1])
        self._fault("lost answers", [text[:40] for text in arrived if text not in answers])
        unknown = whole - self.observer.planned.keys()
        self._fault("answers nobody gave", [text[:40] for text in unknown])
        kept = [(row.role, row.text) for row in rows if row.text or row.role == "user"]
        self.journal.close(30.0)
        assert self.journal.path is not None
        saved = [(item.role, item.text) for item in load(self.journal.path).items]
        self._fault("the journal differs", _difference(saved, kept))
        told = Counter[str]()
        for one in self.observer.told:
            told.update(set(one))
            self._fault("told twice on one line", [m for m, n in one.items() if n > 1])
        marks = [mark[0] for mark in map(MARK.search, self.typed) if mark]
        self._fault("never told to a model", [mark for mark in marks if not told[mark]])

    def _judge_lines(self) -> None:
        report, dialled = self.report, self.observer.dialled
        asked = set(self.asked)  # Who presses the key has no back-off.
        alone = [time for time in dialled if time not in asked]
        for at, began in enumerate(alone):
            count = sum(1 for time in alone[at : at + 40] if time < began + 60.0)
            report.most_a_minute = max(report.most_a_minute, count)
        report.lost, report.back, report.renewed = map(self.told.count, ("lost", "back", "renewed"))
        states = [one for one in self.told if one != "renewed"]
        pairs = list(zip(states, states[1:], strict=False))
        self._fault("told twice that the line is back", pairs.count(("back", "back")))
        self._fault("not told that the line is back", states[-1:] == ["lost"])
        self._fault("attempts in a minute", report.most_a_minute > MOST_A_MINUTE)

    def _judge_services(self) -> None:
        for name, age in self.observer.ages:
            self.report.oldest_s[name] = max(self.report.oldest_s.get(name, 0.0), age)
        self._fault("sessions that grew too old", self.observer.expired)
        for service in self.services:
            log = service.log
            self._fault(service.model, list(log.entries)[:3])
        tasks = self.report.tasks
        self._fault("tasks pile up", tasks[3:] and max(tasks[3:]) > max(tasks[:3]) + 3)


def _difference(saved: Sequence[tuple[str, str]], kept: Sequence[tuple[str, str]]) -> str:
    for at, (a, b) in enumerate(zip(saved, kept, strict=False)):
        if a != b:
            return f"row {at}: {a} is not {b}"
    return "" if len(saved) == len(kept) else f"{len(saved)} rows are not {len(kept)}"


async def live(folder: Path, hours: float, seed: int) -> Report:
    """One day; the same for the same seed, chance of the session's own included."""
    random.seed(seed)
    return await Day(folder, hours, seed).live()


SHORTEST_H = len(ROTATION) * ROTATES_S * len(SERVICES) / 3600
"""After so many hours every service has seen every weather."""
