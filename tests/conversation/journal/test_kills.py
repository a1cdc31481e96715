"""kill -9 at random moments: what was acknowledged is there, however often it happens."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.journal import Kills
from voicechat.conversation.journal import load

KILLS = 50


@pytest.mark.fault("D03")
@pytest.mark.timeout(300)
def test_one_conversation_survives_being_killed_again_and_again(tmp_path: Path) -> None:
    """Every program goes on with the file that the last one was killed over."""
    kills = Kills(tmp_path, random.Random(7), resumes=True)
    for _ in range(KILLS):
        kills.once()
    (path,) = (tmp_path / "conversations").iterdir()
    assert kills.lost() == []
    assert kills.acknowledged > KILLS
    assert load(path).damaged_lines <= KILLS


@pytest.mark.fault("D08")
@pytest.mark.timeout(120)
def test_two_programs_at_once_mix_no_lines(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from tests.conversation.journal.talk import talking\n"
        "with talking(Path(sys.argv[1])) as talk:\n"
        "    for n in range(200): talk.type(f'{sys.argv[2]}-{n}')\n"
        "    talk.ids()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    programs = [subprocess.Popen([*command, name]) for name in "ab"]
    assert [program.wait(100) for program in programs] == [0, 0]
    files = list((tmp_path / "conversations").iterdir())
    assert len(files) == 2
    for path in files:
        names = [item.id for item in load(path).items]
        assert names == [f"{names[0][0]}-{n}" for n in range(200)]
