"""Often while something happens, seldom while not."""

import asyncio

from tests.fakes import virtual_time
from voicechat.front.tui.pace import BUSY_S, CALM_S, PATIENCE, Pace


class Looks:
    """When it was asked, in virtual seconds."""

    def __init__(self, news: int) -> None:
        self.news, self.at = news, list[float]()
        self.errors: list[Exception] = []
        self.pace = Pace(self.look, self.errors.append)

    def look(self) -> bool:
        self.at.append(asyncio.get_running_loop().time())
        self.news -= 1
        return self.news >= 0

    @property
    def pauses(self) -> list[float]:
        return [round(b - a, 3) for a, b in zip(self.at, self.at[1:], strict=False)]


def test_it_looks_often_until_nothing_is_new_for_a_while() -> None:
    async def talk() -> Looks:
        looks = Looks(news=3)
        looks.pace.start()
        await asyncio.sleep((3 + PATIENCE) * BUSY_S + 2 * CALM_S)
        looks.pace.stop()
        return looks

    looks = virtual_time.run(talk())
    assert looks.pauses[: 2 + PATIENCE] == [BUSY_S] * (2 + PATIENCE)
    assert set(looks.pauses[2 + PATIENCE :]) == {CALM_S}


def test_news_make_it_look_soon_and_only_once() -> None:
    async def talk() -> None:
        looks = Looks(news=0)
        looks.pace.start()
        await asyncio.sleep(PATIENCE * BUSY_S + 0.05)
        for _ in range(1000):
            looks.pace.hurry()
        before = len(looks.at)
        await asyncio.sleep(BUSY_S + 0.01)
        assert len(looks.at) == before + 1
        looks.pace.stop()
        looks.pace.hurry()
        await asyncio.sleep(1)
        assert len(looks.at) == before + 1

    virtual_time.run(talk())


def test_a_bug_is_handed_on_and_ends_it() -> None:
    async def talk() -> list[Exception]:
        errors: list[Exception] = []
        pace = Pace(lambda: bool(1 / 0), errors.append)
        pace.start()
        pace.hurry()
        await asyncio.sleep(1)
        return errors

    assert [type(error) for error in virtual_time.run(talk())] == [ZeroDivisionError]
