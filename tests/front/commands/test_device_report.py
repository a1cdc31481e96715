"""Plain lines about what a test of the devices found."""

import json

import pytest

from voicechat.audio.self_test import Findings
from voicechat.front.commands.device_report import judge, report_test

GOOD = Findings(
    microphone="Mic",
    loudspeaker="Box",
    woke_ms=0,
    noise_dbfs=-70.0,
    voice_dbfs=-25.0,
    clipped=0.0,
    chirps_heard=3,
    round_trip_ms=60,
    echo_dbfs=-40.0,
    echo_loss_db=25.0,
    erle_db=30.0,
    output_latency_ms=20,
    lost=0,
)


def change(**fields: object) -> Findings:
    return Findings(**{name: getattr(GOOD, name) for name in Findings.__slots__} | fields)


ECHO = [("echo", "good"), ("canceller", "good")]


def codes(findings: Findings) -> list[tuple[str, str]]:
    return [(verdict.code, verdict.grade) for verdict in judge(findings)]


def test_when_all_is_well_everything_is_good() -> None:
    assert codes(GOOD) == [("microphone", "good"), ("voice", "good"), *ECHO]


@pytest.mark.parametrize(
    ("fields", "code", "grade", "words"),
    [
        ({"microphone": ""}, "no_microphone", "bad", "no microphone"),
        ({"is_silent": True}, "silent", "bad", "Unmute it"),
        ({"loudspeaker": ""}, "no_loudspeaker", "bad", "no loudspeaker"),
        ({"chirps_heard": 0, "round_trip_ms": None}, "no_echo", "note", "headphones"),
        ({"noise_dbfs": -35.0}, "noisy", "note", "push-to-talk"),
        ({"woke_ms": 700}, "cold", "note", "700 ms"),
        ({"voice_dbfs": -50.0}, "soft", "note", "input_gain = 4.0"),
        ({"voice_dbfs": -41.0}, "soft", "note", "input_gain = 4.0"),
        ({"voice_dbfs": -69.0}, "no_voice", "note", "Nobody"),
        ({"clipped": 0.01}, "clipped", "note", "Turn it down"),
        ({"chirps_heard": 1}, "broken", "note", "1 of 3"),
        ({"round_trip_ms": 700}, "late", "note", "Bluetooth"),
        ({"erle_db": None}, "no_canceller", "note", "headphones"),
        ({"erle_db": 5.0}, "weak_canceller", "note", "only 5 dB"),
        ({"lost": 4}, "lost", "note", "4 times"),
        ({"remarks": ("No microphone 'x'; using Mic",)}, "remark", "note", "using Mic"),
    ],
)
def test_each_trouble_has_a_line_that_says_what_to_do(
    fields: dict[str, object], code: str, grade: str, words: str
) -> None:
    (found,) = [verdict for verdict in judge(change(**fields)) if verdict.code == code]
    assert found.grade == grade
    assert words in found.text and "\n" not in found.text


def test_the_exit_code_tells_whether_a_call_would_work(capsys: pytest.CaptureFixture[str]) -> None:
    assert report_test(lambda tell: GOOD, as_json=False) == 0
    assert report_test(lambda tell: change(noise_dbfs=-30.0), as_json=False) == 0
    assert report_test(lambda tell: change(is_silent=True), as_json=False) == 1
    assert "BAD   Microphone Mic" in capsys.readouterr().out


def test_json_holds_every_finding_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    def test(tell: object) -> Findings:
        assert callable(tell)
        tell("quiet")
        return GOOD

    assert report_test(test, as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["round_trip_ms"] == 60
    assert [verdict["code"] for verdict in told["verdicts"]][:2] == ["microphone", "voice"]


def test_each_step_is_told_as_it_begins(capsys: pytest.CaptureFixture[str]) -> None:
    def test(tell: object) -> Findings:
        assert callable(tell)
        for step in ("quiet", "chirp", "voice"):
            tell(step)
        return GOOD

    report_test(test, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert [line[:4] for line in lines[:3]] == ["List", "Play", "Now "]
