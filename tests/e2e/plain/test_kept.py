"""What a run leaves on the disk: the conversation, the trace, and nothing that was not wanted."""

import asyncio
import json
import random
import shutil
import stat
from itertools import pairwise

import pytest

from tests.e2e.plain.program import KEY, MODEL, JsonObject, Program
from tests.fakes.ga_script import GREETING
from tests.fakes.ga_server import GaServer
from voicechat.connection.trace import read
from voicechat.conversation.journal import load


async def test_every_finished_item_is_a_line(program: Program) -> None:
    async with GaServer() as server:
        await program.call(server, stdin="one\ntwo\n")
    (path,) = (program.data / "conversations").iterdir()
    header, *records = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    assert (header["type"], header["model"], header["provider"]) == (
        "conversation",
        MODEL,
        "openai",
    )
    assert [(r["role"], r["text"]) for r in records if r["type"] == "item"] == [
        ("user", "one"),
        ("assistant", GREETING),
        ("user", "two"),
        ("assistant", GREETING),
    ]


@pytest.mark.fault("S06", "S07")
async def test_what_is_kept_is_its_owners_alone(program: Program) -> None:
    program.prefix = ("sh", "-c", 'umask 000; exec "$@"', "sh")
    async with GaServer() as server:
        await program.call(server, "--trace", "wire.jsonl", "--save-reply", "reply.wav")
    folder = program.data / "conversations"
    (path,) = folder.iterdir()
    for private in (program.data, folder):
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
    for private in (path, program.home / "wire.jsonl", program.home / "reply.wav"):
        assert stat.S_IMODE(private.stat().st_mode) == 0o600


@pytest.mark.parametrize("way", ["option", "config"])
async def test_nothing_is_written_when_nothing_is_to_be_kept(program: Program, way: str) -> None:
    if way == "config":
        program.config.write_text("save = false\n")
    async with GaServer() as server:
        done = await program.call(server, *(("--no-save",) if way == "option" else ()))
    assert done.code == 0
    assert program.files() == [program.config]


async def test_a_run_without_a_word_leaves_no_file(program: Program) -> None:
    async with GaServer() as server:
        await program.call(server, stdin="")
    assert program.files() == [program.config]


async def test_each_run_is_a_conversation_of_its_own(program: Program) -> None:
    for _ in range(2):
        assert (await program.run("--plain", stdin="hello\n")).code == 0
    assert len(list((program.data / "conversations").iterdir())) == 2


@pytest.mark.fault("D02")
async def test_a_folder_that_cannot_be_written_is_told_and_the_talk_goes_on(
    program: Program,
) -> None:
    program.data.write_text("a file where the folder should be")
    async with GaServer() as server:
        done = await program.call(server)
    assert (done.code, done.out) == (0, GREETING + "\n")
    assert str(program.data) in done.err


async def test_the_trace_holds_both_directions_and_no_key(program: Program) -> None:
    async with GaServer() as server:
        done = await program.call(server, "--trace", "wire.jsonl", "--save-reply", "reply.wav")
        sent = [message["type"] for message in map(_message, server.log.directions("in"))]
        received = [m["type"] for m in map(_message, server.log.directions("out"))]
    assert done.code == 0
    entries = read(program.home / "wire.jsonl")
    assert [e.message["type"] for e in entries if e.direction == "up"] == sent
    traced = [e.message["type"] for e in entries if e.direction == "down"]
    assert "response.done" in traced
    assert traced == received[: len(traced)]
    assert not program.holds(KEY)
    size = (program.home / "wire.jsonl").stat().st_size
    assert size < 60_000, "the sound is in the trace"


def _message(entry: dict[str, dict[str, str]]) -> dict[str, str]:
    return entry["message"]


