"""What stands in the pickers."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from textual.widgets import Static

from tests.fakes.ga_script import SCRIPTS, Reply
from tests.front.staged import StagedApp, until
from voicechat.front.commands.listing import ModelRow, cells
from voicechat.front.tui.choices import model_choices
from voicechat.front.words.words import Words

SHORT = replace(SCRIPTS["normal"], replies=(Reply("Yes. 好的。", audio_ms=100),))

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
KNOWN = ModelRow("m-known", "openai", ("voice", "tools"), "OPENAI_API_KEY", True, title="OpenAI")
KEYLESS = ModelRow(
    "m-keyless",
    "glm",
    ("text",),
    "GLM_KEY",
    False,
    title="GLM",
    key_page="https://keys.example",
    voices=("one",),
)


def test_what_was_used_last_stands_first_and_again_in_its_group() -> None:
    days = [
        replace(KNOWN, name=f"m-{day}", last_used=f"2026-11-{day}T08:00:00Z")
        for day in (18, 21, 20, 19)
    ]
    choices = model_choices(Words("en"), [*days, KNOWN, KEYLESS], NOW)
    assert [(one.id, one.group) for one in choices[:3]] == [
        ("m-21", "Last used"),
        ("m-20", "Last used"),
        ("m-19", "Last used"),
    ]
    assert [one.id for one in choices[3:]] == [
        "m-18",
        "m-21",
        "m-20",
        "m-19",
        "m-known",
        "m-keyless",
    ]
    assert choices[3].group == "OpenAI  [key set]" and "3 days ago" in choices[3].remark


def test_a_missing_key_is_said_with_where_to_get_it() -> None:
    used = replace(KEYLESS, last_used="2026-11-21T08:00:00Z")
    last, listed = model_choices(Words("en"), [used], NOW)
    assert "[set GLM_KEY]" in last.remark and listed.group == "GLM  [set GLM_KEY]"
    assert listed.detail == "Get GLM_KEY at https://keys.example"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_signs_stand_in_columns_and_are_explained(language: str) -> None:
    words = Words(language)
    able = replace(KNOWN, abilities=("voice", "text", "images", "tools", "hands-free", "reasoning"))
    signs = [one.remark for one in model_choices(words, [able, KNOWN, KEYLESS], NOW)]
    assert signs[0] == words("signs") and len({cells(one) for one in signs}) == 1
    assert all(sign in words("signs_mean") for sign in words("signs"))


def test_an_end_a_price_and_voices_are_told_in_two_lines() -> None:
    ends = replace(KNOWN, shutdown="2027-01-20", successor="m-next", voices=("one", "two"))
    (choice,) = model_choices(Words("en"), [ends], NOW)
    assert choice.detail == "until 2027-01-20, then m-next\nVoices: one two"
    price = dict.fromkeys(("text_in", "text_out", "audio_in", "audio_out"), 0.5)
    priced = replace(KNOWN, price=price, price_date="2026-11-21")
    (choice,) = model_choices(Words("zh"), [priced], NOW)
    assert "2026-11-21" in choice.detail and "0.5" in choice.detail


@pytest.mark.parametrize(
    ("facts", "detail"),
    [
        ({}, "Price: not known"),
        (
            {"price": {"text_in": 1.5, "audio_out": 2.0}, "price_currency": "USD"},
            "USD for 1M tokens (2026-11-21): text 1.5 in, ? out; sound ? in, 2 out",
        ),
        (
            {"price": {"minute": 0.18}, "price_currency": "CNY", "price_grade": "reported"},
            "CNY a minute (2026-11-21, as users report): 0.18",
        ),
        (
            {"price": {"minute": 0.05, "standby_minute": 0.02}, "price_currency": "USD"},
            "USD a minute (2026-11-21): 0.05; standing by 0.02",
        ),
        (
            {"price": {"minute": 0.08, "item": 0.004}, "price_currency": "USD"},
            "USD a minute (2026-11-21): 0.08; a message 0.004",
        ),
        (
            {"price": {"text_in": 1.0}, "price_currency": "USD", "price_until": "2026-12-31"},
            "USD for 1M tokens (2026-11-21, until 2026-12-31): text 1 in, ? out",
        ),
    ],
)
def test_what_is_not_known_of_a_price_is_never_a_nought(facts: Any, detail: str) -> None:
    row = replace(KNOWN, price_date="2026-11-21", **facts)
    (choice,) = model_choices(Words("en"), [row], NOW)
    assert choice.detail == detail


@pytest.mark.fault("T04")
async def test_the_device_picker_takes_names_literally_and_remembers() -> None:
    app = StagedApp(SHORT, sound=True)
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, "- ready")
        await pilot.press("f3")
        screen = await until(pilot, "> Built-in microphone")
        assert "耳机 [bold]Headset[/bold]" in screen and "(default)" in screen
        assert "mic " in str(app.screen.query_one("#live", Static).content), "no meter"
        await pilot.press("down", "enter")
        assert app.picks == [("input", 3)]
        await pilot.press("f3")
        await until(pilot, "> 耳机 [bold]Headset[/bold]")
        await pilot.press("escape")
        await until(pilot, lambda text: "Headset" not in text)
