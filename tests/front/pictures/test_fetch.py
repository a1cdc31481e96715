"""Reading, unpacking and drawing happen beside the call, and end."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.front.pictures.drawn import photo, saved
from voicechat.errors import ConfigError
from voicechat.front.pictures import (
    Limits,
    fetch_dropped,
    fetch_named,
    fetch_picture,
    fetch_sketch,
    load_picture,
)


async def test_a_file_is_fetched_and_sketched(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(saved(photo(), "JPEG"))
    picture = await fetch_picture(path, Limits())
    assert picture.label.startswith("photo.jpg 640×480, ")
    assert picture == load_picture(path, Limits())
    assert (await fetch_sketch(picture, 40, 24)).height == 24
    assert await fetch_dropped(f"'{path}'") == ([path], "")
    assert await fetch_named(f"{path} look") == ([path], "look")


async def test_errors_arrive_as_they_are(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ConfigError, match="a pipe or a device"):
        await fetch_picture(tmp_path / "pipe.png", Limits())


async def test_the_loop_goes_on_while_a_picture_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(saved(photo(3000, 2000), "PNG"))
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as tasks:
        ticking = tasks.create_task(tick())
        await fetch_picture(path, Limits())
        ticking.cancel()
    assert ticks > 5


async def test_what_takes_too_long_is_told(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(saved(photo(3000, 2000), "PNG"))
    with pytest.raises(ConfigError, match="took longer than 0 seconds"):
        await fetch_picture(path, Limits(), deadline_s=0.01)
    assert (await fetch_picture(path, Limits())).width == 2048


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF"])
def test_the_first_picture_of_a_program_is_read(tmp_path: Path, kind: str) -> None:
    """Pillow knows no format before it is asked to, and tests have asked already."""
    path = tmp_path / "a"
    path.write_bytes(saved(photo(30, 20), kind))
    code = f"""if True:
        from pathlib import Path
        from voicechat.front.pictures import Limits, load_picture
        print(load_picture(Path({str(path)!r}), Limits(types=("image/webp",))).mime)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "image/webp" and not done.stderr


def test_pillow_and_mss_are_not_loaded_before_the_first_picture() -> None:
    loaded = "print(*[m for m in ('PIL', 'mss') if m in sys.modules])"
    code = f"import sys, voicechat.front.pictures; {loaded}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
