"""Typed conversations on the real screen."""

import json
import time
from dataclasses import replace
from functools import partial

import pytest

from tests.e2e.screen.conftest import KEY, Serve, Stage
from tests.fakes.ga_script import HOSTILE, SCRIPTS, Reply
from tests.fakes.terminal import check_after, plain_text

pytestmark = pytest.mark.terminal


def saved(stage: Stage) -> list[dict[str, str]]:
    """The items on disk that somebody said."""
    lines = [
        line
        for path in sorted(stage.data.glob("conversations/*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return [item for item in map(json.loads, lines) if item.get("role") in ("user", "assistant")]


def rows_of(screen: str) -> list[str]:
    """The transcript in 80x24, without the scroll bar's column."""
    return [line[:79].rstrip() for line in screen.splitlines()[1:18]]


def test_a_typed_conversation_with_the_built_in_model(stage: Stage) -> None:
    terminal = stage.start("--text", "--model", "local")
    terminal.wait_for("- ready")
    terminal.type_text("Good morning")
    terminal.press("enter")
    terminal.wait_for("AI: Good morning")
    terminal.type_text("and again")
    terminal.press("enter")
    terminal.wait_for("AI: and again")
    check_after(
        terminal, leave=lambda: terminal.press("ctrl+q"), canaries=[KEY], files=[stage.home]
    )
    assert [(item["role"], item["text"]) for item in saved(stage)][-2:] == [
        ("user", "and again"),
        ("assistant", "and again"),
    ]


def test_chinese_locale_speaks_chinese_and_lays_wide_text_out(stage: Stage, serve: Serve) -> None:
    service = serve("cjk")
    terminal = stage.start("--text", *service.options, env={"LANG": "zh_CN.UTF-8"})
    terminal.wait_for("就绪")
    terminal.type_text("你好")
    terminal.press("enter")
    screen = terminal.wait_for("再见！👋🏽")
    assert "你：你好" in screen and "F1 帮助" in screen
    assert "👩‍👩‍👧‍👦" in plain_text(terminal.raw)
    borders = [line for line in screen.splitlines() if line.startswith("│")]
    assert borders and all(line.endswith("│") for line in borders)
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


@pytest.mark.fault("T01", "T02", "T04", "T05")
def test_hostile_text_reaches_neither_the_terminal_nor_the_disk(stage: Stage, serve: Serve) -> None:
    service = serve("markup")
    terminal = stage.start("--text", *service.options)
    terminal.wait_for("- ready")
    terminal.paste("mine [/bold] \x1b]52;c;ZXZpbA==\x07 \x1b[2J end")
    terminal.press("enter")
    screen = terminal.wait_for("ERROR: before [/bold]")
    assert "AI: before [/bold] [@click=app.quit]x[/]" in screen
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"), files=[stage.home])
    for path in stage.data.rglob("*.jsonl"):
        text = path.read_text(encoding="utf-8")
        texts = [json.dumps(json.loads(line), ensure_ascii=False) for line in text.splitlines()]
        assert not any(char in "".join(texts) for char in "\x1b\x07\x9b\x9d\u202e\u2066\u200b")
    assert "\x1b" in HOSTILE


@pytest.mark.fault("P01", "P10")
def test_garbage_and_unknown_events_do_not_end_the_conversation(stage: Stage, serve: Serve) -> None:
    for script in ("non_json", "unknown_events"):
        terminal = stage.start("--text", *serve(script).options)
        terminal.wait_for("- ready")
        for number in (1, 2):
            terminal.type_text(f"number {number}")
            terminal.press("enter")
            wanted = "AI: Good to hear you."
            terminal.wait_for(lambda text, n=number, w=wanted: text.count(w) >= n)  # type: ignore[misc]
        check_after(terminal, leave=lambda t=terminal: t.press("ctrl+q"))  # type: ignore[misc]


@pytest.mark.fault("T12", "D03")
def test_every_finished_item_is_on_disk_when_the_program_is_killed(
    stage: Stage, serve: Serve
) -> None:
    terminal = stage.start("--text", *serve("normal").options)
    terminal.wait_for("- ready")
    for number in (1, 2, 3):
        terminal.type_text(f"number {number}")
        terminal.press("enter")
        terminal.wait_for(lambda text, n=number: text.count("interrupt me.") >= n)  # type: ignore[misc]
        terminal.wait_for("- ready")
    terminal.close()
    assert [item["role"] for item in saved(stage)] == ["user", "assistant"] * 3
    assert all(item["text"] for item in saved(stage))


def test_no_save_writes_nothing(stage: Stage, serve: Serve) -> None:
    terminal = stage.start("--text", "--no-save", *serve("normal").options)
    terminal.wait_for("- ready")
    terminal.type_text("hello")
    terminal.press("enter")
    terminal.wait_for("interrupt me.")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    assert not stage.data.exists() or not list(stage.data.rglob("*.jsonl"))


@pytest.mark.fault("T15")
def test_a_very_long_paste_is_one_bounded_message(stage: Stage) -> None:
    terminal = stage.start("--text", "--model", "local")
    terminal.wait_for("- ready")
    terminal.paste("one line\nanother \x1b[31mline\n" * 170_000)
    terminal.press("enter")
    terminal.wait_for("the built-in echo", timeout_s=45)
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    said = [item["text"] for item in saved(stage) if item["role"] == "user"]
    assert len(said) == 1 and len(said[0]) <= 20_000 and "\n" not in said[0]


def test_another_model_is_dialled_and_the_transcript_stays(stage: Stage, serve: Serve) -> None:
    service = serve("normal")
    config = stage.home / "config.toml"
    config.write_text(f'model = "local"\n[providers.openai]\nurl = "{service.server.url}"\n')
    terminal = stage.start("--text", "--config", str(config))
    terminal.wait_for("- ready")
    terminal.type_text("to the first")
    terminal.press("enter")
    terminal.wait_for("AI: to the first")
    terminal.press("f2")
    terminal.wait_for("> local")
    terminal.press("home", "enter")
    terminal.wait_for("Switching to gpt-realtime-2.1")
    terminal.wait_for(lambda text: "connected" in text.splitlines()[0] and "- ready" in text)
    terminal.type_text("to the second")
    terminal.press("enter")
    screen = terminal.wait_for("Good to hear you.")
    assert "AI: to the first" in screen and screen.startswith(" gpt-realtime-2.1")
    check_after(
        terminal, leave=lambda: terminal.press("ctrl+q"), canaries=[KEY], files=[stage.home]
    )


@pytest.mark.fault("T06")
def test_a_storm_of_resizes_while_a_reply_grows_loses_nothing(stage: Stage, serve: Serve) -> None:
    terminal = stage.start("--text", *serve("long_reply").options)
    terminal.wait_for("- ready")
    terminal.type_text("go on")
    terminal.press("enter")
    sizes = [(1, 1), (500, 200), (80, 24), (2, 50), (300, 2), (40, 12), (17, 5), (120, 40)]
    for cols, rows in sizes * 12:
        terminal.resize(cols, rows)
        time.sleep(0.02)
    terminal.resize(100, 30)
    terminal.wait_for(
        lambda text: "- ready" in text and "You: go on" in text and "connected" in text
    )
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


def is_answered(said: str, text: str) -> bool:
    """Whether the answer to it is whole; "ready" alone may still be that of before."""
    return "interrupt me." in text.partition(said)[2] and "- ready" in text


def test_scrolling_up_holds_still_while_rows_come_and_end_returns(
    stage: Stage, serve: Serve
) -> None:
    service = serve(replace(SCRIPTS["normal"], replies=(Reply(audio_ms=100),)))
    terminal = stage.start("--text", *service.options)
    terminal.wait_for("- ready")
    for number in range(1, 9):
        said = f"number {number}."
        terminal.type_text(said)
        terminal.press("enter")
        terminal.wait_for(partial(is_answered, said))
    terminal.press("pageup")
    before = terminal.wait_for("older rows: End returns")
    service.control(do="say", text="A new reply nobody asked for.", audio_ms=200)
    time.sleep(1.0)
    after = terminal.screen_text()
    assert "A new reply" not in after
    assert rows_of(before) == rows_of(after)
    terminal.press("end")
    terminal.wait_for("A new reply nobody asked for.")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
