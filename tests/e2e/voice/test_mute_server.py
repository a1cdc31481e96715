"""A sound server that takes calls and never answers, or answers late, with the real program."""

import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.voice.conftest import PROGRAM, Stage
from tests.fakes.terminal import check_after
from voicechat.audio.card.health import SILENT_MS

pytestmark = [pytest.mark.sound, pytest.mark.terminal, pytest.mark.timeout(120)]


@pytest.fixture
def dead_server() -> Iterator[str]:
    """An address where calls are accepted and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        kept = list[socket.socket]()

        def accept() -> None:
            try:
                while True:
                    kept.append(listening.accept()[0])
            except OSError:
                return

        threading.Thread(target=accept, daemon=True).start()
        yield f"tcp:127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        for one in kept:
            one.close()


@pytest.mark.fault("A20")
@pytest.mark.parametrize(
    "options",
    [
        ("devices",),
        ("devices", "--json"),
        ("devices", "--test"),
        ("--plain", "--hands-free", "--model", "local"),
        ("--json", "--hands-free", "--model", "local"),
    ],
)
def test_without_a_screen_it_is_told_in_one_line_and_the_end_is_1(
    stage: Stage, dead_server: str, options: tuple[str, ...]
) -> None:
    done = subprocess.run(
        [*PROGRAM, *options],
        env=stage.env | {"PULSE_SERVER": dead_server},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("voicechat: The sound server does not answer")
    if options[0] == "--json":
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert "no_sound" in [event.get("code") for event in events]


@pytest.mark.fault("A20")
@pytest.mark.parametrize("leave", ["keys", "signal"])
def test_on_the_screen_keys_live_and_the_end_comes(
    stage: Stage, dead_server: str, leave: str
) -> None:
    terminal = stage.start("--model", "local", PULSE_SERVER=dead_server)
    terminal.wait_for("- ready")
    terminal.press("f3")
    terminal.type_text("abc")
    terminal.wait_for("abc", 3)
    terminal.wait_for("The sound server does not answer")
    if leave == "keys":
        check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    else:
        terminal.signal(signal.SIGTERM)
        assert terminal.wait_exit() == 128 + signal.SIGTERM


@pytest.mark.fault("A21")
def test_sound_that_comes_late_is_taken_up_by_itself(stage: Stage) -> None:
    stage.pulse.stall()
    terminal = stage.start("--model", "local")
    terminal.wait_for("The sound server does not answer", 20)
    terminal.press("f3")
    time.sleep(0.5)  # Both calls hang now.
    stage.pulse.resume()
    terminal.wait_for("The microphone works now", 30)
    terminal.wait_for("The loudspeaker works now", 30)
    terminal.wait_for("Push-to-talk")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


@pytest.mark.fault("A23")
def test_a_silent_microphone_is_told_in_a_turn_and_not_at_rest(stage: Stage) -> None:
    terminal = stage.start("--model", "local")
    terminal.wait_for("Push-to-talk")
    rest = time.monotonic() + SILENT_MS / 1000 + 2  # What is never to come has to be waited for.
    while time.monotonic() < rest:
        assert "nothing but silence" not in terminal.screen_text()
        time.sleep(0.2)
    terminal.press("space")
    terminal.wait_for("nothing but silence: is it muted?")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


@pytest.mark.fault("A22")
def test_a_device_with_a_name_that_is_not_utf_8_does_not_hide_the_others(
    stage: Stage, tmp_path: Path
) -> None:
    config = tmp_path / "odd.conf"
    config.write_bytes(
        b"pcm.!default { type pulse }\nctl.!default { type pulse }\n"
        b'pcm."M\xfcller" { type pulse hint { show on description "M\xfcller" } }\n'
    )
    env = stage.env | {"ALSA_CONFIG_PATH": str(config)}
    done = subprocess.run(
        [*PROGRAM, "devices", "--json"], env=env, capture_output=True, timeout=60, check=True
    )
    names = [device["name"] for device in json.loads(done.stdout)]
    assert "default" in names and any(name.startswith("M\ufffd") for name in names), names
    assert done.stderr == b""
