"""Keys typed or pasted as a message, in the real program in a real terminal."""

import json
import time
from pathlib import Path

import pytest

from tests.e2e.screen.conftest import KEY, Serve, Service, Stage
from tests.fakes.terminal import Terminal, check_after
from voicechat.front.tui.consent import SETTLE_S

pytestmark = pytest.mark.terminal
PASTED = "sk-proj-CanaryPasted0123456789AbCdEf"
GLM = "0123456789abcdef0123456789abcdef.CanaryGlmKey4711"
ASKS = {
    "en": ("- ready", "This looks like a key for", "s: store it in the config"),
    "zh": ("就绪", "这看起来是", "s：保存到配置文件"),
}


def messages(service: Service) -> str:
    return json.dumps([entry["message"] for entry in service.server.log.directions("in")])


def holders(stage: Stage, secret: str) -> list[Path]:
    files = [path for path in stage.home.rglob("*") if path.is_file()]
    return [path for path in files if secret.encode() in path.read_bytes()]


def send(terminal: Terminal, line: str, *, pasted: bool) -> None:
    (terminal.paste if pasted else terminal.type_text)(line)
    terminal.press("enter")


def answer(terminal: Terminal, key: str, asks: str) -> None:
    """Answer the question; right after it appeared it takes no letter."""
    terminal.wait_for(asks)
    time.sleep(SETTLE_S + 0.4)
    terminal.press(key)
    terminal.wait_for(lambda text: asks not in text)


def begin(stage: Stage, service: Service, language: str = "en", *options: str) -> Terminal:
    lang = {"LANG": "zh_CN.UTF-8" if language == "zh" else "C.UTF-8"}
    trace = ("--trace", str(stage.home / "trace.jsonl"))
    terminal = stage.start("--text", *service.options, *trace, *options, env=lang)
    terminal.wait_for(ASKS[language][0])
    return terminal


@pytest.mark.fault("S15")
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("line", "key", "provider", "pasted"),
    [(PASTED, PASTED, "openai", True), (f"/image cat.png my key {GLM}", GLM, "glm", False)],
    ids=["pasted", "typed behind a picture"],
)
def test_a_key_is_stored_as_what_it_is_and_sent_nowhere(
    line: str, key: str, provider: str, pasted: bool, language: str, stage: Stage, serve: Serve
) -> None:
    service, config = serve("normal"), stage.home / "config.toml"
    before = "# mine\nvoice = 'marin'\n[ui]\ntheme = \"dark\"  # as it was\n"
    config.write_text(before)
    config.chmod(0o644)
    terminal = begin(stage, service, language, "--config", str(config))
    send(terminal, line, pasted=pasted)
    asks, stores = ASKS[language][1:]
    terminal.wait_for(lambda text: asks in text and stores in text and key not in text)
    answer(terminal, "s", asks)
    terminal.wait_for(lambda text: key in config.read_text())
    assert config.read_text() == f'{before}\n[providers.{provider}]\napi_key = "{key}"\n'
    assert config.stat().st_mode & 0o777 == 0o600
    terminal.press("up")  # It is in no history.
    terminal.type_text("hello")
    terminal.wait_for("hello")
    terminal.press("enter")
    terminal.wait_for("Good to hear you")
    assert key not in messages(service) and key not in terminal.screen_text()
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"), within_s=6)
    assert holders(stage, key) == [config]


@pytest.mark.fault("S15")
def test_a_stored_key_is_used_when_it_connects_again(stage: Stage, serve: Serve) -> None:
    service = serve("normal")
    terminal = begin(stage, service)
    send(terminal, PASTED, pasted=True)
    answer(terminal, "s", ASKS["en"][1])
    config = stage.home / "config" / "voicechat" / "config.toml"
    terminal.wait_for(
        lambda text: config.exists() and "F5 connects with it" in " ".join(text.split())
    )
    terminal.press("f5")
    terminal.wait_for(lambda text: text.count("Connecting again") and "- ready" in text)
    tries = [note for note in service.server.log.directions("note") if "headers" in note]
    lengths = [note["authorization_length"] for note in tries]
    assert lengths == [len(f"Bearer {KEY}"), len(f"Bearer {PASTED}")]
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"), within_s=6)
    assert holders(stage, PASTED) == [config]


@pytest.mark.fault("S15")
def test_a_key_is_dropped_with_escape_and_sent_only_by_a_wish_of_its_own(
    stage: Stage, serve: Serve
) -> None:
    service = serve("normal")
    terminal = begin(stage, service)
    send(terminal, PASTED, pasted=True)
    terminal.wait_for(ASKS["en"][1])
    terminal.press("esc")
    terminal.wait_for("Dropped: nothing was sent")
    assert PASTED not in messages(service)
    send(terminal, f"is {PASTED} a key?", pasted=True)
    answer(terminal, "n", ASKS["en"][1])
    terminal.wait_for("Good to hear you")
    assert PASTED in messages(service)
    terminal.press("up")
    terminal.type_text("bye")
    assert PASTED not in terminal.wait_for("bye").splitlines()[-4]
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"), within_s=6)
    assert holders(stage, PASTED) == []
