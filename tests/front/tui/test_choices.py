"""What stands in the pickers."""

from dataclasses import replace

from tests.fakes.ga_script import SCRIPTS, Reply
from tests.front.staged import StagedApp, until

SHORT = replace(SCRIPTS["normal"], replies=(Reply("Yes. 好的。", audio_ms=100),))


async def test_the_device_picker_takes_names_literally_and_remembers() -> None:
    app = StagedApp(SHORT, sound=True)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await pilot.press("f3")
        screen = await until(pilot, "> Built-in microphone")
        assert "耳机 [bold]Headset[/bold]" in screen and "(default)" in screen
        await pilot.press("down", "enter")
        assert app.picks == [("input", 3)]
        await pilot.press("f3")
        await until(pilot, "> 耳机 [bold]Headset[/bold]")
        await pilot.press("escape")
        await until(pilot, lambda text: "Headset" not in text)
