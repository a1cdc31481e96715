"""The real program talks to GLM: typed, spoken, and with a key that is not good."""

import time
import wave
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.http.vendor import Vendor
from tests.e2e.plain.program import Outcome, Program
from tests.fakes.ga_signal import decode_track, read_wav, tone
from tests.fakes.glm_script import ANSWER, SCRIPTS, Reply
from tests.fakes.glm_server import GlmServer

KEY = "0123456789abcdef0123456789abcdef.CANARYCANARYCANA"
MODEL = "glm/glm-realtime-flash"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


async def call(
    program: Program,
    server: GlmServer,
    *options: str,
    stdin: str = "",
    env: str = "ZHIPUAI_API_KEY",
) -> Outcome:
    """Run it without a screen against the stand-in."""
    given = ("--plain", "--url", server.url, "--model", MODEL, *options)
    done = await program.run(*given, stdin=stdin, env={env: KEY})
    assert KEY not in done.out + done.err
    assert program.holds(KEY) == []
    return done


def write_speech(path: Path) -> None:
    """One second of sound at 24 kHz."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(tone(1000))


@pytest.mark.parametrize("env", ["ZHIPUAI_API_KEY", "ZAI_API_KEY"])
async def test_typed_lines_are_answered_by_a_server_that_reads(program: Program, env: str) -> None:
    replies = (Reply("First."), Reply("第二。"))
    async with GlmServer(replace(SCRIPTS["text_answers"], replies=replies), api_key=KEY) as server:
        done = await call(program, server, stdin="one\ntwo\n", env=env)
    assert (done.code, done.err) == (0, "")
    assert done.out == "First.\n第二。\n"
    assert server.violations == []
    texts = [
        m["item"]["content"][0]["text"] for m in server.log.messages("conversation.item.create")
    ]
    assert texts == ["one", "two"]
    stamps = [message["client_timestamp"] for message in server.log.messages()]
    assert stamps and all(abs(stamp / 1000 - time.time()) < 300 for stamp in stamps)
    [update] = server.log.messages("session.update")
    assert update["session"]["model"] == "glm-realtime-flash"
    assert update["session"]["modalities"] == ["text"]


async def test_a_server_that_ignores_typed_text_is_told_apart(program: Program) -> None:
    async with GlmServer() as server:
        done = await call(program, server, stdin="hello\n")
    assert done.failed_with_one_line() == (
        "voicechat: Typed text is not answered by this model: speak"
    )
    assert server.violations == []


async def test_typed_text_that_is_ignored_is_answered_by_the_chat_model(program: Program) -> None:
    with Vendor(KEY) as vendor:
        section = f'[providers.glm]\nhttp_url = "{vendor.url}"\nchat_model = "chat-1"\n'
        program.config.write_text(section)
        async with GlmServer() as server:
            done = await call(program, server, "--json", stdin="hello\nagain\n")
    assert (done.code, done.err) == (0, ""), done.out
    answers = [event["text"].strip() for event in done.of("reply_text")]
    assert answers == ["You said: hello.", "You said: again."]
    assert [event["text"] for event in done.of("user")] == ["hello", "again"]
    (notice,) = done.of("notice")
    assert notice["code"] == "link_http" and "answers no typed text" in notice["text"]
    assert len(server.log.messages("conversation.item.create")) == 1
    assert vendor.keys == {KEY} and server.violations == []


async def test_a_spoken_turn_is_answered_and_the_answer_saved_whole(program: Program) -> None:
    write_speech(program.home / "say.wav")
    async with GlmServer() as server:
        done = await call(program, server, "--say", "say.wav", "--save-reply", "reply.wav")
        [session] = server.sessions
        heard = bytes(session.ears.received)
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith(ANSWER + "\n")
    assert abs(len(heard) - 32_000) < 640
    [stretch] = decode_track(read_wav(program.home / "reply.wav"))
    assert (stretch.index, stretch.from_ms, stretch.duration_ms) == (1, 0.0, 1600.0)
    assert server.violations == []


async def test_hands_free_the_service_finds_the_turn(program: Program) -> None:
    write_speech(program.home / "say.wav")
    async with GlmServer() as server:
        done = await call(program, server, "--hands-free", "--say", "say.wav")
    assert (done.code, done.err) == (0, "")
    assert ANSWER in done.out
    assert server.violations == []
    assert {m["type"] for m in server.log.messages()} == {
        "session.update",
        "input_audio_buffer.append",
    }


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("bad_key", "Check the key in ZAI_API_KEY"),
        ("no_model", "knows no such address or model"),
        ("no_balance", "no balance for Realtime"),
        ("gateway", "may lack this model"),
        ("busy", "too many calls run at once"),
        ("validation", "body.session.beta_fields"),
        ("close_1011", ""),
    ],
)
async def test_every_failure_is_one_line_and_an_exit_code(
    program: Program, script: str, words: str
) -> None:
    async with GlmServer(script) as server:
        done = await call(program, server, stdin="hello\n", env="ZAI_API_KEY")
        assert server.attempts == 1
    assert done.code == 1
    assert words in done.err
    assert "Traceback" not in done.err and "internal error" not in done.err
    assert all(line.startswith("voicechat: ") for line in done.complaints)


async def test_without_a_key_it_says_where_to_get_one(program: Program) -> None:
    done = await program.run("--plain", "--model", MODEL, stdin="hello\n")
    line = done.failed_with_one_line(2)
    assert "ZHIPUAI_API_KEY" in line
    assert "https://bigmodel.cn/usercenter/proj-mgmt/apikeys" in line
