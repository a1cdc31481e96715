"""The program talks GPT-Live's language: a real child process against the stand-in."""

import json
import subprocess
import sys
import wave
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.plain.program import Outcome, Program
from tests.e2e.voice.conftest import PROGRAM, Stage
from tests.e2e.voice.listening import loud_ms, share_found
from tests.e2e.voice.service import Server
from tests.fakes.fault_proxy import FaultProxy
from tests.fakes.ga_signal import RATE, decode_position, silence, timecode, tone
from tests.fakes.gptlive_script import SCRIPTS
from tests.fakes.gptlive_server import GptLiveServer
from tests.fakes.pulse import PulseServer, wait_until
from tests.fakes.terminal import Terminal, check_after

KEY = "sk-canary-0123456789abcdefCANARY"
MODEL = "gpt-live-1.1"
ROOT = Path(__file__).parents[3]
CHUNK_MS = 60
"""Of sound that is looked for: a stream at the pace of speech may have gaps."""
GREETING = SCRIPTS["normal"].answers[0].text


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


async def call(
    program: Program, server: GptLiveServer | str, *options: str, stdin: str = ""
) -> Outcome:
    url = server if isinstance(server, str) else f"ws://127.0.0.1:{server.port}"
    return await program.run(
        *("--plain", "--no-save", "--url", url, "--model", MODEL),
        *options,
        stdin=stdin,
        env={"OPENAI_API_KEY": KEY},
    )


def write_wav(path: Path, pcm: bytes) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm)


def read_wav(path: Path) -> bytes:
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getnchannels()) == (RATE, 1)
        return file.readframes(file.getnframes())


@pytest.fixture
def question(program: Program) -> str:
    write_wav(program.home / "say.wav", tone(900))
    return "say.wav"


async def test_a_spoken_turn_is_answered_and_the_answer_saved(
    program: Program, question: str
) -> None:
    async with GptLiveServer(api_key=KEY) as server:
        done = await call(program, server, "--say", question, "--save-reply", "reply.wav")
    assert (done.code, done.err) == (0, "")
    assert done.out == GREETING + "\n"
    answer = read_wav(program.home / "reply.wav")
    assert answer.rstrip(b"\0") == timecode(0, 2000).rstrip(b"\0")
    heard_ms = len(bytes(server.session.heard).strip(b"\0")) / 48
    assert 880 <= heard_ms <= 920
    assert server.violations == []
    assert program.holds(KEY) == []


async def test_the_model_finds_a_spoken_turn_hands_free(program: Program) -> None:
    write_wav(program.home / "say.wav", silence(200) + tone(700))
    async with GptLiveServer("short", api_key=KEY) as server:
        done = await call(program, server, "--hands-free", "--say", "say.wav", "--json")
    assert done.code == 0, done.err
    assert [event["status"] for event in done.of("reply_done")] == ["completed"]
    assert not [kind for kind in server.kinds() if kind.endswith("mute")]
    assert server.violations == []


async def test_of_two_questions_in_one_breath_the_last_answer_is_waited_for(
    program: Program,
) -> None:
    write_wav(program.home / "say.wav", tone(700) + silence(2000) + tone(700))
    async with GptLiveServer("long", api_key=KEY) as server:
        done = await call(program, server, "--hands-free", "--say", "say.wav", "--json")
    assert done.code == 0, done.err
    ends = [event["status"] for event in done.of("reply_done")]
    assert ends == ["cancelled", "completed"]


async def test_typed_lines_are_refused_in_words_and_never_sent(program: Program) -> None:
    async with GptLiveServer(api_key=KEY) as server:
        done = await call(program, server, stdin="hello\nand again\n")
    assert done.code == 1
    assert "typed" in done.err and "Traceback" not in done.err
    assert not [kind for kind in server.kinds() if kind.endswith("instructions.append")]
    assert server.violations == []


async def test_a_model_that_says_nothing_fails_with_one_line(
    program: Program, question: str
) -> None:
    async with GptLiveServer("mute", api_key=KEY) as server:
        done = await call(program, server, "--say", question)
    assert "did not begin to answer" in done.failed_with_one_line()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("no_credit", "plan and credit"),
        ("no_model", "Choose another model"),
        ("filtered", "safety filter"),
        ("lost", "lost the session on its side"),
    ],
)
async def test_a_refusal_is_told_in_one_line(
    program: Program, question: str, script: str, words: str
) -> None:
    async with GptLiveServer(script, api_key=KEY) as server:
        done = await call(program, server, "--say", question)
    assert done.code == 1
    assert words in done.complaints[-1]
    assert KEY not in done.err + done.out


async def test_a_bad_key_ends_with_one_line(program: Program, question: str) -> None:
    async with GptLiveServer(api_key="another-key-0123456789") as server:
        done = await call(program, server, "--say", question)
    line = done.failed_with_one_line()
    assert "Check the key in OPENAI_API_KEY" in line and KEY not in line
    assert server.sessions == []


async def test_the_stand_in_runs_as_a_process_of_its_own(program: Program, question: str) -> None:
    log = program.home / "wire.jsonl"
    options = ("--port", "0", "--log", str(log), "--script", "short", "--api-key", KEY)
    command = (sys.executable, "-m", "tests.fakes.gptlive_server", *options)
    process = await create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE)
    try:
        assert process.stdout is not None
        port = json.loads(await process.stdout.readline())["port"]
        url = f"ws://127.0.0.1:{port}"
        done = await call(program, url, "--say", question, "--save-reply", "reply.wav")
    finally:
        process.terminate()
        await process.communicate()
    assert (done.code, done.out) == (0, "Yes.\n")
    position = decode_position(read_wav(program.home / "reply.wav")[: 200 * 48])
    assert position is not None and position.index == 0
    assert KEY not in log.read_text("utf-8")


