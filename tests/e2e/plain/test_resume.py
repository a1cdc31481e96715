"""A conversation taken up again by the real program, and the lists of what was kept."""

import asyncio
import json
import signal
import stat
from pathlib import Path

import pytest

from tests.e2e.plain.program import KEY, MODEL, Outcome, Program, handshakes, sent_to
from tests.fakes.ga_script import GREETING
from tests.fakes.ga_server import GaServer


async def begin(program: Program, *words: str, model: str = MODEL) -> str:
    """Have a conversation; its id."""
    before = set(kept(program))
    async with GaServer() as server:
        done = await program.call(server, "--model", model, stdin="\n".join(words) + "\n")
    assert done.code == 0, done.err
    (path,) = set(kept(program)) - before
    return path.stem


def kept(program: Program) -> list[Path]:
    return sorted(program.data.glob("conversations/*.jsonl"))


async def ask(program: Program, wanted: str, *options: str) -> tuple[Outcome, str]:
    """Go on with a conversation; the outcome, and all that the model knew at the end."""
    async with GaServer("recall") as server:
        done = await program.call(server, "--resume", wanted, *options, stdin="what do you know?\n")
        sent_to(server)
    return done, done.out


def complain(done: Outcome) -> list[str]:
    return [line.removeprefix("voicechat: ") for line in done.complaints]


# -- the model knows ------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", ["id", "part", "last"])
async def test_the_model_knows_what_was_said_before(program: Program, wanted: str) -> None:
    name = await begin(program, "my cat is called Mitzi")
    asked = {"id": name, "part": name[-6:], "last": "last"}[wanted]
    done, knows = await ask(program, asked)
    assert done.code == 0
    assert "user: my cat is called Mitzi" in knows and f"assistant: {GREETING}" in knows
    assert knows.index("Mitzi") < knows.index("what do you know?")
    (told,) = complain(done)
    assert name in told and "rows: 2" in told and MODEL in told


async def test_an_option_without_a_name_means_the_last(program: Program) -> None:
    await begin(program, "the older one")
    await begin(program, "the newer one")
    async with GaServer("recall") as server:
        done = await program.call(server, "--resume", stdin="and?\n")
    assert "the newer one" in done.out and "the older one" not in done.out


async def test_the_last_is_the_one_that_was_written_last(program: Program) -> None:
    older = await begin(program, "the older one")
    await begin(program, "the newer one")
    await ask(program, older)
    _, knows = await ask(program, "last")
    assert "the older one" in knows and "the newer one" not in knows


async def test_it_goes_on_in_the_same_file_for_as_often_as_one_likes(program: Program) -> None:
    name = await begin(program, "one")
    for _ in range(3):
        assert (await ask(program, name))[0].code == 0
    assert [path.stem for path in kept(program)] == [name]
    items = program.journal()
    assert [item["text"] for item in items if item["role"] == "user"] == [
        "one",
        *["what do you know?"] * 3,
    ]
    assert len({item["id"] for item in items}) == len(items) == 8
    assert stat.S_IMODE(kept(program)[0].stat().st_mode) == 0o600


async def test_another_model_may_go_on(program: Program) -> None:
    name = await begin(program, "my cat is called Mitzi")
    done, knows = await ask(program, name, "--model", "gpt-realtime-2")
    assert done.code == 0 and "Mitzi" in knows
    models = [item["model"] for item in program.journal() if item["role"] == "assistant"]
    assert models == [MODEL, "gpt-realtime-2"]


async def test_without_another_the_model_of_the_conversation_answers(program: Program) -> None:
    name = await begin(program, "hello", model="gpt-realtime-2")
    async with GaServer() as server:
        program.config.write_text(f'model = "{MODEL}"\nurl = "{server.url}"\n')
        env = {"OPENAI_API_KEY": KEY}
        done = await program.run("--plain", "--resume", name, stdin="hello\n", env=env)
        assert handshakes(server)[-1]["path"].endswith("model=gpt-realtime-2")
    assert done.code == 0


async def test_the_built_in_model_remembers_as_well(program: Program) -> None:
    assert (await program.run("--plain", stdin="the first words\n")).code == 0
    done = await program.run("--plain", "--resume", stdin="the second words\n")
    assert done.code == 0
    assert [item["role"] for item in program.journal()] == ["user", "assistant"] * 2


async def test_scripts_get_the_rows_before_anything_else(program: Program) -> None:
    name = await begin(program, "one")
    async with GaServer() as server:
        done = await program.call(server, "--json", "--resume", name)
    past = [(event["role"], event["text"]) for event in done.of("past")]
    assert past == [("user", "one"), ("assistant", GREETING)]
    names = [event["event"] for event in done.events]
    assert names.index("past") < names.index("ready")
    assert name in done.of("notice")[0]["text"]


# -- what cannot be resumed -----------------------------------------------------------------------


async def test_an_unknown_name_is_told_with_its_nearest(program: Program) -> None:
    name = await begin(program, "one")
    async with GaServer() as server:
        done = await program.call(server, "--resume", name[:-1] + "~")
        assert server.attempts == 0
    line = done.failed_with_one_line(2)
    assert f"Did you mean {name}?" in line


