"""An echo is found wherever it is, and nothing else is taken for one."""

import numpy as np
import pytest

from tests.audio.echo_room import Room, Sound, far_end, near_end
from voicechat.audio.echo.delay_search import EchoSearch, Finding
from voicechat.audio.echo.frame import FRAME, slices


def search(heard: Sound, played: Sound) -> list[Finding]:
    """All answers for two sounds."""
    seeker = EchoSearch()
    sides = [side.round().clip(-32768, 32767).astype(np.int16) for side in (heard, played)]
    frames = min(map(len, sides)) // FRAME
    pairs = zip(*(slices(side[: frames * FRAME].tobytes()) for side in sides), strict=True)
    return [found for pair in pairs if (found := seeker.feed(*pair))]


@pytest.mark.parametrize(
    ("room", "share"),
    [
        (Room(), 1.0),
        (Room(delay_ms=0, gain_db=0), 1.0),
        (Room(delay_ms=480), 1.0),
        (Room(delay_ms=900), 0.9),
        (Room(gain_db=-40), 1.0),
        (Room(gain_db=0, clips=True, rt60_ms=400), 1.0),
        (Room(noise_dbfs=-40), 1.0),
        (Room(drift_ppm=500), 0.6),
    ],
)
def test_an_echo_is_found_and_its_delay_too(room: Room, share: float) -> None:
    far = far_end()[: 24_000 * 12]
    findings = search(room.echo(far) + room.noise(far.size), far)
    found = [finding for finding in findings if finding.is_echo]
    assert len(findings) > 8 and len(found) >= share * len(findings)
    assert all(abs(finding.delay_ms - room.delay_ms) <= 8 for finding in found)


def test_an_echo_is_found_while_the_user_speaks() -> None:
    far, near = far_end()[: 24_000 * 8], near_end()[: 24_000 * 8]
    room = Room()
    findings = search(room.echo(far) + near[: far.size] + room.noise(far.size), far)
    assert sum(finding.is_echo for finding in findings) > len(findings) / 3


@pytest.mark.parametrize("shift_s", [0, 1, 2.5, 4])
def test_another_voice_is_no_echo(shift_s: float) -> None:
    far = far_end()[: 24_000 * 20]
    near = np.resize(np.roll(near_end(), round(shift_s * 24_000)), far.size)
    findings = search(near + Room().noise(far.size), far)
    assert len(findings) > 20 and not any(finding.is_echo for finding in findings)


def test_noise_is_no_echo() -> None:
    far = far_end()[: 24_000 * 20]
    findings = search(Room(noise_dbfs=-30).noise(far.size), far)
    assert len(findings) > 20 and not any(finding.is_echo for finding in findings)


def test_where_nothing_is_played_nothing_is_asked() -> None:
    near = near_end()
    assert search(near, np.zeros_like(near)) == []
    assert search(near, Room(noise_dbfs=-70).noise(near.size)) == []


def test_after_a_restart_old_sound_is_forgotten() -> None:
    seeker, far = EchoSearch(), slices(far_end().astype(np.int16)[: 24_000 * 4].tobytes())
    for each in far[:200]:
        seeker.feed(each, each)
    seeker.restart()
    answers = [seeker.feed(each, each) for each in far[200:]]
    first = next(number for number, answer in enumerate(answers) if answer)
    assert first >= 99
