"""The meter, the clock of a recording, and what there is room for in the line."""

from dataclasses import replace

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult

from voicechat.audio.echo.echo import EchoStats
from voicechat.audio.playback.jitter import Stats
from voicechat.front.tui.status import StatusBar, meter, say_clock
from voicechat.front.words.words import Words
from voicechat.session.state.snapshot import Snapshot

CALM = Snapshot(
    phase="speaking",
    is_live=True,
    microphone_dbfs=-60.0,
    loudspeaker_dbfs=-20.0,
    playout=Stats(level_ms=80, target_ms=95, underruns=0, gap_ms=0, state="playing"),
    latency_ms=520,
    costs={"USD": 0.0012},
)
ROUGH = replace(
    CALM,
    playout=Stats(120, 210, 3, 1400, "playing", added_ms=900, dropped_ms=200),
    echo=EchoStats("on", 38.2, 84),
    is_slow=True,
    lost=4,
)


class Line(App[None]):
    def __init__(self, language: str) -> None:
        super().__init__()
        self.bar = StatusBar(Words(language))

    def compose(self) -> ComposeResult:
        yield self.bar


async def shown(snapshot: Snapshot, width: int, language: str = "en") -> str:
    """The status line in a window of this width."""
    app = Line(language)
    async with app.run_test(size=(width, 3)):
        app.bar.draw(snapshot, is_scrolled=False)
        line = app.bar.text
    assert cell_len(line) <= width or width == 80, line
    return line


async def test_a_wide_line_tells_how_the_sound_is_kept_together() -> None:
    line = await shown(ROUGH, 200)
    told = line.split("buffer 120 ms  latency 0.52 s  $0.0012  ")[1].split("  ")
    assert told == [
        "target 210 ms",
        "gaps 3 (1.4 s)",
        "echo -38 dB after 84 ms",
        "stretched 0.9 s",
        "left out 0.2 s",
        "sound lost 4x",
    ]


async def test_a_narrow_line_tells_that_the_link_is_slow_and_what_matters() -> None:
    line = await shown(ROUGH, 80)
    assert line.startswith("> speaking  SLOW LINK  mic ······  spk ")
    assert "buffer 120 ms" in line and "echo" not in line and "gaps" not in line


async def test_where_all_is_well_nothing_is_told_of_it() -> None:
    line = await shown(CALM, 200)
    assert line.endswith("$0.0012  target 95 ms") and "SLOW" not in line


async def test_without_sound_there_are_no_numbers_of_it() -> None:
    assert await shown(replace(CALM, playout=None), 200) == "> speaking  latency 0.52 s  $0.0012"


async def test_half_duplex_is_told_where_there_is_no_canceller() -> None:
    assert "half duplex" in await shown(replace(CALM, echo=EchoStats("half-duplex", None, 60)), 200)


@pytest.mark.parametrize("width", range(80, 201, 8))
async def test_a_chinese_line_is_never_too_wide_for_its_numbers(width: int) -> None:
    line = await shown(ROUGH, width, "zh")
    assert "网络慢" in line
    assert ("丢音 4 次" in line) is (width >= 168), line


@pytest.mark.parametrize(
    ("dbfs", "bars"),
    [(-96.0, "······"), (-60.0, "······"), (-30.0, "███···"), (0.0, "██████"), (6.0, "██████")],
)
def test_meter_goes_from_minus_60_to_full_scale(dbfs: float, bars: str) -> None:
    assert meter(dbfs) == bars


def test_meter_never_falls_while_the_level_rises() -> None:
    steps = [meter(dbfs / 4) for dbfs in range(-280, 8)]
    order = "·▁▂▃▄▅▆▇█"
    fill = [sum(order.index(bar) for bar in step) for step in steps]
    assert fill == sorted(fill) and len(set(fill)) > 40
    assert all(len(step) == 6 for step in steps)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.2, "0:00"), (7.9, "0:07"), (61, "1:01"), (3599, "59:59"), (3723.5, "1:02:03")],
)
def test_a_recording_shows_how_long_it_is(seconds: float, shown: str) -> None:
    assert say_clock(seconds) == shown


async def test_a_cost_that_is_not_known_is_told_as_that_and_never_as_nothing() -> None:
    free = replace(CALM, costs={})
    assert "$" not in await shown(free, 80) and "cost" not in await shown(free, 80)
    unknown = replace(free, is_cost_partial=True)
    assert (await shown(unknown, 80)).endswith("cost ?")
    assert (await shown(unknown, 80, "zh")).endswith("费用 ?")
    partial = replace(unknown, costs={"USD": 0.0012})
    assert (await shown(partial, 80)).endswith("over $0.0012")
    assert (await shown(partial, 80, "zh")).endswith("超过 $0.0012")


async def test_amounts_of_two_currencies_stand_side_by_side() -> None:
    both = replace(CALM, costs={"USD": 0.0012, "CNY": 0.018})
    assert (await shown(both, 80)).endswith("¥0.0180 + $0.0012")
