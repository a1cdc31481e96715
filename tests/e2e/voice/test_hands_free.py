"""Hands-free with an independent service: it finds the turns, and may be interrupted by voice."""

import time

import pytest

from tests.e2e.voice.conftest import KEY, Serve, Stage, Voice
from tests.e2e.voice.listening import (
    active,
    check_truncation,
    check_unbroken,
    emitted,
    emitted_ms,
    find,
    is_quiet,
    loud_ms,
    samples,
)
from tests.e2e.voice.service import SlowRoad
from tests.fakes.pulse import RATE, wait_until
from tests.fakes.terminal import check_after

pytestmark = [pytest.mark.sound, pytest.mark.terminal]


def test_a_spoken_turn_is_heard_and_answered_aloud(
    stage: Stage, serve: Serve, voice: Voice
) -> None:
    service = serve("--audio-ms", "1500")
    options = ("--model", "gpt-4o-realtime", "--url", service.url, "--hands-free")
    terminal = stage.start(*options)
    terminal.wait_for(lambda text: "LIVE, hands-free" in text and "gpt-realtime-2.1" in text)
    service.wait_for("session.updated", "out")
    with stage.pulse.record("mic") as said, stage.pulse.record_loudspeaker() as heard:
        stage.pulse.play_to_microphone(voice("good morning everybody"))
        service.wait_for("input_audio_buffer.speech_stopped", "out")
        wait_until(lambda: loud_ms(heard.pcm) > 1400, "the reply")
        wait_until(lambda: is_quiet(heard.pcm, 200), "silence")
        words = active(said.pcm)
    assert find(words, service.received())[1] > 0.9
    check_unbroken(emitted(heard.pcm))
    assert emitted_ms(heard.pcm) == pytest.approx(1500, abs=3)
    screen = terminal.wait_for("AI: Good to hear you.")
    assert "You: This is what the user said." in screen
    assert "gpt-4o-realtime" in screen, "the successor was chosen without a word"
    check_after(
        terminal, leave=lambda: terminal.press("ctrl+q"), canaries=[KEY], files=[stage.home]
    )
    service.check_manners()


def test_speaking_over_a_reply_silences_it_for_good(
    stage: Stage, serve: Serve, voice: Voice
) -> None:
    service = serve("--script", "stale_deltas", "--audio-ms", "9000")
    terminal = stage.call(service, "--hands-free")
    with stage.pulse.record_loudspeaker() as heard:
        terminal.type_text("tell me a story")
        terminal.press("enter")
        wait_until(lambda: loud_ms(heard.pcm) > 1000, "a second of the reply")
        stage.pulse.play_to_microphone(voice("wait a moment please"))
        told = service.wait_for("conversation.item.truncate")["message"]
        service.wait_for("response.done", "out")
        cut_ms = loud_ms(heard.pcm)
        service.wait_for("response.created", "out", count=2)
        wait_until(lambda: loud_ms(heard.pcm) > cut_ms + 1000, "the answer to what was said")
        pieces = emitted(heard.pcm)
        started = service.of("input_audio_buffer.speech_started", "out")[0]["mono"]
        first = [piece for piece in pieces if piece.index == 0]
        silent = heard.time_of(round((first[-1].at_ms + first[-1].to_ms - first[-1].from_ms) * 24))
    check_unbroken(first)
    check_unbroken(pieces[len(first) :])
    assert {piece.index for piece in pieces[len(first) :]} == {1}, "something stale was played"
    check_truncation(told["audio_end_ms"], first[-1].to_ms)
    assert silent - started < 2, "it had talked on for seconds"
    sounds = {note["item_id"]: note["timecode"] for note in service.notes("sound")}
    assert sounds[told["item_id"]] == 0
    assert not service.of("response.cancel"), "the service had cancelled it itself"
    terminal.wait_for("[cut at")
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()


def test_the_first_words_are_kept_while_the_connection_is_made(
    stage: Stage, serve: Serve, voice: Voice
) -> None:
    service = serve()
    with SlowRoad(service.port) as road:
        terminal = stage.start("--model", "gpt-realtime-2.1", "--url", road.url, "--hands-free")
        terminal.wait_for(lambda text: "LIVE, hands-free" in text and "connecting" in text)
        with stage.pulse.record("mic") as said:
            stage.pulse.play_to_microphone(voice("these are the very first words"))
            time.sleep(0.3)
            words = active(said.pcm)
        assert "connecting" in terminal.screen_text() and road.travellers == 1
        assert not service.entries()
        road.open()
        service.wait_for("input_audio_buffer.speech_stopped", "out")
        received = service.received()
        assert len(words) > RATE and find(words, received)[1] > 0.9
        terminal.wait_for("You: This is what the user said.")
        check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()


def test_muted_means_zeros_and_unmuted_means_sound(
    stage: Stage, serve: Serve, voice: Voice
) -> None:
    service = serve()
    terminal = stage.call(service, "--hands-free")
    terminal.press("f4")
    terminal.wait_for("MUTED: Space unmutes")
    before = len(service.received())
    with stage.pulse.record("mic") as said:
        stage.pulse.play_to_microphone(voice("this is a secret"))
        words = active(said.pcm)
    wait_until(lambda: len(service.received()) > before + 2 * RATE, "a second of the uplink")
    assert len(words) > RATE and not any(service.received()[before:])
    terminal.press("space")
    terminal.wait_for("LIVE, hands-free")
    with stage.pulse.record("mic") as said:
        stage.pulse.play_to_microphone(voice("this is no secret"))
        words = active(said.pcm)
    service.wait_for("input_audio_buffer.speech_stopped", "out")
    assert find(words, service.received())[1] > 0.9
    assert samples(service.received()[:before]).max(initial=0) == 0
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
    service.check_manners()
