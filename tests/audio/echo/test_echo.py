"""The assistant does not hear itself, the user is heard, and who wears headphones pays nothing."""

import subprocess
import sys

import numpy as np
import pytest

from tests.audio.echo_room import (
    Room,
    Sound,
    far_end,
    near_end,
    pcm,
    power_db,
    send,
)
from tests.fakes.ga_vad import EnergyVad
from voicechat.audio.echo.echo import Echo, EchoStats
from voicechat.events import Notice

RATE = 24_000
HEADPHONES = Room(gain_db=-200)


def whole_chunks(sound: Sound) -> Sound:
    return sound[: sound.size // 480 * 480]


def state_of(echo: Echo) -> str:
    return echo.stats.state


def seconds(sound: Sound, first: float, last: float) -> Sound:
    return sound[round(first * RATE) : round(last * RATE)]


def heard_in(room: Room, played: Sound) -> Sound:
    return room.echo(played) + room.noise(played.size)


def softened_db(heard: Sound, sent: Sound, first: float, last: float) -> float:
    return power_db(seconds(heard, first, last)) - power_db(seconds(sent, first, last))


@pytest.mark.parametrize(
    ("room", "steady_db"),
    [
        (Room(), 30),
        (Room(delay_ms=20), 30),
        (Room(delay_ms=250), 30),
        (Room(delay_ms=480), 25),
        (Room(delay_ms=700), 25),
        (Room(gain_db=0), 30),
        (Room(gain_db=0, clips=True, rt60_ms=400), 25),
        (Room(drift_ppm=500), 12),
    ],
)
def test_an_echo_is_taken_out(room: Room, steady_db: float) -> None:
    far = far_end()[: 20 * RATE]
    heard, echo = heard_in(room, far), Echo("auto")
    sent = send(echo, heard, far)
    assert softened_db(heard, sent, 8, 19) > steady_db
    assert state_of(echo) == "on" and echo.stats.erle_db is not None
    assert echo.stats.delay_ms == pytest.approx(room.delay_ms - 10, abs=15)


def test_the_first_second_is_cancelled_before_it_is_known_whether_there_is_an_echo() -> None:
    far = far_end()[: 2 * RATE]
    heard, echo = heard_in(Room(), far), Echo("auto")
    sent = send(echo, heard[: RATE - 480], far)
    assert echo.stats == EchoStats("looking", None, None)
    assert softened_db(heard, sent, 0.1, 0.95) > 20


def test_before_anything_is_played_and_with_headphones_the_voice_is_not_touched() -> None:
    near, far = near_end(), far_end()[: 10 * RATE]
    echo = Echo("auto")
    assert send(echo, near, np.zeros_like(near)) == pytest.approx(
        near[: near.size // 480 * 480], abs=1
    )
    assert state_of(echo) == "looking"
    send(echo, heard_in(HEADPHONES, far), far)
    assert echo.stats == EchoStats("off", None, None)
    voice = near[: 7 * RATE].round()
    assert (send(echo, voice, far) == whole_chunks(voice)).all()


def test_with_headphones_a_second_of_the_first_reply_may_be_talked_over() -> None:
    far, near, echo = far_end()[: 4 * RATE], near_end(), Echo("auto")
    send(echo, heard_in(HEADPHONES, far[:RATE]), far[:RATE])
    assert echo.is_trusted
    voice = whole_chunks(near[: 2 * RATE].round())
    assert (send(echo, voice, far[RATE:]) == voice).all()


def test_when_headphones_are_pulled_the_echo_is_found_again() -> None:
    far, echo = far_end(), Echo("auto")
    send(echo, heard_in(HEADPHONES, far[: 6 * RATE]), far[: 6 * RATE])
    assert state_of(echo) == "off"
    rest = far[6 * RATE :]
    heard = heard_in(Room(), rest)
    sent = send(echo, heard, rest)
    assert state_of(echo) == "on"
    assert softened_db(heard, sent, 5, 15) > 30


def test_when_headphones_are_put_on_the_canceller_is_let_go_after_a_while() -> None:
    far, echo = far_end(), Echo("auto")
    send(echo, heard_in(Room(), far[: 5 * RATE]), far[: 5 * RATE])
    assert state_of(echo) == "on"
    send(echo, heard_in(HEADPHONES, far), far)
    assert state_of(echo) == "off"


def test_a_device_that_was_opened_anew_is_judged_anew() -> None:
    far, echo = far_end()[: 5 * RATE], Echo("auto")
    send(echo, heard_in(Room(), far), far)
    echo.restart()
    assert echo.stats == EchoStats("looking", None, None) and not echo.is_known


def test_on_means_always_and_off_means_never() -> None:
    near, nothing = near_end()[: 2 * RATE], np.zeros(2 * RATE)
    always, never = Echo("on"), Echo("off")
    sent = send(always, near, nothing)
    assert always.stats.state == "on" and (sent != near[: sent.size].round()).any()
    far = far_end()[: 2 * RATE]
    assert send(never, far, far) == pytest.approx(whole_chunks(far), abs=1)
    assert never.stats == EchoStats("off", None, None)


def test_the_user_is_heard_over_the_assistant() -> None:
    far, near = far_end()[: 16 * RATE], np.zeros(16 * RATE)
    near[6 * RATE : 6 * RATE + near_end().size] = near_end()
    room = Room()
    sent = send(Echo("auto"), heard_in(room, far) + near, far)
    alone = send(Echo("auto"), heard_in(room, far), far)
    speaks = slice(6 * RATE, 13 * RATE)
    assert power_db(sent[speaks]) > power_db(near[speaks]) - 8
    assert power_db(sent[speaks]) > power_db(alone[speaks]) + 20


def test_the_user_alone_is_hardly_changed() -> None:
    far, near = far_end(), near_end()
    echo, room = Echo("auto"), Room()
    send(echo, heard_in(room, far[: 8 * RATE]), far[: 8 * RATE])
    send(echo, room.noise(RATE), np.zeros(RATE))
    sent = send(echo, near + room.noise(near.size), np.zeros_like(near))
    assert state_of(echo) == "on"
    assert power_db(sent[:RATE]) == pytest.approx(power_db(near[:RATE]), abs=2)
    assert power_db(sent) == pytest.approx(power_db(near), abs=2)


def test_where_nothing_is_played_for_long_the_canceller_rests_and_comes_back_at_once() -> None:
    far, near, room, echo = far_end()[: 6 * RATE], near_end(), Room(), Echo("auto")
    send(echo, heard_in(room, far), far)
    pause = room.noise(4 * RATE).round()
    rested = send(echo, pause, np.zeros_like(pause))
    assert (rested[3 * RATE :] == pause[3 * RATE : rested.size]).all()
    assert send(echo, near, np.zeros_like(near)) == pytest.approx(whole_chunks(near), abs=1)
    assert state_of(echo) == "on"
    heard = heard_in(room, far)
    assert softened_db(heard, send(echo, heard, far), 0.1, 5) > 25


@pytest.mark.parametrize("before", ["off", "on"])
def test_changing_over_makes_no_click(before: str) -> None:
    """A steady tone stays a steady tone, when the canceller comes and when it goes."""
    far = far_end()
    tone = np.sin(np.arange(far.size) * 2 * np.pi * 200 / RATE) * 3000
    if before == "off":
        heard = tone + HEADPHONES.echo(far)
        sent = send(Echo("auto", noise_suppression=False), heard, far)
    else:
        played = np.concatenate([np.zeros(RATE), far])
        tone = np.sin(np.arange(played.size) * 2 * np.pi * 200 / RATE) * 3000
        heard = tone + Room(gain_db=-60).echo(played)
        sent = send(Echo("auto", noise_suppression=False), heard, played)
    assert np.abs(np.diff(sent)).max() < 3 * np.abs(np.diff(tone)).max()


@pytest.mark.parametrize("chunk", [240, 480, 960])
def test_every_chunk_comes_back_as_long_as_it_was(chunk: int) -> None:
    far, echo = far_end()[: 2 * RATE], Echo("on")
    for at in range(0, 2 * RATE, chunk):
        echo.play(pcm(far[at : at + chunk]))
        assert len(echo.process(pcm(far[at : at + chunk]))) == 2 * chunk


# -- without WebRTC's canceller -------------------------------------------------------------------

BLOCKED = """
import sys
sys.modules["pywebrtc_audio"] = None
from tests.audio.echo.test_echo import tell_without_the_wheel
tell_without_the_wheel()
"""


def tell_without_the_wheel() -> None:
    """In a process where the wheel cannot be imported."""
    far, near = far_end()[: 6 * RATE], near_end()[: 2 * RATE]
    told = list[Notice]()
    echo = Echo("auto", notify=told.append)
    heard = heard_in(Room(), far)
    sent = send(echo, heard, far)
    assert not sent[RATE // 5 :].any(), "the assistant was heard"
    assert state_of(echo) == "half-duplex"
    after = send(echo, near, np.zeros_like(near))
    assert not after[: RATE // 10].any() and (after[RATE:] == near[RATE:].round()[:RATE]).all()
    send(echo, heard, far)
    assert [notice.code for notice in told] == ["sound_half_duplex"]
    assert "headphones" in told[0].message
    echo.allows_half_duplex = False
    assert (send(echo, heard, far)[RATE:] == heard.round()[RATE:][: 5 * RATE]).all()
    quiet = Echo("auto")
    send(quiet, heard_in(HEADPHONES, far), far)
    assert quiet.stats.state == "off", "with headphones the microphone stays open"


def test_without_the_canceller_the_microphone_is_closed_meanwhile_and_that_is_told_once() -> None:
    done = subprocess.run([sys.executable, "-c", BLOCKED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("gain_db", [-12, 0])
def test_a_jump_while_nothing_is_played_lets_nothing_through_of_the_next_reply(
    gain_db: float,
) -> None:
    """The loudspeaker's queue ran dry, or was put right, between two replies."""
    echo, far = Echo("auto"), far_end()[: 5 * RATE]
    reply = np.concatenate([far, np.zeros(3 * RATE)])
    heard = heard_in(Room(gain_db=gain_db), reply)
    send(echo, heard, reply)
    for jump_ms in (12, -7, 5):
        late = np.roll(heard, jump_ms * RATE // 1000)
        echo._reference.shifts += 1
        begun = EnergyVad().feed(pcm(send(echo, late, reply)))
        assert not begun, f"a jump of {jump_ms} ms was taken for speech"


def test_after_a_jump_the_user_is_heard_over_a_usual_echo() -> None:
    echo, far = Echo("auto"), far_end()[: 5 * RATE]
    reply = np.concatenate([far, np.zeros(3 * RATE)])
    heard = heard_in(Room(), reply)
    send(echo, heard, reply)
    echo._reference.shifts += 1
    near = near_end()[: 2 * RATE]
    heard[RATE : 3 * RATE] += near
    begun = EnergyVad().feed(pcm(send(echo, heard, reply)))
    assert begun and begun[0].at_ms < 1700


@pytest.mark.parametrize(
    ("gain_db", "jump_ms"), [(-12, -40), (-12, -8), (-12, 12), (-12, 60), (0, 12)]
)
def test_an_echo_that_jumps_by_itself_is_not_taken_for_speech(gain_db: float, jump_ms: int) -> None:
    """A device lost or repeated a block, and nobody told us."""
    echo, far = Echo("auto"), far_end()[: 12 * RATE]
    heard, at = heard_in(Room(gain_db=gain_db), far), 6 * RATE
    late = np.roll(heard, jump_ms * RATE // 1000)
    sent = send(echo, np.concatenate([heard[:at], late[at:]]), far)
    assert EnergyVad().feed(pcm(sent)) == []
