"""What was learned of a network's sound: known again there, and nowhere else."""

import json
import stat
from pathlib import Path

import pytest

from voicechat.audio.playback.jitter import JitterBuffer
from voicechat.conversation.journal.learned import FILE, ArrivalStats

STATE = {"start_costs": [1.0, 2.5], "is_paced": False}


def test_what_was_learned_is_known_again_on_the_same_network_only(tmp_path: Path) -> None:
    places = ["home", "home", "train", "home"]
    memory = ArrivalStats(tmp_path, lambda: places.pop(0))
    assert memory.recall("openai") is None
    memory.keep({"openai": STATE})
    assert memory.recall("openai") == STATE
    assert memory.recall("openai") is None, "on a train nothing is known"
    assert memory.recall("gemini") is None


def test_it_is_kept_for_the_network_it_was_learned_on(tmp_path: Path) -> None:
    here = "home"
    memory = ArrivalStats(tmp_path, lambda: here)
    memory.recall("openai")
    here = "train"
    memory.keep({"openai": STATE})
    assert memory.recall("openai") is None
    here = "home"
    assert memory.recall("openai") == STATE


def test_what_a_real_buffer_has_learned_survives(tmp_path: Path) -> None:
    state = JitterBuffer(24_000, 300).export_state()
    ArrivalStats(tmp_path, str).keep({"openai": state})
    memory = ArrivalStats(tmp_path, str)
    memory.recall("openai")
    memory.keep({"openai": state})
    known = memory.recall("openai")
    assert known == state
    assert JitterBuffer(24_000, 100, state=known).export_state() == state


@pytest.mark.fault("S07")
def test_the_file_is_its_owners_alone_and_names_no_network(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    memory = ArrivalStats(folder, lambda: "192.168.7. via proxy.example:1080")
    memory.recall("openai")
    memory.keep({"openai": STATE})
    assert [path.name for path in folder.iterdir()] == [FILE]
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
    text = (folder / FILE).read_text()
    assert "192.168" not in text and "proxy" not in text and "openai" not in text


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    for number in range(30):
        ArrivalStats(tmp_path, str).keep({f"p{number}": {"number": number}})
    kept = json.loads((tmp_path / FILE).read_text())["learned"].values()
    assert [each["number"] for each in kept] == list(range(10, 30))


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\xff\xfe\x00",
        b"[1, 2]",
        b'{"salt": 5, "learned": {}}',
        b'{"salt": "a", "learned": {"k": 5}}',
        b'{"salt": "a", "learned": [1]}',
        b"[" * 50_000,
        b'{"salt": "a", "learned": {"k": {"start_costs": [1',
    ],
)
def test_a_damaged_file_is_forgotten_and_written_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / FILE).write_bytes(damage)
    memory = ArrivalStats(tmp_path, str)
    assert memory.recall("openai") is None
    memory.keep({"openai": STATE})
    assert memory.recall("openai") == STATE


@pytest.mark.parametrize("state", [{"start_costs": "x"}, {"start_costs": [float("1e308")]}, {}])
def test_a_buffer_takes_no_nonsense_from_the_file(state: dict[str, object]) -> None:
    assert JitterBuffer(state=state).stats() == JitterBuffer().stats()


def test_a_folder_that_cannot_be_written_costs_the_memory_only(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    memory = ArrivalStats(tmp_path / "file" / "folder", str)
    memory.recall("openai")
    memory.keep({"openai": STATE})
    assert memory.recall("openai") is None
