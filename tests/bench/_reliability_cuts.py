"""Calls whose lines are cut at random bytes: is anything lost or doubled, and how soon is it back?

Real sockets, the stand-in service and the fault proxy; a `Session` without a sound card.  Each call
meets two cuts at random offsets of random directions: more in a row would make the session leave
it to the user, as it should.

    python -m tests.bench._reliability_cuts 1000
"""

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.fakes.fault_proxy import FaultProxy, Mark
from tests.fakes.ga_script import SCRIPTS, Reply
from tests.fakes.ga_server import GaServer
from tests.fakes.ga_signal import timecode
from tests.fakes.observer import Heard, observe
from voicechat.audio.engine import Engine
from voicechat.connection.target import Target
from voicechat.conversation.conversation import NOT_WRITTEN_DOWN, Conversation, Row, State
from voicechat.conversation.journal import Journal, load
from voicechat.errors import VoiceChatError
from voicechat.events import Event, SessionReady
from voicechat.net import websocket
from voicechat.providers.base import Settings
from voicechat.providers.openai.dialect import OpenAIDialect
from voicechat.session.session import Session

MODEL = "gpt-realtime-2.1"
CUTS_A_CALL = 2
QUESTIONS = 4
AT_ONCE = 4
DELAY_MS = 50.0
"""One way."""
PATIENCE_S = 60.0
UP_BYTES, DOWN_BYTES = 20_000, 20_000
"""About what a whole call carries; cuts fall anywhere in it."""
OPENING = 0.15
"""Of these bytes belong to the opening, where every third cut falls."""
SPOKEN = SCRIPTS["normal"].user_text
SCRIPT = replace(
    SCRIPTS["normal"],
    pace=0.0,
    first_delay_ms=20,
    replies=(Reply("One answer, in a few words.", audio_ms=200),),
)


@dataclass
class Tally:
    """What came of many calls."""

    calls: int = 0
    cuts: int = 0
    items: int = 0
    """Sayings of the user and finished replies."""
    unwritten: int = 0
    """Spoken turns that were answered and whose line was cut before the service had sent all
    their words: they stand in the conversation without them."""
    recoveries_s: list[float] = field(default_factory=list)
    """From a cut, after which the line is there again at once, to the next ready session."""
    faults: list[str] = field(default_factory=list)
    """What was lost or doubled, in words that begin with one of these."""

    @property
    def lost(self) -> int:
        return sum(fault.startswith("lost") for fault in self.faults)

    @property
    def doubled(self) -> int:
        return sum(fault.startswith("doubled") for fault in self.faults)

    def quantile_s(self, part: float) -> float:
        """Of the recoveries; 0.5 is the median."""
        ordered = sorted(self.recoveries_s)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0

    def table(self) -> str:
        lines = [
            f"calls {self.calls}, cuts {self.cuts}, items {self.items}",
            f"lost {self.lost}, doubled {self.doubled}; spoken and unwritten {self.unwritten}",
            f"line back -> ready: p50 {self.quantile_s(0.5):.2f} s, "
            f"p95 {self.quantile_s(0.95):.2f} s, greatest {self.quantile_s(1):.2f} s",
        ]
        if self.recoveries_s:
            lines.append(f"mean {statistics.fmean(self.recoveries_s):.2f} s")
        kinds = Counter(fault.split(":")[0] for fault in self.faults)
        return "\n".join([*lines, *(f"{count} x {kind}" for kind, count in kinds.items())])


