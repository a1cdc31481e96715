"""`voicechat devices` and `voicechat models` on stdout."""

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from voicechat.app import model_list
from voicechat.config.schema import Config
from voicechat.front.commands.listing import (
    DeviceRow,
    ModelRow,
    cells,
    list_devices,
    list_models,
    say_when,
)
from voicechat.front.words.words import Words

HEADSET = DeviceRow(3, "耳机", "ALSA", 1, 2, 48000, False, True)
NOW = datetime(2026, 11, 21, 18, 0, tzinfo=timezone(timedelta(hours=8)))
GLM = ModelRow(
    "glm-x", "glm", ("text",), "ZAI_API_KEY", False, title="GLM", key_page="https://z.ai"
)
MODELS = [
    ModelRow(
        "m-1",
        "openai",
        ("voice", "text"),
        "OPENAI_API_KEY",
        True,
        title="OpenAI",
        last_used="2026-11-18T12:00:00Z",
    ),
    ModelRow(
        "m-long", "openai", ("text",), "OPENAI_API_KEY", True, "is switched off", title="OpenAI"
    ),
    GLM,
    replace(
        GLM, name="glm-y", provider="chat", title="Chat (HTTP)", service="glm", service_title="GLM"
    ),
    ModelRow("default", "custom", (), "", False, needs="--url"),
    ModelRow("local", "local", ("voice",), "", True),
]


def test_defaults_are_marked_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_devices([HEADSET], as_json=False) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Microphones",
        "    3  耳机  (ALSA, 48000 Hz)",
        "Loudspeakers",
        ">   3  耳机  (ALSA, 48000 Hz)",
    ]


def test_no_device_is_said_and_is_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_devices([], as_json=False, hint="Plug one in") == 1
    out, err = capsys.readouterr()
    assert out.count("none") == 2
    assert err == "voicechat: There is no microphone and no loudspeaker. Plug one in\n"


def test_no_device_is_an_empty_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_devices([], as_json=True) == 1
    out, err = capsys.readouterr()
    assert json.loads(out) == [] and err.count("\n") == 1


def test_devices_as_json_hold_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_devices([HEADSET], as_json=True) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["name"] == "耳机" and row["rate"] == 48000 and row["is_default_output"] is True


def test_models_stand_under_their_provider_and_its_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_models(MODELS, as_json=False, now=NOW) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "chat/PROVIDER/NAME" in lines[-2] and "Ollama" in lines[-1]
    assert lines[:-2] == [
        "OpenAI (openai): OPENAI_API_KEY is set",
        " m-1     voice text",
        "    last used 3 days ago",
        " m-long  text",
        "    is switched off",
        "GLM (glm): set ZAI_API_KEY",
        " get a key at https://z.ai",
        " glm-x  text",
        "Chat (HTTP) by GLM (chat/glm): set ZAI_API_KEY",
        " get a key at https://z.ai",
        " glm-y  text",
        "custom: set --url",
        " default",
        "local: no key needed",
        " local  voice",
    ]


def test_the_real_list_fits_into_80_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = model_list.find_models({"VOICECHAT_DATA": str(tmp_path)}, Config())
    assert list_models(rows, as_json=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > len(rows) and max(map(cells, lines)) <= 80


@pytest.mark.parametrize(
    ("moment", "english", "chinese"),
    [
        ("", "", ""),
        ("2026-11-21T09:00:00Z", "last used today", "今天用过"),
        ("2026-11-20T16:30:00Z", "last used today", "今天用过"),
        ("2026-11-20T15:30:00Z", "last used yesterday", "昨天用过"),
        ("2026-11-08T12:00:00Z", "last used 13 days ago", "13 天前用过"),
        ("2026-10-02T20:00:00Z", "last used 2026-10-03", "上次使用：2026-10-03"),
        ("2027-01-01T00:00:00Z", "last used today", "今天用过"),
    ],
)
def test_days_are_counted_by_the_users_calendar(moment: str, english: str, chinese: str) -> None:
    assert say_when(Words("en"), moment, NOW) == english
    assert say_when(Words("zh"), moment, NOW) == chinese


def test_models_as_json_never_hold_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_models(MODELS, as_json=True) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["has_key"] for row in rows] == [True, True, False, False, False, True]
    assert [row["last_used"] for row in rows[:2]] == ["2026-11-18T12:00:00Z", ""]
    assert rows[0]["key_env"] == "OPENAI_API_KEY"


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("耳机", 4), ("e\u0301", 1), ("ｶ", 1)])
def test_width_is_counted_in_columns(text: str, width: int) -> None:
    assert cells(text) == width
