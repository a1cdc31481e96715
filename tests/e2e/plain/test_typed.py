"""Typed lines in, the model's words out: with the built-in model and with a service."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.plain.program import MODEL, Program, kinds_sent_to, sent_to
from tests.fakes.ga_script import CHINESE, GREETING, SCRIPTS, Reply
from tests.fakes.ga_server import GaServer

README = Path(__file__).parents[3] / "README.md"


def documented() -> dict[str, set[str]]:
    """The events and fields of the README's table."""
    table = README.read_text("utf-8").split("| event | fields |")[1].split("\n\n")[0]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| `")]
    named = re.compile(r"`(\w+)`")
    return {name: set(named.findall(row[2])) for row in rows for name in named.findall(row[1])}


@pytest.mark.fault("X01")
async def test_the_smallest_run_is_answered_without_a_key(program: Program) -> None:
    done = await program.run("--plain", stdin="hello\n")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("hello\n")
    assert "OPENAI_API_KEY" in done.out, "the echo does not say how to get a real model"


async def test_the_built_in_model_answers_every_line_in_order(program: Program) -> None:
    done = await program.run("--plain", stdin="one\ntwo\nthree\n")
    first, *_, before, last = done.out.splitlines()
    assert (done.code, done.err) == (0, "")
    assert (first, before, last) == ("one", "two", "three")


async def test_a_service_answers_every_line_in_order(program: Program) -> None:
    replies = tuple(Reply(f"Answer {number}.") for number in (1, 2, 3))
    async with GaServer(replace(SCRIPTS["normal"], replies=replies)) as server:
        done = await program.call(server, stdin="one\ntwo\nthree\n")
        sent = sent_to(server)
    assert (done.code, done.err) == (0, "")
    assert done.out == "Answer 1.\nAnswer 2.\nAnswer 3.\n"
    said = [m["item"] for m in sent if m["type"] == "conversation.item.create"]
    assert [item["content"][0]["text"] for item in said] == ["one", "two", "three"]
    assert server.attempts == 1


async def test_a_line_is_sent_after_the_settings_are_agreed(program: Program) -> None:
    async with GaServer() as server:
        await program.call(server)
        wire = [(e["dir"], e["type"]) for e in server.log.directions("in", "out")]
        kinds = kinds_sent_to(server)
    assert kinds[0] == "session.update"
    assert kinds[-2:] == ["conversation.item.create", "response.create"]
    agreed = wire.index(("out", "session.updated"))
    assert agreed < wire.index(("in", "conversation.item.create"))


async def test_words_only_are_asked_for_when_nobody_listens(program: Program) -> None:
    async with GaServer() as server:
        await program.call(server)
        asked = sent_to(server)[0]["session"]
        assert not server.log.of("response.output_audio.delta", "out")
    assert asked["output_modalities"] == ["text"]


async def test_no_input_is_no_question(program: Program) -> None:
    async with GaServer() as server:
        done = await program.call(server, stdin="")
    assert (done.code, done.out, done.err) == (0, "", "")


async def test_empty_lines_ask_nothing(program: Program) -> None:
    async with GaServer() as server:
        done = await program.call(server, stdin="\n   \n\nhello\n\n")
        assert len(server.log.of("response.create")) == 1
    assert (done.code, done.out) == (0, GREETING + "\n")


async def test_a_last_line_without_its_end_is_asked_too(program: Program) -> None:
    async with GaServer() as server:
        done = await program.call(server, stdin="one\ntwo")
        assert len(server.log.of("response.create")) == 2
    assert (done.code, done.out) == (0, f"{GREETING}\n{GREETING}\n")


async def test_closed_input_is_no_input(program: Program) -> None:
    program.prefix = ("sh", "-c", 'exec "$@" <&-', "sh")
    done = await program.run("--plain")
    assert (done.code, done.out, done.err) == (0, "", "")


async def test_two_items_stand_on_two_lines(program: Program) -> None:
    async with GaServer("two_items") as server:
        done = await program.call(server)
        sent_to(server)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{GREETING}\n{GREETING}\n"


async def test_the_answer_behind_a_tool_call_is_waited_for(program: Program) -> None:
    async with GaServer("tool_call") as server:
        done = await program.call(server)
        sent_to(server)
    assert (done.code, done.out) == (0, GREETING + "\n")


async def test_a_server_that_never_confirms_is_talked_to_all_the_same(program: Program) -> None:
    async with GaServer("no_session_updated") as server:
        done = await program.call(server)
        sent_to(server)
    assert (done.code, done.out) == (0, GREETING + "\n")


async def test_a_server_of_the_older_generation_answers(program: Program) -> None:
    async with GaServer("beta_names") as server:
        done = await program.call(server, "--model", "a-model-of-theirs")
        assert [v["error"]["param"] for v in server.violations] == ["session.type"]
    assert (done.code, done.out) == (0, GREETING + "\n")
    assert done.complaints == ["voicechat: The server speaks an older protocol; using that"]


async def test_chinese_and_emoji_pass_both_ways(program: Program) -> None:
    line = "今天天气怎么样？👩‍👩‍👧‍👦🇨🇳"
    async with GaServer("cjk") as server:
        done = await program.call(server, stdin=line + "\n")
        sent = sent_to(server)
    assert (done.code, done.out) == (0, CHINESE + "\n")
    assert [m["item"]["content"][0]["text"] for m in sent if "item" in m] == [line]
    assert [item["text"] for item in program.journal()] == [line, CHINESE]


@pytest.mark.fault("T16")
async def test_the_plainest_locale_takes_nothing_away(program: Program) -> None:
    async with GaServer("cjk") as server:
        done = await program.call(server, stdin="你好\n", env={"LC_ALL": "C"})
        texts = [m["item"]["content"][0]["text"] for m in sent_to(server) if "item" in m]
    assert (done.code, done.out, texts) == (0, CHINESE + "\n", ["你好"])


@pytest.mark.fault("T16")
async def test_an_encoding_without_the_characters_ends_nothing(program: Program) -> None:
    async with GaServer("cjk") as server:
        done = await program.call(server, env={"PYTHONIOENCODING": "ascii"})
    assert (done.code, done.err) == (0, "")
    assert done.out.isascii() and done.out.count("\n") == 1


async def test_bytes_that_are_no_text_are_asked_as_marks(program: Program) -> None:
    async with GaServer() as server:
        done = await program.call(server, stdin=b"\xff\xfe bad \x1b[2J\x00line\n")
        texts = [m["item"]["content"][0]["text"] for m in sent_to(server) if "item" in m]
    assert (done.code, texts) == (0, ["\ufffd\ufffd bad line"])


async def test_a_line_of_a_megabyte_is_asked_whole(program: Program) -> None:
    line = "word " * 209_715 + "end"
    async with GaServer() as server:
        done = await program.call(server, stdin=line + "\n")
        texts = [m["item"]["content"][0]["text"] for m in sent_to(server) if "item" in m]
    assert done.code == 0
    assert texts == [line]


async def test_instructions_and_voice_reach_the_service(program: Program) -> None:
    async with GaServer() as server:
        options = ("--instructions", "Be brief.", "--voice", "cedar", "--save-reply", "r.wav")
        done = await program.call(server, *options)
        session = sent_to(server)[0]["session"]
    assert done.code == 0
    assert session["instructions"] == "Be brief."
    assert session["audio"]["output"]["voice"] == "cedar"


# -- JSON -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script", ["normal", "two_items", "failed_quota", "failed_rate_limit", "close_1011", "markup"]
)
async def test_every_line_is_a_documented_event(program: Program, script: str) -> None:
    async with GaServer(script) as server:
        done = await program.call(server, "--json", "--save-reply", "r.wav")
    fields = documented()
    assert {event["event"] for event in done.events} <= fields.keys()
    for event in done.events:
        assert fields[event["event"]] <= event.keys(), event
    end = done.events[-1]
    assert (end["event"], end["exit_code"], end["sound"]) == ("end", done.code, None)
    assert end.keys() == {"event", "exit_code", "sound", "cost", "is_cost_partial"}
    assert len(done.of("end")) == 1


async def test_the_events_tell_the_whole_conversation(program: Program) -> None:
    async with GaServer() as server:
        done = await program.call(server, "--json", "--save-reply", "r.wav", stdin="one\ntwo\n")
        session_id = server.session.settings.data["id"]
    assert done.of("ready") == [
        {
            "event": "ready",
            "model": MODEL,
            "session_id": session_id,
            "link": "websocket",
            "proxy": "",
        }
    ]
    assert [(e["text"], e["spoken"]) for e in done.of("user")] == [("one", False), ("two", False)]
    assert [e["text"] for e in done.of("reply_text")] == [GREETING] * 2
    assert "".join(e["text"] for e in done.of("reply_delta")) == GREETING * 2
    assert sum(e["ms"] for e in done.of("reply_audio")) == 8000
    for end in done.of("reply_done"):
        assert end["status"] == "completed"
        assert end["usage"]["output_tokens"] > 0
        assert end["latency_ms"] >= 0


async def test_json_alone_needs_no_other_option(program: Program) -> None:
    done = await program.run("--json", stdin="hello\n")
    assert done.code == 0
    ended = {"event": "end", "exit_code": 0, "sound": None}
    assert done.events[-1] == {**ended, "cost": None, "is_cost_partial": False}


async def test_json_keeps_every_character(program: Program) -> None:
    async with GaServer("cjk") as server:
        done = await program.call(server, "--json")
    assert [e["text"] for e in done.of("reply_text")] == [CHINESE]
    assert CHINESE.partition("👩")[0] in done.out  # Joiners, which nobody sees, are escapes.


async def test_a_failed_reply_is_told_as_an_event(program: Program) -> None:
    async with GaServer("failed_rate_limit") as server:
        done = await program.call(server, "--json", stdin="one\ntwo\n")
        sent_to(server)
    first, second = done.of("reply_done")
    assert (first["status"], first["code"]) == ("failed", "rate_limit_exceeded")
    assert second["status"] == "completed"
    assert done.code == 1, "one of two questions was not answered"
    assert json.loads(done.out.splitlines()[-1])["exit_code"] == 1
