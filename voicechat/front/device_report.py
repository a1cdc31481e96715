"""What a test of the devices found, in plain lines: what it is, what is wrong, what to do."""

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

from voicechat.audio.device_test import CHIRPS, Findings
from voicechat.visible import visible_json

Grade: TypeAlias = Literal["good", "note", "bad"]

_MARKS = {"good": "ok  ", "note": "note", "bad": "BAD "}
_STEPS = {
    "quiet": "Listening: be quiet for a moment…",
    "chirp": "Playing three tones…",
    "voice": "Now say something, for four seconds…",
}
_SOFT_DBFS = -40.0
_SPEECH_DBFS = -25.0
"""How loud speech should be."""
_NOISY_DBFS = -45.0
_ABOVE_NOISE_DB = 8.0
_LATE_MS = 450
"""An echo that comes later is beyond what an echo canceller looks for."""
_WEAK_ERLE_DB = 12.0
_CLIPPED = 0.0005
_COLD_MS = 100
_MOST_GAIN = 4.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that was found."""

    code: str
    """Stable name."""
    grade: Grade
    """`bad`: a call would not work; `note`: something to know, or to mend."""
    text: str


def report_test(test: Callable[[Callable[[str], None]], Findings], *, as_json: bool) -> int:
    """Run a test and print what it found; exit code 1 when something would keep a call from
    working.

    Args:
        test: Gets who is told of each step.
    """
    findings = test(_tell_nobody if as_json else _tell_step)
    found = judge(findings)
    if as_json:
        fields = asdict(findings) | {"verdicts": [asdict(verdict) for verdict in found]}
        _write(visible_json(fields, indent=1))
    else:
        for verdict in found:
            _write(f"{_MARKS[verdict.grade]}  {verdict.text}")
    return int(any(verdict.grade == "bad" for verdict in found))


def judge(findings: Findings) -> list[Verdict]:
    """Everything there is to say, the microphone first."""
    remarks = [Verdict("remark", "note", remark) for remark in findings.remarks]
    parts = (remarks, _judge_microphone(findings), _judge_voice(findings), _judge_echo(findings))
    lost = findings.lost or 0
    late = f"Sound was lost or came too late {lost} times: is the computer very busy?"
    return [verdict for part in parts for verdict in part] + (
        [Verdict("lost", "note", late)] if lost else []
    )


def _judge_microphone(findings: Findings) -> list[Verdict]:
    if not findings.microphone:
        return [Verdict("no_microphone", "bad", "There is no microphone that works")]
    if findings.is_silent or findings.noise_dbfs is None:
        text = f"{findings.microphone}: nothing but zeros. Unmute it, allow the terminal to use it"
        return [Verdict("silent", "bad", f"Microphone {text}, or choose another")]
    noise = findings.noise_dbfs
    text = f"Microphone {findings.microphone}: it hears; noise {noise:.0f} dBFS"
    verdicts = [Verdict("microphone", "good", text)]
    if noise > _NOISY_DBFS:
        text = "It is noisy around you: push-to-talk works better than hands-free"
        verdicts.append(Verdict("noisy", "note", text))
    if (findings.woke_ms or 0) >= _COLD_MS:
        text = f"The microphone takes {findings.woke_ms} ms to wake up after it is opened"
        verdicts.append(Verdict("cold", "note", text))
    return verdicts


def _judge_voice(findings: Findings) -> list[Verdict]:
    voice, noise = findings.voice_dbfs, findings.noise_dbfs
    if voice is None or noise is None:
        return []
    verdicts = []
    if voice < noise + _ABOVE_NOISE_DB:
        verdicts.append(Verdict("no_voice", "note", "Nobody was heard speaking"))
    elif voice < _SOFT_DBFS:
        text = f"Your voice is soft ({voice:.0f} dBFS): turn the microphone up, or set"
        factor = min(10 ** ((_SPEECH_DBFS - voice) / 20), _MOST_GAIN)
        verdicts.append(Verdict("soft", "note", f"{text} input_gain = {factor:.1f} in [audio]"))
    else:
        text = f"Your voice: {voice:.0f} dBFS, {voice - noise:.0f} dB above the noise"
        verdicts.append(Verdict("voice", "good", text))
    if (findings.clipped or 0.0) > _CLIPPED:
        text = "The microphone is too loud: it clips. Turn it down in the system's settings"
        verdicts.append(Verdict("clipped", "note", text))
    return verdicts


def _judge_echo(findings: Findings) -> list[Verdict]:
    if not findings.loudspeaker:
        return [Verdict("no_loudspeaker", "bad", "There is no loudspeaker that works")]
    name, heard = findings.loudspeaker, findings.chirps_heard
    if not heard or findings.is_silent or findings.round_trip_ms is None:
        text = f"Loudspeaker {name}: the microphone does not hear it. Right with headphones;"
        return [Verdict("no_echo", "note", f"{text} if you heard no tones, it is off or muted")]
    loss, late = findings.echo_loss_db or 0.0, findings.round_trip_ms
    text = f"Loudspeaker {name}: heard after {late} ms, {max(loss, 0):.0f} dB softer"
    verdicts = [Verdict("echo", "good", text), *_judge_canceller(findings)]
    if heard < CHIRPS:
        text = f"Only {heard} of {CHIRPS} tones came back: sound breaks off, or is suppressed"
        verdicts.append(Verdict("broken", "note", text))
    if late > _LATE_MS:
        text = f"Sound comes back late ({late} ms), as by Bluetooth: use a headset, or a cable"
        verdicts.append(Verdict("late", "note", text))
    return verdicts


def _judge_canceller(findings: Findings) -> list[Verdict]:
    softer = findings.erle_db
    if softer is None:
        text = "There is no echo canceller here: use headphones, or pip install pywebrtc-audio"
        return [Verdict("no_canceller", "note", text)]
    if softer < _WEAK_ERLE_DB:
        text = f"Echo cancelling takes only {softer:.0f} dB away: use headphones for hands-free"
        return [Verdict("weak_canceller", "note", text)]
    text = f"Echo cancelling takes {softer:.0f} dB of it away"
    return [Verdict("canceller", "good", text)]


def _tell_step(step: str) -> None:
    _write(_STEPS[step])
    sys.stdout.flush()


def _tell_nobody(step: str) -> None:
    """Scripts want the findings alone."""


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
