"""The program talks Gemini's language: a real child process against the stand-in."""

import json
import sys
import wave
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tests.e2e.plain.program import Outcome, Program
from tests.fakes.ga_signal import RATE, decode_position, silence, timecode, tone
from tests.fakes.gemini_script import SCRIPTS
from tests.fakes.gemini_server import GeminiServer

KEY = "AIzaCanary0123456789CANARY"
ROOT = Path(__file__).parents[3]
GREETING = SCRIPTS["normal"].answers[0].text


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


async def call(
    program: Program,
    server: GeminiServer | str,
    *options: str,
    stdin: str = "hello\n",
    key: str = "GEMINI_API_KEY",
) -> Outcome:
    url = server if isinstance(server, str) else f"ws://127.0.0.1:{server.port}/"
    return await program.run(
        "--plain", "--url", url, "--model", "gemini", *options, stdin=stdin, env={key: KEY}
    )


def write_wav(path: Path, pcm: bytes) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm)


@pytest.mark.parametrize("key", ["GEMINI_API_KEY", "GOOGLE_API_KEY"])
async def test_typed_lines_are_answered(program: Program, key: str) -> None:
    async with GeminiServer() as server:
        done = await call(program, server, stdin="hello\nand again\n", key=key)
    assert (done.code, done.err) == (0, "")
    assert done.out.split("\n") == [GREETING, GREETING, ""]
    assert server.session.texts == ["hello", "and again"]
    assert server.violations == []
    assert program.holds(KEY) == []


async def test_a_spoken_turn_is_answered_and_the_answer_saved(program: Program) -> None:
    write_wav(program.home / "say.wav", tone(900))
    async with GeminiServer() as server:
        done = await call(
            program, server, "--say", "say.wav", "--save-reply", "reply.wav", stdin=""
        )
    assert (done.code, done.err) == (0, "")
    assert GREETING in done.out
    with wave.open(str(program.home / "reply.wav"), "rb") as file:
        assert (file.getframerate(), file.getnchannels()) == (24_000, 1)
        assert file.readframes(file.getnframes()) == timecode(0, 2000)
    heard_ms = len(server.session.received) / 32
    assert 880 <= heard_ms <= 920
    assert server.kinds() == [
        "setup",
        "realtimeInput.activityStart",
        "realtimeInput.audio",
        "realtimeInput.activityEnd",
    ]
    assert server.violations == []


async def test_the_server_finds_a_spoken_turn_hands_free(program: Program) -> None:
    write_wav(program.home / "say.wav", silence(200) + tone(700))
    async with GeminiServer("short") as server:
        done = await call(program, server, "--hands-free", "--say", "say.wav", "--json", stdin="")
    assert done.code == 0, done.err
    assert [event["status"] for event in done.of("reply_done")] == ["completed"]
    assert "activityStart" not in str(server.kinds())
    assert server.violations == []


async def test_an_answer_without_words_of_the_model_says_so(program: Program) -> None:
    async with GeminiServer("rejected") as server:
        done = await call(program, server, stdin="hello\nagain\n")
    assert "response rejected" in done.failed_with_one_line()
    assert GREETING in done.out


async def test_a_spoken_answer_at_another_rate_is_saved_at_that_rate(program: Program) -> None:
    async with GeminiServer("other_rate") as server:
        done = await call(program, server, "--save-reply", "reply.wav")
    assert done.code == 0, done.err
    with wave.open(str(program.home / "reply.wav"), "rb") as file:
        assert file.getframerate() == 16_000
        pcm = file.readframes(file.getnframes())
    position = decode_position(pcm[:16_000], rate=16_000)
    assert position is not None and position.index == 0


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("bad_key", "API key not valid. Please pass a valid API key. Check the key in GOOGLE_API"),
        ("region", "location is not supported"),
        ("quota", "exceeded your current quota"),
    ],
)
async def test_a_refusal_fails_with_one_line(program: Program, script: str, words: str) -> None:
    async with GeminiServer(script) as server:
        done = await call(program, server, key="GOOGLE_API_KEY")
    assert words in done.failed_with_one_line()
    assert KEY not in done.err + done.out


async def test_without_a_key_it_says_what_to_set(program: Program) -> None:
    done = await program.run("--plain", "--model", "gemini", stdin="hello\n")
    assert "GEMINI_API_KEY" in done.failed_with_one_line(code=2)


async def test_the_stand_in_runs_as_a_process_of_its_own(program: Program) -> None:
    log = program.home / "wire.jsonl"
    options = ("--port", "0", "--log", str(log), "--script", "short", "--api-key", KEY)
    command = (sys.executable, "-m", "tests.fakes.gemini_server", *options)
    process = await create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE)
    try:
        assert process.stdout is not None
        port = json.loads(await process.stdout.readline())["port"]
        done = await call(program, f"ws://127.0.0.1:{port}")
    finally:
        process.terminate()
        await process.communicate()
    assert (done.code, done.out) == (0, "Yes.\n")
    entries = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert {entry["dir"] for entry in entries} == {"in", "out", "note"}
    assert KEY not in log.read_text("utf-8")