# -- in a terminal, with real sound -----------------------------------------------------------


@contextmanager
def serving(home: Path, script: str) -> Iterator[Server]:
    """The stand-in as a process of its own."""
    log = home / "wire.jsonl"
    log.touch()
    command = (sys.executable, "-m", "tests.fakes.gptlive_server", "--log", str(log))
    process = subprocess.Popen((*command, "--script", script), cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield Server(json.loads(process.stdout.readline())["port"], log)
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with PulseServer() as pulse:
        stage = Stage(tmp_path, pulse)
        yield stage
        stage.close()


def dial(stage: Stage, service: Server, *options: str) -> Terminal:
    url = f"ws://127.0.0.1:{service.port}"
    terminal = stage.start("--model", MODEL, "--url", url, *options)
    service.wait_for("session.started", "out")
    terminal.wait_for("connected")
    return terminal


@pytest.mark.sound
@pytest.mark.terminal
def test_a_press_is_answered_by_the_loudspeaker(stage: Stage) -> None:
    with serving(stage.home, "two") as service:
        terminal = dial(stage, service)
        with stage.pulse.record_loudspeaker() as played:
            for number, answer in enumerate(("I talk long enough", "that was the second"), 1):
                terminal.press("space")
                terminal.wait_for("LIVE: Space sends")
                stage.pulse.play_to_microphone(tone(900))
                terminal.press("space")
                terminal.wait_for(answer)
                assert len(service.of("session.input_audio.unmute")) == number
            wait_until(lambda: loud_ms(played.pcm) >= 2700, "both answers in full")
        assert share_found(timecode(0, 2000), played.pcm, CHUNK_MS) > 0.75
        assert share_found(timecode(1, 800), played.pcm, CHUNK_MS) > 0.75
        text = terminal.screen_text()
        rows = ("You: This is what", "I talk long enough", "that was the second")
        assert all(row in text for row in rows)
        assert text.index("I talk long enough") < text.rindex("You: This is what")
        assert text.rindex("You: This is what") < text.index("that was the second")
        check_after(terminal, leave=lambda: terminal.press("ctrl+q"))
        assert [entry for entry in service.entries() if entry["dir"] == "violation"] == []


@pytest.mark.sound
@pytest.mark.terminal
def test_hands_free_the_user_talks_over_an_answer(stage: Stage) -> None:
    with serving(stage.home, "long") as service:
        terminal = dial(stage, service, "--hands-free")
        with stage.pulse.record_loudspeaker() as played:
            stage.pulse.play_to_microphone(tone(700))
            wait_until(lambda: loud_ms(played.pcm) > 800, "the answer")
            stage.pulse.play_to_microphone(tone(700))
            terminal.wait_for("Yes.")
            second = timecode(1, 400)
            wait_until(lambda: share_found(second, played.pcm, CHUNK_MS) > 0.6, "the second")
        assert loud_ms(played.pcm) < 6000
        check_after(terminal, leave=lambda: terminal.press("ctrl+q"))


# -- on a line that is slower than speech -----------------------------------------------------

THIN = 8_000
"""Bytes a second: an eighth of what the sound needs."""


@contextmanager
def thin_road(service: Server) -> Iterator[str]:
    """The address of the service behind a line that is slow on the way up."""
    with FaultProxy(service.port) as proxy:
        proxy.rate(THIN, "up")
        yield f"ws://127.0.0.1:{proxy.port}"


@pytest.mark.sound
@pytest.mark.terminal
@pytest.mark.fault("N25")
def test_a_line_slower_than_speech_is_told_on_the_screen(stage: Stage) -> None:
    with serving(stage.home, "mute") as service, thin_road(service) as url:
        terminal = stage.start("--model", MODEL, "--url", url, "--hands-free")
        service.wait_for("session.started", "out")
        terminal.wait_for("connected")
        speech = stage.pulse.play_to_microphone(tone(30_000), wait=False)
        terminal.wait_for("Your line is slower than speech", 20)
        speech.stop()
        check_after(terminal, leave=lambda: terminal.press("ctrl+q"), within_s=6.0)


@pytest.mark.long
@pytest.mark.sound
@pytest.mark.timeout(120)
@pytest.mark.fault("N25")
def test_what_waits_too_long_on_a_slow_line_is_dropped_and_told(stage: Stage) -> None:
    with serving(stage.home, "mute") as service, thin_road(service) as url:
        options = ("--plain", "--json", "--hands-free", "--model", MODEL, "--url", url)
        pipe = subprocess.PIPE
        with subprocess.Popen([*PROGRAM, *options], env=stage.env, stdin=pipe, stdout=pipe) as ours:
            assert ours.stdout is not None
            service.wait_for("session.started", "out")
            speech = stage.pulse.play_to_microphone(tone(60_000), wait=False)
            told: list[str] = []
            for line in ours.stdout:
                event = json.loads(line)
                told.append(event.get("code", ""))
                if event.get("code") == "line_loses":
                    break
            speech.stop()
            ours.terminate()
            ours.stdout.read()
        assert "line_slow" in told and told.count("line_loses") == 1
