"""Adding a provider is adding one file: the one that the README shows works as it stands there."""

import re
import shutil
from pathlib import Path

import pytest

import voicechat
from tests.e2e.plain.program import KEY, Program
from tests.fakes.custom_server import CustomServer
from tests.fakes.ga_script import GREETING

HOUSE = Path(voicechat.__file__).parent
README = HOUSE.parent / "README.md"
MOST_LINES = 15
_BLOCK = re.compile(r"^```python\n# voicechat/providers/(\w+)\.py\n(.*?)^```$", re.M | re.S)


@pytest.fixture
def example() -> tuple[str, str]:
    """The name and the text of the README's provider."""
    found = _BLOCK.findall(README.read_text("utf-8"))
    assert len(found) == 1, "README shows no provider: a python block with its path as a comment"
    name, text = found[0]
    return str(name), str(text)


def test_it_is_short(example: tuple[str, str]) -> None:
    name, text = example
    assert "_" not in name
    assert len(text.splitlines()) < MOST_LINES


async def test_the_real_program_talks_to_it(example: tuple[str, str], tmp_path: Path) -> None:
    name, text = example
    shutil.copytree(HOUSE, tmp_path / "voicechat", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "voicechat" / "providers" / f"{name}.py").write_text(text, "utf-8")
    program = Program(tmp_path)
    env = {"PYTHONPATH": str(tmp_path), f"{name.upper()}_API_KEY": KEY}
    async with CustomServer(api_key=KEY) as server:
        options = ("--plain", "--model", f"{name}/x", "--url", server.url)
        done = await program.run(*options, stdin="hello\n", env=env)
    assert (done.code, done.out, done.err) == (0, GREETING + "\n", "")
    assert server.violations == []
    listed = await program.run("models", env=env)
    assert f"{name.upper()}_API_KEY" in listed.out
