"""`voicechat devices` and `voicechat models` on stdout."""

import json

import pytest

from voicechat.front.listing import DeviceRow, ModelRow, cells, list_devices, list_models

HEADSET = DeviceRow(3, "耳机", "ALSA", 1, 2, 48000, False, True)
MODELS = [
    ModelRow("m-1", "openai", ("voice", "text"), "OPENAI_API_KEY", True),
    ModelRow("m-long", "openai", ("text",), "OPENAI_API_KEY", False, "retired"),
    ModelRow("local", "local", ("voice",), "", False),
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
    assert list_devices([], as_json=False) == 1
    assert capsys.readouterr().out.count("none") == 2


def test_devices_as_json_hold_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_devices([HEADSET], as_json=True) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["name"] == "耳机" and row["rate"] == 48000 and row["is_default_output"] is True


def test_models_stand_in_columns_under_their_provider(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_models(MODELS, as_json=False) == 0
    assert capsys.readouterr().out.splitlines() == [
        "openai",
        "  m-1     voice, text  OPENAI_API_KEY is set",
        "  m-long  text         set OPENAI_API_KEY  (retired)",
        "local",
        "  local   voice        no key needed",
    ]


def test_models_as_json_never_hold_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_models(MODELS, as_json=True) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["has_key"] for row in rows] == [True, False, False]
    assert rows[0]["key_env"] == "OPENAI_API_KEY"


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("耳机", 4), ("e\u0301", 1), ("ｶ", 1)])
def test_width_is_counted_in_columns(text: str, width: int) -> None:
    assert cells(text) == width
