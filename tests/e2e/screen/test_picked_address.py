"""An address is for the provider it was given for: what the picker dials after another choice."""

from collections.abc import Iterator

import pytest

from tests.e2e.plain.program import handshakes
from tests.e2e.screen.conftest import KEY, Serve, Service, Stage
from tests.fakes.closed_proxy import ClosedProxy
from tests.fakes.terminal import Terminal, check_after
from tests.fakes.xai_server import XaiServer

pytestmark = [pytest.mark.terminal, pytest.mark.fault("S16")]

XAI_KEY, GEMINI_KEY = "xai-canary-of-another-length-77", "gemini-canary-9"
KEYS = (KEY, XAI_KEY, GEMINI_KEY)


@pytest.fixture
def away() -> Iterator[ClosedProxy]:
    with ClosedProxy() as proxy:
        yield proxy


def start(stage: Stage, service: Service, way: str, away: ClosedProxy, more: str = "") -> Terminal:
    """Talk to a service whose address was given in one of two ways."""
    config = stage.home / "config.toml"
    model, url = service.options[1], service.server.url
    top = "" if way == "option" else f'model = "{model}"\nurl = "{url}"\n'
    config.write_text(top + more)
    config.chmod(0o600)
    env = {
        "VOICECHAT_CONFIG": str(config),
        "XAI_API_KEY": XAI_KEY,
        "GEMINI_API_KEY": GEMINI_KEY,
        "HTTPS_PROXY": away.url,
    }
    options = service.options if way == "option" else ()
    terminal = stage.start("--text", *options, env=env)
    terminal.wait_for("- ready")
    return terminal


def pick(terminal: Terminal, name: str) -> None:
    terminal.press("f2")
    terminal.wait_for("Type to filter")
    terminal.type_text(name)
    terminal.wait_for(lambda text: name in text and "gpt-realtime-1.5" not in text)
    terminal.press("enter")
    terminal.wait_for(lambda text: "Type to filter" not in text)


def key_lengths(service: Service) -> list[int]:
    return [shake["authorization_length"] for shake in handshakes(service.server)]


def leave(terminal: Terminal, stage: Stage) -> None:
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"), canaries=KEYS, files=[stage.home])


@pytest.mark.parametrize("way", ["option", "config"])
def test_a_model_of_another_provider_gets_its_key_at_its_own_address(
    stage: Stage, serve: Serve, away: ClosedProxy, way: str
) -> None:
    given, section = serve("normal"), serve("normal", XaiServer)
    more = f'[providers.xai]\nurl = "{section.server.url}"\n'
    terminal = start(stage, given, way, away, more)
    pick(terminal, "grok-voice")
    terminal.wait_for(lambda text: key_lengths(section) and "- ready" in text)
    assert key_lengths(section)[0] == len(f"Bearer {XAI_KEY}")
    pick(terminal, "local")
    terminal.wait_for(lambda text: text.startswith(" local") and "connected, direct" in text)
    assert key_lengths(given) == [len(f"Bearer {KEY}")], "only its own provider's key, once"
    terminal.wait_for("- ready")
    leave(terminal, stage)


@pytest.mark.parametrize("way", ["option", "config"])
def test_one_without_another_address_is_dialled_at_its_own_host(
    stage: Stage, serve: Serve, away: ClosedProxy, way: str
) -> None:
    given = serve("normal")
    terminal = start(stage, given, way, away)
    pick(terminal, "gemini-3.8-live")
    terminal.wait_for(lambda text: bool(away.asked))
    assert set(away.asked) == {"generativelanguage.googleapis.com:443"}
    assert not [head for head in away.heads for key in KEYS if key in head]
    assert key_lengths(given) == [len(f"Bearer {KEY}")]
    terminal.press("ctrl+q")
    terminal.wait_exit()
