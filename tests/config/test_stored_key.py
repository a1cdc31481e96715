"""Credential storage: the key is in the file, and every other byte is as it was."""

import os
import stat
from pathlib import Path

import pytest

from voicechat.config.load import load
from voicechat.config.stored_key import store_key
from voicechat.errors import ConfigError

KEY, OTHER = "sk-canary-0123456789abcdef", "sk-other-9876543210fedcba"
LINE = f'api_key = "{KEY}"'


@pytest.mark.fault("S15")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"[providers.openai]\n{LINE}\n"),
        ("voice = 'x'  # mine\n", f"voice = 'x'  # mine\n\n[providers.openai]\n{LINE}\n"),
        ("hands_free = true", f"hands_free = true\n\n[providers.openai]\n{LINE}\n"),
        (
            "# top\r\n[providers.openai] # mine\r\nvoice = 'x'\r\n[ui]\r\n",
            f"# top\r\n[providers.openai] # mine\r\n{LINE}\r\nvoice = 'x'\r\n[ui]\r\n",
        ),
        (
            f"[providers.openai]\n# a note\n  api_key   =  '{OTHER}'   # old\nvoice = 'x'\n",
            f"[providers.openai]\n# a note\n  api_key   =  \"{KEY}\"   # old\nvoice = 'x'\n",
        ),
        ('[providers."openai"]', f'[providers."openai"]\n{LINE}\n'),
        (
            "[providers.openai.headers]\nX = '1'\n",
            f"[providers.openai.headers]\nX = '1'\n\n[providers.openai]\n{LINE}\n",
        ),
        ("\ufeffvoice = 'x'\n", f"\ufeffvoice = 'x'\n\n[providers.openai]\n{LINE}\n"),
        (
            'instructions = """\n[providers.openai]\n"""\n',
            f'instructions = """\n[providers.openai]\n"""\n\n[providers.openai]\n{LINE}\n',
        ),
        (
            f'[providers.xai]\napi_key = "{OTHER}"\n',
            f'[providers.xai]\napi_key = "{OTHER}"\n\n[providers.openai]\n{LINE}\n',
        ),
    ],
)
def test_only_the_key_changes(before: str, after: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(before.encode())
    path.chmod(0o644)
    assert store_key(path, "openai", KEY) == path.resolve()
    assert path.read_bytes().decode() == after
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load(path, {}).provider("openai").api_key == KEY
    assert store_key(path, "openai", KEY) and path.read_bytes().decode() == after
    assert os.listdir(tmp_path) == ["config.toml"]


def test_a_file_and_its_folder_are_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "config.toml"
    store_key(path, "glm", KEY)
    assert load(path, {}).provider("glm").api_key == KEY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_stays_one_and_the_file_behind_it_changes(tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles.toml", tmp_path / "config.toml"
    real.write_text("voice = 'x'\n")
    link.symlink_to(real)
    assert store_key(link, "openai", KEY) == real.resolve()
    assert link.is_symlink() and LINE in real.read_text()


@pytest.mark.parametrize(
    "text",
    [
        "providers = { openai = { voice = 'x' } }\n",
        f"[providers]\nopenai.api_key = '{OTHER}'\n",
        f'[providers.openai]\napi_key = """{OTHER}"""\n',
        "providers = 3\n",
        "not = toml = at all",
        "voice = '\udcff'\n",
    ],
)
def test_a_file_that_cannot_be_changed_so_is_left_alone(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    before = path.read_bytes()
    with pytest.raises(ConfigError) as caught:
        store_key(path, "openai", KEY)
    assert path.read_bytes() == before and KEY not in str(caught.value)
    assert "under [providers.openai] there yourself" in str(caught.value)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "config.toml", tmp_path):
        with pytest.raises(ConfigError, match="cannot be written") as caught:
            store_key(path, "openai", KEY)
        assert KEY not in str(caught.value)
