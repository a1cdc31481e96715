"""`--plain --hands-free`: a voice call without a screen."""

import json
import signal
import subprocess
import threading

import pytest

from tests.e2e.voice.conftest import PROGRAM, Serve, Stage, Voice
from tests.e2e.voice.listening import active, emitted_ms, find, is_quiet, loud_ms
from tests.fakes.pulse import wait_until
from voicechat.conversation.journal.learned import FILE

pytestmark = pytest.mark.sound


def test_a_call_without_a_screen_hears_speaks_and_writes(
    stage: Stage, serve: Serve, voice: Voice
) -> None:
    service = serve("--audio-ms", "1500")
    options = ["--model", "gpt-4o-realtime", "--url", service.url, "--plain", "--hands-free"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*PROGRAM, *options], env=stage.env, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe
    ) as program:
        service.wait_for("input_audio_buffer.append")
        with stage.pulse.record("mic") as said, stage.pulse.record_loudspeaker() as heard:
            stage.pulse.play_to_microphone(voice("good morning everybody"))
            wait_until(lambda: loud_ms(heard.pcm) > 1400, "the reply", 20)
            wait_until(lambda: is_quiet(heard.pcm, 200), "silence")
            words = active(said.pcm)
        assert find(words, service.received())[1] > 0.9
        assert emitted_ms(heard.pcm) > 1490
        program.send_signal(signal.SIGTERM)
        killer = threading.Timer(10, program.kill)
        killer.start()
        out, err = program.communicate()
        killer.cancel()
    assert program.returncode == 128 + signal.SIGTERM
    lines = out.decode().splitlines()
    assert "> This is what the user said." in lines
    assert any(line.startswith("Good to hear you.") for line in lines)
    assert "Traceback" not in err.decode()
    service.check_manners()


@pytest.mark.long
def test_scripts_are_told_how_the_sound_was_kept_together_and_the_next_call_knows_it(
    stage: Stage, serve: Serve
) -> None:
    service = serve("--audio-ms", "1500")
    options = ["--model", "gpt-4o-realtime", "--url", service.url, "--plain", "--hands-free"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*PROGRAM, *options, "--json"], env=stage.env, stdin=pipe, stdout=pipe, text=True
    ) as program:
        assert program.stdin is not None and program.stdout is not None
        with stage.pulse.record_loudspeaker() as heard:
            program.stdin.write("tell me something\n")
            program.stdin.flush()
            wait_until(lambda: loud_ms(heard.pcm) > 1400, "the reply", 20)
            wait_until(lambda: is_quiet(heard.pcm, 200), "silence")
        program.send_signal(signal.SIGTERM)
        events = [json.loads(line) for line in program.stdout]
    (done,) = [event for event in events if event["event"] == "reply_done"]
    assert done["sound"]["target_ms"] > 0 and done["sound"]["echo"]["state"] == "looking"
    end = events[-1]
    assert (end["event"], end["sound"]["level_ms"], end["sound"]["is_slow"]) == ("end", 0, False)
    kept = json.loads((stage.home / "data" / FILE).read_text())["learned"]
    assert len(kept) == 1 and all("start_costs" in state for state in kept.values())
