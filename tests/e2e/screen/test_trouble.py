"""What goes wrong is told on the screen, in words, and F5 tries again."""

import socket
import time

import pytest

from tests.e2e.screen.conftest import KEY, Serve, Service, Stage
from tests.fakes.terminal import Terminal, check_after

pytestmark = pytest.mark.terminal


def quit_and_check(terminal: Terminal, stage: Stage) -> None:
    check_after(
        terminal, leave=lambda: terminal.press("ctrl+q"), canaries=[KEY], files=[stage.home]
    )


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("bad_key", "OPENAI_API_KEY"),
        ("http_401", "key"),
        ("bad_model", "model"),
    ],
)
@pytest.mark.fault("N06", "N07")
def test_a_refusal_is_told_once_and_not_tried_again(
    stage: Stage, serve: Serve, script: str, words: str
) -> None:
    service = serve(script)
    terminal = stage.start("--text", *service.options)
    screen = terminal.wait_for(lambda text: "ERROR:" in text and "OFFLINE" in text)
    assert words in screen
    time.sleep(2.5)
    assert service.server.attempts == 1
    assert terminal.screen_text().count("ERROR:") == 1
    quit_and_check(terminal, stage)


@pytest.mark.parametrize("script", ["http_503", "http_200_html", "http_302"])
@pytest.mark.fault("N10", "N19", "N20")
def test_a_server_that_is_none_is_told(stage: Stage, serve: Serve, script: str) -> None:
    terminal = stage.start("--text", *serve(script).options)
    terminal.wait_for(lambda text: "ERROR:" in text and "OFFLINE" in text)
    quit_and_check(terminal, stage)


@pytest.mark.fault("N02")
def test_a_refused_port_is_told_and_f5_tries_again(stage: Stage, serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    url = f"ws://127.0.0.1:{port}/v1/realtime"
    terminal = stage.start("--text", "--model", "gpt-realtime", "--url", url)
    terminal.wait_for(lambda text: "ERROR:" in text and "OFFLINE" in text)
    terminal.press("f5")
    terminal.wait_for(lambda text: text.count("ERROR:") == 2)
    quit_and_check(terminal, stage)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("expired", "The session is renewed"),
        ("close_1011", "The line is back"),
        ("drop_tcp", "The line is back"),
        ("close_1001", "The line is back"),
        ("close_1006", "The line is back"),
    ],
)
@pytest.mark.fault("N21", "N27", "N28")
def test_a_broken_line_is_told_and_comes_back_by_itself(
    stage: Stage, serve: Serve, how: str, told: str
) -> None:
    service = serve("long_reply")
    terminal = stage.start("--text", *service.options)
    terminal.wait_for("- ready")
    say(terminal, "the first")
    terminal.wait_for("AI: Good to hear you.")
    service.control(do="script", name="normal")
    break_line(service, how)
    screen = terminal.wait_for(lambda text: told in text)
    assert "You: the first" in screen and screen.count("ERROR:") == (how != "expired")
    terminal.wait_for("- ready")
    say(terminal, "the second")
    terminal.wait_for("You: the second")
    terminal.wait_for(lambda text: "AI: Good to hear" in text.split("the second")[-1])
    items = service.server.log.of("conversation.item.create", conn=1)
    texts = [item["item"]["content"][0]["text"] for item in items]
    assert service.server.attempts == 2, terminal.screen_text()
    assert texts[0] == "the first" and texts[-1] == "the second" and len(texts) == 3
    quit_and_check(terminal, stage)


def test_what_is_typed_while_nobody_answers_waits_and_is_sent_later(
    stage: Stage, serve: Serve
) -> None:
    service = serve("normal")
    terminal = stage.start("--text", *service.options)
    terminal.wait_for("- ready")
    service.control(do="script", name="http_503")
    break_line(service, "drop_tcp")
    terminal.wait_for("next try in")
    say(terminal, "are you there?")
    terminal.wait_for("You: are you there?")
    service.control(do="script", name="normal")
    terminal.press("f5")
    terminal.wait_for(lambda text: "AI: Good to hear" in text.split("are you there?")[-1])
    quit_and_check(terminal, stage)


def break_line(service: Service, how: str) -> None:
    if how == "expired":
        service.control(do="expire")
    elif how == "drop_tcp":
        service.control(do="reset")
    else:
        service.control(do="close", code=int(how.removeprefix("close_")), reason="going away")


def say(terminal: Terminal, text: str) -> None:
    terminal.type_text(text)
    terminal.press("enter")


@pytest.mark.fault("P22")
@pytest.mark.parametrize("script", ["failed_quota", "failed_rate_limit"])
def test_a_failed_reply_is_told_and_the_line_stays(stage: Stage, serve: Serve, script: str) -> None:
    terminal = stage.start("--text", *serve(script).options)
    terminal.wait_for("- ready")
    say(terminal, "hello")
    terminal.wait_for("ERROR:")
    quit_and_check(terminal, stage)


@pytest.mark.fault("X01")
def test_no_sound_is_told_with_what_to_do_and_typing_works(stage: Stage, serve: Serve) -> None:
    terminal = stage.start(*serve("normal").options)
    screen = terminal.wait_for(lambda text: "Note:" in text and "- ready" in text)
    assert "microphone" in screen or "sound" in screen
    terminal.press("space")
    terminal.wait_for("No microphone: type instead")
    say(terminal, "hello")
    terminal.wait_for("AI: Good to hear you.")
    quit_and_check(terminal, stage)


def test_a_wrong_config_is_one_line_before_any_screen(stage: Stage) -> None:
    config = stage.home / "config.toml"
    config.write_text('modle = "local"\n')
    terminal = stage.start("--config", str(config))
    assert terminal.wait_exit() == 2
    assert "model" in terminal.screen_text() and b"\x1b" not in terminal.raw


def test_a_missing_key_is_told_in_the_picker_and_when_chosen(stage: Stage) -> None:
    terminal = stage.start("--text", "--model", "local", env={"OPENAI_API_KEY": None})
    terminal.wait_for("- ready")
    terminal.press("f2")
    terminal.wait_for("[set OPENAI_API_KEY]")
    terminal.press("home", "enter")
    terminal.wait_for(lambda text: "ERROR:" in text and "OPENAI_API_KEY" in text)
    say(terminal, "still here")
    terminal.wait_for("AI: still here")
    quit_and_check(terminal, stage)
