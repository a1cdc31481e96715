"""Who may run what, and how often one is asked."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from tests.tools.bench import until
from voicechat.events import Tool
from voicechat.tools.consent import LONGEST_QUESTION, Consent, Verdict, show_arguments
from voicechat.tools.offer import Answer, Offer

Given = Callable[[str, str], Awaitable[Verdict]]


async def nothing(arguments: dict[str, object]) -> Answer:
    return Answer("")


def offer(is_allowed: bool = False) -> Offer:
    return Offer(Tool("w", "", {}), nothing, "[tools.w]", is_allowed)


class User:
    """Answers when told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.open: list[asyncio.Future[Verdict]] = []

    async def ask(self, name: str, arguments: str) -> Verdict:
        self.asked.append((name, arguments))
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self.open.append(future)
        try:
            return await future
        finally:
            self.open.remove(future)

    async def says(self, verdict: Verdict) -> None:
        await until(lambda: bool(self.open))
        self.open[0].set_result(verdict)


@pytest.fixture
def user() -> User:
    return User()


@pytest.fixture
def consent(user: User) -> Consent:
    consent = Consent()
    consent.ask = user.ask
    return consent


async def test_what_the_config_allows_is_not_asked_for(consent: Consent, user: User) -> None:
    assert await consent.find_objection("w", offer(is_allowed=True), {}) == ""
    assert user.asked == []


async def test_once_is_once(consent: Consent, user: User) -> None:
    async with asyncio.TaskGroup() as tasks:
        for verdict in ("once", "no"):
            call = tasks.create_task(consent.find_objection("w", offer(), {"a": 1}))
            await user.says(verdict)
            objection = await call
            assert ("user said no" in objection) == (verdict == "no")
    assert user.asked == [("w", '{"a": 1}')] * 2


async def test_always_answers_those_who_wait_too_but_no_other_tool(
    consent: Consent, user: User
) -> None:
    async with asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(consent.find_objection("w", offer(), {})) for _ in range(3)]
        other = tasks.create_task(consent.find_objection("x", offer(), {}))
        await user.says("always")
        assert [await call for call in calls] == [""] * 3
        await user.says("no")
        assert await other
    assert [name for name, _ in user.asked] == ["w", "x"]


async def test_questions_come_one_at_a_time(consent: Consent, user: User) -> None:
    async with asyncio.TaskGroup() as tasks:
        calls = [
            tasks.create_task(consent.find_objection(name, offer(), {})) for name in ("a", "b", "c")
        ]
        for at in range(3):
            await until(lambda: bool(user.open))  # noqa: B023 - awaited at once
            assert len(user.open) == 1 and len(user.asked) == at + 1
            await user.says("once")
            await calls[at]
    assert [name for name, _ in user.asked] == ["a", "b", "c"]


async def test_no_answer_is_no(user: User) -> None:
    consent = Consent(ask_s=0.05)
    consent.ask = user.ask
    assert "did not answer" in await consent.find_objection("w", offer(), {})
    assert user.asked and user.open == []


async def test_a_call_withdrawn_takes_its_question_along(consent: Consent, user: User) -> None:
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(consent.find_objection("a", offer(), {}))
        second = tasks.create_task(consent.find_objection("b", offer(), {}))
        await until(lambda: bool(user.open))
        first.cancel()
        await until(lambda: len(user.asked) == 2)
        await user.says("once")
        assert await second == ""
    assert user.open == []


async def test_with_nobody_to_ask_it_says_how_to_allow_it() -> None:
    objection = await Consent().find_objection("w", offer(), {})
    assert "allow = true under [tools.w]" in objection and "was not run" in objection


def test_a_question_shows_what_is_run_and_nothing_that_hides() -> None:
    assert show_arguments({"city": "Oslo"}) == '{"city": "Oslo"}'
    shown = show_arguments({"path": "a\x1b[2Jb\u202ec\n" + " " * 500 + "d"})
    assert "\x1b" not in shown and "\u202e" not in shown and "  " not in shown
    assert r"a\u001b[2Jb\u202ec\n" in shown
    long = {"text": "x" * 5000 + "\x9d;rm -rf ~"}
    assert json.loads(show_arguments(long)) == long and show_arguments(long).endswith('rm -rf ~"}')


@pytest.mark.fault("S14")
async def test_what_is_too_long_to_be_shown_whole_is_not_asked_and_not_run(
    consent: Consent, user: User
) -> None:
    objection = await consent.find_objection("w", offer(), {"text": "x" * LONGEST_QUESTION})
    assert "too long to be shown" in objection and "allow = true under [tools.w]" in objection
    assert user.asked == []


@pytest.mark.fault("S13")
@pytest.mark.parametrize("hidden", ["\x9d0;", "\x1b]0;x\x07", "\u202e", "\U000e0041", "\u200b"])
async def test_the_name_in_the_question_hides_nothing(
    hidden: str, consent: Consent, user: User
) -> None:
    call = asyncio.create_task(
        consent.find_objection(f"get{hidden}time", offer(), {hidden: hidden})
    )
    await user.says("no")
    await call
    (name, arguments) = user.asked[0]
    assert json.loads(f'"{name}"') == f"get{hidden}time"
    assert json.loads(arguments) == {hidden: hidden}
    assert (name + arguments).isprintable() and hidden not in name + arguments
