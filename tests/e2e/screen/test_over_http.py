"""On the real screen: the call goes on over HTTP, and comes back when a WebSocket gets through."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.e2e.http.gateway import Gateway
from tests.e2e.http.vendor import Vendor
from tests.e2e.screen.conftest import KEY, Serve, Service, Stage
from tests.fakes.http_chat import Script
from tests.fakes.pulse import wait_until
from tests.fakes.terminal import Terminal, check_after

pytestmark = pytest.mark.terminal

SIGN = "▒▒ HTTP ▒▒"
FIRST_LOOK_S = 10.0


class Place:
    """A realtime service behind a gateway, and its provider's chat service."""

    def __init__(self, stage: Stage, service: Service, running: ExitStack) -> None:
        self.stage, self.service = stage, service
        self.vendor = running.enter_context(Vendor(KEY))
        self.gateway = running.enter_context(Gateway("refused", service.server.port))
        self._config = stage.home / "config.toml"
        self._config.write_text(
            f'[providers.openai]\nhttp_url = "{self.vendor.url}"\nchat_model = "chat-1"\n'
        )

    def start(self, invitation: str = "Type a message", **env: str) -> Terminal:
        """The program when it takes what is typed; it is still connecting then."""
        options = ("--text", "--config", str(self._config), "--model", "gpt-realtime-2.1")
        terminal = self.stage.start(*options, "--url", self.gateway.url, cols=110, rows=40, env=env)
        terminal.wait_for(invitation)
        return terminal

    def asked_straight(self) -> list[str]:
        """What the realtime service was given as conversation."""
        items = [m["item"] for m in self.service.server.log.of("conversation.item.create")]
        return [item["content"][0]["text"].strip() for item in items]

    def asked_over_http(self) -> list[list[str]]:
        """What the chat service was given, question by question, without instructions."""
        return [
            [one["content"].strip() for one in request.json["messages"] if one["role"] != "system"]
            for request in self.vendor.questions
        ]


@pytest.fixture
def place(stage: Stage, serve: Serve) -> Iterator[Place]:
    with ExitStack() as running:
        yield Place(stage, serve("short_reply"), running)


def say(terminal: Terminal, text: str) -> None:
    terminal.type_text(text)
    terminal.press("enter")


def leave(terminal: Terminal, stage: Stage) -> None:
    files = [stage.data]
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"), canaries=[KEY], files=files)


def test_it_comes_back_by_itself_in_a_pause_and_no_row_is_lost_or_doubled(place: Place) -> None:
    began = time.monotonic()
    terminal = place.start()
    say(terminal, "the first")
    screen = terminal.wait_for(lambda text: "AI: You said: the first." in text and SIGN in text)
    assert "chat-1" in screen and screen.count("the call goes on over HTTP") == 1
    place.vendor.next.append(Script(["I am ", "still at it."], pause_before=1))
    say(terminal, "the second")
    place.gateway.open()
    wait_until(lambda: place.gateway.visits > 0, "a look at the WebSocket", 90)
    assert time.monotonic() - began >= FIRST_LOOK_S
    time.sleep(1.0)
    screen = terminal.wait_for("AI: I am")
    assert SIGN in screen and "works again" not in screen, "an answer is not to be lost"
    place.vendor.go_on.set()
    terminal.wait_for("works again", timeout_s=60)
    screen = terminal.wait_for(lambda text: SIGN not in text and "- ready" in text)
    assert "gpt-realtime-2.1" in screen.splitlines()[0]
    say(terminal, "the third")
    screen = terminal.wait_for("AI: Yes.")
    answers = ("AI: You said: the first.", "AI: I am still at it.", "AI: Yes.")
    questions = [f"You: the {word}" for word in ("first", "second", "third")]
    assert [screen.count(row) for row in (*questions, *answers)] == [1] * 6, screen
    assert "ERROR" not in screen
    past = ["the first", "You said: the first.", "the second"]
    assert place.asked_over_http() == [past[:1], past]
    assert place.asked_straight() == [*past, "I am still at it.", "the third"]
    assert not place.service.server.violations
    leave(terminal, place.stage)


def test_a_key_looks_at_once_and_stays_over_http_while_it_is_closed(place: Place) -> None:
    terminal = place.start()
    say(terminal, "the first")
    terminal.wait_for(lambda text: "AI: You said: the first." in text and SIGN in text)
    terminal.press("f5")
    terminal.wait_for(lambda text: text.count("the call goes on over HTTP") == 2)
    say(terminal, "the second")
    terminal.wait_for(lambda text: "AI: You said: the second." in text and SIGN in text)
    assert place.asked_over_http() == [
        ["the first"],
        ["the first", "You said: the first.", "the second"],
    ]
    place.gateway.open()
    terminal.press("f5")
    terminal.wait_for(lambda text: "works again" in text and SIGN not in text)
    say(terminal, "the third")
    screen = terminal.wait_for("AI: Yes.")
    assert [screen.count(f"You: the {word}") for word in ("first", "second", "third")] == [1, 1, 1]
    assert [screen.count(f"AI: You said: the {word}") for word in ("first", "second")] == [1, 1]
    assert place.asked_straight() == [
        *("the first", "You said: the first."),
        *("the second", "You said: the second.", "the third"),
    ]
    leave(terminal, place.stage)


def test_it_is_told_in_chinese(place: Place) -> None:
    terminal = place.start("输入消息", LANG="zh_CN.UTF-8")
    say(terminal, "你好")
    screen = terminal.wait_for(lambda text: "You said: 你好." in text and SIGN in text)
    assert "就绪" in screen and "ERROR" not in screen
    place.gateway.open()
    terminal.press("f5")
    terminal.wait_for(lambda text: SIGN not in text and "就绪" in text)
    say(terminal, "再见")
    terminal.wait_for("Yes.")
    assert place.asked_straight() == ["你好", "You said: 你好.", "再见"]
    leave(terminal, place.stage)
