"""What a test of the devices found, in plain lines: what it is, what is wrong, what to do."""

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

from voicechat.audio.self_test import CHIRPS, Findings
from voicechat.front.words.words import IN_ENGLISH, Words
from voicechat.text.phrase import phrase
from voicechat.text.visible import visible_json

Grade: TypeAlias = Literal["good", "note", "bad"]

_MARKS = {"good": phrase("ok  "), "note": phrase("note"), "bad": phrase("BAD ")}
_STEPS = {
    "quiet": phrase("Listening: be quiet for a moment…"),
    "chirp": phrase("Playing three tones…"),
    "voice": phrase("Now say something, for four seconds…"),
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


def report_test(
    test: Callable[[Callable[[str], None]], Findings], *, as_json: bool, words: Words = IN_ENGLISH
) -> int:
    """Run a test and print what it found; exit code 1 when something would keep a call from
    working.

    Args:
        test: Gets who is told of each step.
    """
    findings = test(_tell_nobody if as_json else lambda step: _tell_step(step, words))
    found = judge(findings)
    if as_json:
        fields = asdict(findings) | {"verdicts": [asdict(verdict) for verdict in found]}
        _write(visible_json(fields, indent=1))
    else:
        for verdict in found:
            _write(f"{words.told(_MARKS[verdict.grade])}  {words.told(verdict.text)}")
    return int(any(verdict.grade == "bad" for verdict in found))


def judge(findings: Findings) -> list[Verdict]:
    """Everything there is to say, the microphone first."""
    remarks = [Verdict("remark", "note", remark) for remark in findings.remarks]
    parts = (remarks, _judge_microphone(findings), _judge_voice(findings), _judge_echo(findings))
    lost = findings.lost or 0
    late = phrase(
        "Sound was lost or came too late {lost} times: is the computer very busy?", lost=lost
    )
    return [verdict for part in parts for verdict in part] + (
        [Verdict("lost", "note", late)] if lost else []
    )


def _judge_microphone(findings: Findings) -> list[Verdict]:
    if not findings.microphone:
        return [Verdict("no_microphone", "bad", phrase("There is no microphone that works"))]
    if findings.is_silent or findings.noise_dbfs is None:
        text = phrase(
            "Microphone {name}: nothing but zeros. Unmute it, allow the terminal to use it, "
            "or choose another",
            name=findings.microphone,
        )
        return [Verdict("silent", "bad", text)]
    noise = findings.noise_dbfs
    text = phrase(
        "Microphone {microphone}: it hears; noise {noise:.0f} dBFS",
        microphone=findings.microphone,
        noise=noise,
    )
    verdicts = [Verdict("microphone", "good", text)]
    if noise > _NOISY_DBFS:
        text = phrase("It is noisy around you: push-to-talk works better than hands-free")
        verdicts.append(Verdict("noisy", "note", text))
    if (findings.woke_ms or 0) >= _COLD_MS:
        text = phrase(
            "The microphone takes {woke_ms} ms to wake up after it is opened",
            woke_ms=findings.woke_ms,
        )
        verdicts.append(Verdict("cold", "note", text))
    return verdicts


def _judge_voice(findings: Findings) -> list[Verdict]:
    voice, noise = findings.voice_dbfs, findings.noise_dbfs
    if voice is None or noise is None:
        return []
    verdicts = []
    if voice < noise + _ABOVE_NOISE_DB:
        verdicts.append(Verdict("no_voice", "note", phrase("Nobody was heard speaking")))
    elif voice < _SOFT_DBFS:
        text = phrase(
            "Your voice is soft ({voice:.0f} dBFS): turn the microphone up, or set "
            "input_gain = {gain:.1f} in [audio]",
            voice=voice,
            gain=min(10 ** ((_SPEECH_DBFS - voice) / 20), _MOST_GAIN),
        )
        verdicts.append(Verdict("soft", "note", text))
    else:
        text = phrase(
            "Your voice: {voice:.0f} dBFS, {above:.0f} dB above the noise",
            voice=voice,
            above=voice - noise,
        )
        verdicts.append(Verdict("voice", "good", text))
    if (findings.clipped or 0.0) > _CLIPPED:
        text = phrase("The microphone is too loud: it clips. Turn it down in the system's settings")
        verdicts.append(Verdict("clipped", "note", text))
    return verdicts


def _judge_echo(findings: Findings) -> list[Verdict]:
    if not findings.loudspeaker:
        return [Verdict("no_loudspeaker", "bad", phrase("There is no loudspeaker that works"))]
    name, heard = findings.loudspeaker, findings.chirps_heard
    if not heard or findings.is_silent or findings.round_trip_ms is None:
        text = phrase(
            "Loudspeaker {name}: the microphone does not hear it. Right with headphones; "
            "if you heard no tones, it is off or muted",
            name=name,
        )
        return [Verdict("no_echo", "note", text)]
    loss, late = findings.echo_loss_db or 0.0, findings.round_trip_ms
    text = phrase(
        "Loudspeaker {name}: heard after {late} ms, {loss:.0f} dB softer",
        name=name,
        late=late,
        loss=max(loss, 0),
    )
    verdicts = [Verdict("echo", "good", text), *_judge_canceller(findings)]
    if heard < CHIRPS:
        text = phrase(
            "Only {heard} of {chirps} tones came back: sound breaks off, or is suppressed",
            heard=heard,
            chirps=CHIRPS,
        )
        verdicts.append(Verdict("broken", "note", text))
    if late > _LATE_MS:
        text = phrase(
            "Sound comes back late ({late} ms), as by Bluetooth: use a headset, or a cable",
            late=late,
        )
        verdicts.append(Verdict("late", "note", text))
    return verdicts


def _judge_canceller(findings: Findings) -> list[Verdict]:
    softer = findings.erle_db
    if softer is None:
        text = phrase(
            "There is no echo canceller here: use headphones, or pip install pywebrtc-audio"
        )
        return [Verdict("no_canceller", "note", text)]
    if softer < _WEAK_ERLE_DB:
        text = phrase(
            "Echo cancelling takes only {softer:.0f} dB away: use headphones for hands-free",
            softer=softer,
        )
        return [Verdict("weak_canceller", "note", text)]
    text = phrase("Echo cancelling takes {softer:.0f} dB of it away", softer=softer)
    return [Verdict("canceller", "good", text)]


def _tell_step(step: str, words: Words) -> None:
    _write(words.told(_STEPS[step]))
    sys.stdout.flush()


def _tell_nobody(step: str) -> None:
    """Scripts want the findings alone."""


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