@pytest.mark.parametrize(
    "wanted", ["last", "20260101-000000-abcdef", "../../etc/passwd", "\x1b[31mx"]
)
async def test_where_nothing_was_kept_nothing_is_found(program: Program, wanted: str) -> None:
    line = (await program.run("--plain", "--resume", wanted)).failed_with_one_line(2)
    assert "no conversation" in line and "None was kept" in line
    assert "\x1b" not in line


@pytest.mark.fault("D05")
async def test_a_damaged_file_gives_its_good_part_and_says_so(program: Program) -> None:
    name = await begin(program, "my cat is called Mitzi", "and my dog Rex")
    (path,) = kept(program)
    header, first, *rest = path.read_bytes().splitlines(keepends=True)
    damaged = header + bytes(500) + b"\n" + first + b"\xff\xfe{garbage\n" + b"".join(rest)[:-40]
    path.write_bytes(damaged)
    done, knows = await ask(program, name)
    assert done.code == 0
    assert "Mitzi" in knows and "Rex" in knows
    assert any("that cannot be read: 3; everything else" in line for line in complain(done))
    assert path.read_bytes().startswith(damaged), "what cannot be read is not thrown away"
    _, knows = await ask(program, name)
    assert knows.count("what do you know?") >= 2


async def test_a_file_of_which_nothing_can_be_read(program: Program) -> None:
    older = await begin(program, "the older one")
    bad = program.data / "conversations" / "20991231-235959-ffffff.jsonl"
    bad.write_bytes(b"\x00\xff" * 1000)
    line = (await program.run("--plain", "--resume", bad.stem)).failed_with_one_line(2)
    assert "Nothing of the conversation" in line and bad.stem in line
    done, knows = await ask(program, "last")
    assert done.code == 0 and "the older one" in knows
    assert older in done.err and bad.stem in done.err


@pytest.mark.fault("D08")
async def test_a_conversation_is_open_in_one_program_at_a_time(program: Program) -> None:
    async with GaServer("recall") as server:
        options = program.call_options(server, "--json")
        async with program.running(*options, env={"OPENAI_API_KEY": KEY}) as first:
            await say(first, "I came first", "reply_done")
            (path,) = kept(program)
            for wanted in (path.stem, "last"):
                done = await program.call(server, "--resume", wanted)
                assert "open in another voicechat" in done.failed_with_one_line(2)
            first.send_signal(signal.SIGKILL)
            await first.wait()
        done = await program.call(server, "--resume", path.stem, stdin="and now?\n")
    assert done.code == 0 and "I came first" in done.out


async def say(process: asyncio.subprocess.Process, text: str, until: str) -> None:
    assert process.stdin and process.stdout
    process.stdin.write(text.encode() + b"\n")
    await process.stdin.drain()
    while json.loads(await process.stdout.readline())["event"] != until:
        pass


async def test_what_is_not_to_be_kept_is_not_added(program: Program) -> None:
    name = await begin(program, "my cat is called Mitzi")
    before = {path: path.read_bytes() for path in program.files()}
    done, knows = await ask(program, name, "--no-save")
    assert done.code == 0 and "Mitzi" in knows
    assert {path: path.read_bytes() for path in program.files()} == before


# -- the lists ------------------------------------------------------------------------------------


async def test_the_list_names_every_conversation_newest_first(program: Program) -> None:
    older = await begin(program, "the older one", "and more")
    newer = await begin(program, "the newer one", model="gpt-realtime-2")
    done = await program.run("conversations", "--json")
    found = json.loads(done.out)
    assert (done.code, done.err) == (0, "")
    assert [(one["id"], one["model"], one["rows"], one["words"]) for one in found] == [
        (newer, "gpt-realtime-2", 2, "the newer one"),
        (older, MODEL, 4, "the older one"),
    ]
    done = await program.run("conversations")
    assert done.out.index(newer) < done.out.index("the newer one") < done.out.index(older)
    assert max(map(len, done.out.splitlines())) <= 80


async def test_the_list_needs_no_config_and_no_key(program: Program) -> None:
    program.config.write_text("this is no TOML")
    done = await program.run("conversations")
    assert (done.code, done.out, done.err) == (0, "No conversation was kept so far.\n", "")


async def test_one_conversation_is_printed_whole(program: Program) -> None:
    name = await begin(program, "What *is* this?")
    texts = [(await program.run("export", name, *form)).out for form in ((), ("--format", "txt"))]
    assert texts[0].startswith(f"# Conversation {name}\n") and "What \\*is\\* this?" in texts[0]
    assert "What *is* this?" in texts[1] and GREETING in texts[1]
    found = json.loads((await program.run("export", "last", "--format", "json")).out)
    assert [item["role"] for item in found["items"]] == ["user", "assistant"]
    done = await program.run("export", "nothing-like-it")
    assert "There is no conversation" in done.failed_with_one_line(2)