async def test_the_trace_of_the_built_in_model_holds_no_token(program: Program) -> None:
    done = await program.run("--plain", "--trace", "wire.jsonl", stdin="hello\n")
    assert done.code == 0
    text = (program.home / "wire.jsonl").read_text()
    assert '"up"' in text and '"down"' in text and "Bearer" not in text


async def test_a_trace_that_cannot_be_written_is_told_at_once(program: Program) -> None:
    async with GaServer() as server:
        done = await program.call(server, "--trace", "no/such/folder/wire.jsonl")
        assert server.attempts == 0
    assert "no/such/folder/wire.jsonl" in done.failed_with_one_line(2)


@pytest.mark.fault("D03")
async def test_words_said_before_a_kill_are_kept(program: Program) -> None:
    """All that was finished when the next reply began is on the disk, whatever happens then."""
    async with GaServer() as server:
        options = program.call_options(server, "--json")
        async with program.running(*options, env={"OPENAI_API_KEY": KEY}) as process:
            assert process.stdin and process.stdout
            process.stdin.write(b"one\ntwo\n")
            await process.stdin.drain()
            begun = 0
            while begun < 2:
                begun += b'"reply_started"' in await process.stdout.readline()
            process.kill()
            await process.wait()
    kept = [(item["role"], item["text"]) for item in program.journal()]
    assert kept[:2] == [("user", "one"), ("assistant", GREETING)]
    assert ("user", "two") in kept


async def hear(process: asyncio.subprocess.Process, event: str) -> JsonObject:
    """The next event of that name."""
    assert process.stdout
    while line := await process.stdout.readline():
        if (told := json.loads(line))["event"] == event:
            return dict(told)
    raise AssertionError(f"it ended without {event}")


async def say(process: asyncio.subprocess.Process, text: str) -> None:
    assert process.stdin
    process.stdin.write(text.encode() + b"\n")
    await process.stdin.drain()


async def test_a_folder_that_is_removed_during_the_call_costs_nothing(program: Program) -> None:
    async with GaServer() as server:
        options = program.call_options(server, "--json")
        async with program.running(*options, env={"OPENAI_API_KEY": KEY}) as process:
            await say(process, "one")
            await hear(process, "reply_done")
            (before,) = (program.data / "conversations").iterdir()
            shutil.rmtree(program.data)
            await say(process, "two")
            assert "removed" in (await hear(process, "notice"))["text"]
            await hear(process, "reply_done")
            assert process.stdin
            process.stdin.close()
            assert await process.wait() == 0
    (after,) = (program.data / "conversations").iterdir()
    assert after == before
    said = [(item.role, item.text) for item in load(after).items]
    answer = ("assistant", GREETING)
    assert said == [("user", "one"), answer, ("user", "two"), answer]


@pytest.mark.fault("D03")
@pytest.mark.timeout(200)
async def test_a_conversation_survives_kills_at_random_moments(program: Program) -> None:
    """Every run but the first goes on with what the one before was killed over."""
    dice, runs = random.Random(3), 8
    said: list[str] = []
    async with GaServer("short_reply") as server:
        for run in range(runs):
            options = program.call_options(server, "--json", *(("--resume",) if run else ()))
            async with program.running(*options, env={"OPENAI_API_KEY": KEY}) as process:
                for number in range(dice.randrange(1, 4)):
                    said.append(f"{run}-{number}")
                    await say(process, said[-1])
                    await hear(process, "reply_done")
                await say(process, "cut short")
                await asyncio.sleep(dice.random() * 0.3)
                process.kill()
                await process.wait()
    (path,) = (program.data / "conversations").iterdir()
    loaded = load(path)
    items = [item for item in loaded.items if item.text != "cut short"]
    assert [item.text for item in items if item.role == "user"] == said
    assert loaded.damaged_lines <= runs
    for asked, answer in pairwise(items):
        if asked.role == "user" and answer.role == "user":
            assert answer.text.endswith("-0"), "only what a kill came over may be missing"
        elif asked.role == "user":
            assert answer.text == "Yes."