class CutCall:
    """One call through the proxy; `run` it, then look at `faults`."""

    def __init__(
        self, number: int, seed: int, server: GaServer, proxy: FaultProxy, home: Path
    ) -> None:
        self.faults: list[str] = []
        self.recoveries_s: list[float] = []
        self._number, self._dice = number, random.Random(seed)
        self._server, self._proxy, self._home = server, proxy, home
        self._ready_at: list[float] = []
        self._asked: list[str] = []
        self._interrupted: set[int] = set()
        """Numbers of questions over whose answers the next was asked."""
        self._journal = Journal.open(home, MODEL, "openai", lambda _: None)
        self._session = Session(
            self._dial, Conversation(), Engine(None), self._journal, self._hear, hands_free=False
        )

    def _dial(self) -> Target:
        self._arm()
        settings = Settings(MODEL, "sk-any", text_only=True, url=self._proxy.url())
        dialect = OpenAIDialect(settings)
        return Target(
            dialect, lambda: websocket.connect(dialect.url(), dialect.headers(), proxy=None), MODEL
        )

    def _arm(self) -> None:
        """The next connection is cut somewhere."""
        if self.cuts < CUTS_A_CALL:
            is_up = self._dice.random() < 0.4
            part = OPENING if self._dice.random() < 1 / 3 else 1.0
            at = self._dice.randrange(round(part * (UP_BYTES if is_up else DOWN_BYTES)))
            how = self._dice.choice(["fin", "rst"])
            mark = Mark(at, "cut", "fin" if how == "fin" else "rst")
            self._proxy.mark("up" if is_up else "down", mark)

    def _hear(self, event: Event | VoiceChatError) -> None:
        if isinstance(event, SessionReady):
            now = time.monotonic()
            self._ready_at.append(now)
            ends = [one.ended_at for one in self._proxy.journeys if one.ended in ("fin", "rst")]
            if ends and (len(self._ready_at) < 2 or max(ends) > self._ready_at[-2]):
                self.recoveries_s.append(now - max(ends))

    @property
    def cuts(self) -> int:
        return sum(one.ended in ("fin", "rst") for one in self._proxy.journeys)

    @property
    def items(self) -> int:
        rows = self._session.conversation.rows
        return sum(row.role == "user" or row.state is State.DONE for row in rows)

    @property
    def unwritten(self) -> int:
        return sum(map(_is_unwritten, self._session.conversation.rows))

    async def run(self) -> None:
        running = asyncio.create_task(self._session.run(stay=True))
        try:
            for number in range(QUESTIONS):
                await self._ask(number)
            await self._until(self._is_settled, "the last answer")
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError, VoiceChatError):
                await running
            self._journal.close(5.0)
        self._check()

    async def _ask(self, number: int) -> None:
        if self._dice.random() < 1 / 3:
            self._asked.append(SPOKEN)
            await self._speak()
        else:
            self._asked.append(f"question {self._number}-{number}")
            self._session.say(self._asked[-1])
        # Words over an answer are typed: what a voice cuts short is no question of its own.
        if self._asked[-1] != SPOKEN and self._dice.random() < 0.2:
            self._interrupted.add(number)
            await asyncio.sleep(self._dice.random() * 0.3)
        else:
            await self._until(self._is_settled, f"an answer to {self._asked[-1]}")

    async def _speak(self) -> None:
        """With the key, as fast as speech."""
        self._session.begin_turn()
        for number in range(15):
            self._session.speak(timecode(number, 20))
            await asyncio.sleep(0.02)
        self._session.end_turn()

    def _is_settled(self) -> bool:
        rows = [row for row in self._session.conversation.rows if row.role != "note"]
        is_ready = self._session.snapshot().phase == "ready"
        is_whole = all(row.is_finished for row in rows)
        return is_ready and bool(rows) and rows[-1].role == "assistant" and is_whole

    async def _until(self, holds: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while not holds():
            if time.monotonic() > end:
                self.faults.append(f"lost, nothing came: {what}; {self._session.problem}")
                self._interrupted.add(len(self._asked) - 1)
                return
            await asyncio.sleep(0.02)

    # -- what is wrong --------------------------------------------------------------------------

    def _check(self) -> None:
        rows = [row for row in self._session.conversation.rows if row.role != "note"]
        heard = observe(self._server)
        self.faults += _compare_questions(rows, self._asked)
        self.faults += _compare_answers(rows, self._interrupted)
        self.faults += _compare_words(rows, heard)
        self.faults += _compare_knowledge(heard, self._asked)
        self.faults += self._compare_file(rows)

    def _compare_file(self, rows: list[Row]) -> list[str]:
        assert self._journal.path is not None
        kept = [(item.role, item.text) for item in load(self._journal.path).items]
        shown = [(row.role, row.text) for row in rows if row.text or row.role == "user"]
        return [] if kept == shown else [f"lost in the journal: {kept} is not {shown}"]


def _is_unwritten(row: Row) -> bool:
    is_cut_short = row.state is State.FAILED or not row.text
    return row.role == "user" and row.spoken and is_cut_short and SPOKEN.startswith(row.text)


def _compare_questions(rows: list[Row], asked: list[str]) -> list[str]:
    texts = [SPOKEN if _is_unwritten(row) else row.text for row in rows if row.role == "user"]
    missing, surplus = Counter(asked) - Counter(texts), Counter(texts) - Counter(asked)
    faults = [f"lost a question: {text}" for text in missing]
    faults += [f"doubled a question: {text!r}" for text in surplus]
    if not faults and texts != asked:
        faults.append(f"lost the order: {texts}")
    return faults


def _compare_answers(rows: list[Row], interrupted: set[int]) -> list[str]:
    """Each question has one answer with words, unless the next one came over it.

    One that broke off before much of it was heard is asked for again, and stands before the whole.
    """
    answers: list[list[Row]] = []
    for row in rows:
        if row.role == "user":
            answers.append([])
        elif row.text and answers:
            answers[-1].append(row)
    faults: list[str] = []
    for number, found in enumerate(answers):
        if not found and number not in interrupted:
            faults.append(f"lost an answer: to question {number}")
        if sum(row.state is not State.FAILED for row in found) > 1:
            states = [(row.id, row.state.value, row.text) for row in found]
            faults.append(f"doubled an answer: to question {number}: {states}")
    return faults


def _compare_words(rows: list[Row], heard: Heard) -> list[str]:
    """What is called done has the service's own words; what broke off has the first of them."""
    faults: list[str] = []
    for row in rows:
        if row.role != "assistant":
            continue
        said = heard.replies.get(row.id)
        if said is None or not said.startswith(row.text):
            faults.append(f"lost words: {row.text!r} for {said!r}")
        elif row.state is State.DONE and said != row.text:
            faults.append(f"lost words: {row.text!r} is called done, {said!r} was said")
    return faults


def _compare_knowledge(heard: Heard, asked: list[str]) -> list[str]:
    """Every session knows each typed question once, in order, up to the last it was asked.

    A spoken one it may not know: its words may never have come.
    """
    faults: list[str] = []
    typed = [text for text in asked if text != SPOKEN]
    for known in heard.known:
        # The service never writes down for itself what it heard.
        texts = [_whole(text) for role, text in known if role == "user"]
        words = [text for text in texts if text != SPOKEN]
        if Counter(texts) - Counter(asked):
            faults.append(f"doubled in the model's memory: {texts}")
        elif words != typed[: len(words)]:
            faults.append(f"lost in the model's memory: {texts}")
    return faults


def _whole(text: str) -> str:
    return SPOKEN if SPOKEN.startswith(text) or text == NOT_WRITTEN_DOWN else text


async def measure(cuts: int, *, seed: int = 1, at_once: int = AT_ONCE) -> Tally:
    """Cut lines so often (or a few times more)."""
    tally, numbers = Tally(), iter(range(10**9))

    async def work() -> None:
        while tally.cuts < cuts:
            number = next(numbers)
            with tempfile.TemporaryDirectory() as home:
                await _call(tally, number, seed + number, Path(home))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(at_once):
            tasks.create_task(work())
    return tally


async def _call(tally: Tally, number: int, seed: int, home: Path) -> None:
    async with GaServer(SCRIPT) as server:
        with FaultProxy(server.port, seed=seed) as proxy:
            proxy.delay(DELAY_MS)
            call = CutCall(number, seed, server, proxy, home)
            await call.run()
            tally.calls += 1
            tally.cuts += call.cuts
            tally.items += call.items
            tally.unwritten += call.unwritten
            tally.recoveries_s += call.recoveries_s
            tally.faults += [f"{fault} (call {number})" for fault in call.faults]


def run(cuts: int = 1000, *, seed: int = 1) -> Tally:
    """The measurement, for whoever makes a table of it."""
    return asyncio.run(measure(cuts, seed=seed))


def main(argv: list[str]) -> int:
    """`CUTS [SEED]`; prints the numbers, and every fault."""
    numbers = [int(word) for word in argv] or [1000]
    tally = run(numbers[0], seed=numbers[1] if len(numbers) > 1 else 1)
    print(tally.table())
    for fault in tally.faults:
        print(" -", fault)
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
