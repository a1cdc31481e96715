"""Two keys, a proxy's password and words that are not to be kept: in one call of each kind.

They may stand in the config and in our own environment, and nowhere else: not on the screen, in no
file, on no command line, and in nothing that our children are given.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.screen.conftest import Serve, Stage
from tests.e2e.screen.test_end import CRASHING
from tests.fakes.ga_script import SCRIPTS, Reply
from tests.fakes.terminal import Terminal, check_after
from tests.tools import mcp_program

pytestmark = pytest.mark.terminal
KEY, OTHER_KEY = "sk-canary-first-77ab31c09e", "canary.second.key.5512fe"
PASSWORD, PHRASE = "canary-pass-90aa17bd", "the canary sings at 4711"
SECRETS = (KEY, OTHER_KEY, PASSWORD)
PROXY = f"http://someone:{PASSWORD}@127.0.0.1:9"

CONFIG = """
save = false
{proxy}
[providers.glm]
api_key = "{key}"
headers = {{ X-Secret = "{key}" }}
[tools.get_time]
command = {tool}
allow = true
[mcp.files]
command = {server}
allow = true
"""
TOOL = "import sys, time; sys.stdin.read(); time.sleep(0.8); print('noon')"


@dataclass
class Family:
    """What our children were given, as long as they lived."""

    pid: int

    def look(self) -> dict[str, str]:
        """Name and number to command line and environment."""
        return dict(self._members())

    def _members(self) -> Iterator[tuple[str, str]]:
        for child in psutil.Process(self.pid).children(recursive=True):
            try:
                given = json.dumps([child.cmdline(), child.environ()])
                yield f"{child.name()} {child.pid}", given
            except psutil.Error:
                continue


def leaks(given: dict[str, str]) -> list[str]:
    return [name for name, text in given.items() for secret in (*SECRETS, PHRASE) if secret in text]


def configure(stage: Stage, proxy: str = "") -> tuple[Path, dict[str, str | None]]:
    path = stage.home / "config.toml"
    server = [sys.executable, str(Path(mcp_program.__file__)), "stdio"]
    path.write_text(
        CONFIG.format(
            proxy=proxy and f'proxy = "{proxy}"',
            key=OTHER_KEY,
            tool=json.dumps([sys.executable, "-c", TOOL]),
            server=json.dumps(server),
        )
    )
    path.chmod(0o600)
    env = {
        "OPENAI_API_KEY": KEY,
        "ALL_PROXY": PROXY,
        "HTTPS_PROXY": PROXY,
        "GLM_API_KEY": OTHER_KEY,
    }
    return path, {"VOICECHAT_CONFIG": str(path), **env}


def quit_clean(terminal: Terminal, stage: Stage, config: Path, *, words: bool = True) -> None:
    """No canary on the screen, in a file or on a command line; the phrase in no file."""
    check_after(
        terminal,
        leave=lambda: terminal.press("ctrl+q"),
        canaries=SECRETS,
        files=[stage.home],
        except_files=[config],
        within_s=6,
    )
    holders = [path for path in stage.home.rglob("*") if path.is_file() and holds(path, PHRASE)]
    assert holders == [] or not words


def holds(path: Path, text: str) -> bool:
    return text.encode() in path.read_bytes()


def ask(terminal: Terminal, words: str) -> None:
    terminal.wait_for("- ready")
    terminal.type_text(words)
    terminal.press("enter")


@pytest.mark.fault("S01", "S03", "S05", "S12")
def test_a_call_with_tools_gives_nothing_away(stage: Stage, serve: Serve) -> None:
    config, env = configure(stage)
    calling = (Reply(tool="get_time files__environment"), Reply("So be it."))
    service = serve(replace(SCRIPTS["tool_call"], replies=calling))
    terminal = stage.start("--text", *service.options, env=env)
    ask(terminal, PHRASE)
    family, given = Family(terminal.pid), dict[str, str]()
    end = time.monotonic() + 30
    while "So be it." not in terminal.screen_text() and time.monotonic() < end:
        given |= family.look()
        time.sleep(0.05)
    assert len(given) >= 2, "neither the tool nor the server of tools was seen"
    assert leaks(given) == []
    sent = [json.dumps(entry["message"]) for entry in service.server.log.directions("in")]
    assert any(PHRASE in message for message in sent)
    assert not [message for message in sent for secret in SECRETS if secret in message]
    quit_clean(terminal, stage, config)


@pytest.mark.long
@pytest.mark.fault("S12")
def test_the_built_in_model_gets_no_key(stage: Stage) -> None:
    config, env = configure(stage)
    terminal = stage.start("--text", "--model", "local", env=env)
    ask(terminal, PHRASE)
    terminal.wait_for(f"AI: {PHRASE}")
    given = Family(terminal.pid).look()
    assert given and leaks(given) == []
    quit_clean(terminal, stage, config)


@pytest.mark.long
@pytest.mark.fault("S03", "S05")
@pytest.mark.parametrize(
    "options",
    [
        ("--model", "glm", "--url", "wss://service.invalid/v1"),
        ("--model", "gpt-realtime", "--url", "wss://service.invalid/v1"),
        ("--model", "gpt-realtime", "--proxy", f"socks5h://u:{PASSWORD}@127.0.0.1:9"),
    ],
    ids=["second key", "first key", "another proxy"],
)
def test_a_line_that_fails_gives_nothing_away(stage: Stage, options: tuple[str, ...]) -> None:
    config, env = configure(stage, PROXY)
    done = run_plain(stage, env, *options, "--trace", str(stage.home / "trace"))
    assert done.returncode != 0 and b"Traceback" not in done.stderr
    found = {path.name: path.read_bytes() for path in stage.home.rglob("*") if path.is_file()}
    found = {name: data for name, data in found.items() if name != config.name}
    for where, data in {**found, "out": done.stdout, "err": done.stderr}.items():
        assert not [secret for secret in SECRETS if secret.encode() in data], where


def run_plain(
    stage: Stage, env: dict[str, str | None], *options: str
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-X", "dev", "-m", "voicechat", "--plain", *options],
        env={**stage.env, **{name: value for name, value in env.items() if value}},
        input=b"hello\n",
        capture_output=True,
        timeout=50,
        check=False,
    )


@pytest.mark.long
@pytest.mark.fault("S03")
def test_a_bug_gives_nothing_away(stage: Stage) -> None:
    """Not even where Python is told to say as much as it can."""
    _, env = configure(stage)
    more: dict[str, Any] = {"PYTHONFAULTHANDLER": "1", "PYTHONDEVMODE": "1"}
    for kind in ("session", "screen"):
        terminal = stage.start(kind, argv=[sys.executable, str(CRASHING)], env=env | more)
        terminal.wait_for("internal error: RuntimeError", timeout_s=20)
        check_after(terminal, exit_code=1, canaries=SECRETS, files=[stage.data], within_s=6)
