"""What the program must withstand: one line that says whose fault it is, and an exit code."""

import contextlib
import ssl
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.e2e.plain.program import KEY, Outcome, Program, sent_to
from tests.fakes.ga_script import GREETING, SCRIPTS
from tests.fakes.ga_server import GaServer
from tests.net.servers import Authority, http, raw, self_signed, silent
from voicechat.text.clean import clean

AT_ONCE = ("--retry-for", "0")
"""A line that is lost ends the call."""
SPOKEN = ("--save-reply", "reply.wav")


def leaks(program: Program, done: Outcome) -> bool:
    """Whether the key, or a piece of it, can be seen anywhere."""
    return KEY[3:] in done.out + done.err or bool(program.holds(KEY[3:]))


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.fault("N07")
async def test_a_bad_key_is_named_and_tried_once(program: Program, options: tuple[str]) -> None:
    async with GaServer("bad_key") as server:
        done = await program.call(server, "--trace", "wire.jsonl", *options)
        assert server.attempts == 1
    line = done.failed_with_one_line()
    assert "OPENAI_API_KEY" in line
    assert not leaks(program, done)
    assert not options or [e["kind"] for e in done.of("error")][-1:] == ["RefusedError"]


@pytest.mark.fault("S08")
async def test_a_key_that_the_service_quotes_is_not_shown(program: Program) -> None:
    refusal = SCRIPTS["bad_key"].refusal
    assert refusal
    error = {**refusal.error, "message": f"Incorrect API key provided: {KEY}."}
    script = replace(SCRIPTS["bad_key"], refusal=replace(refusal, error=error))
    async with GaServer(script) as server:
        done = await program.call(server, "--trace", "wire.jsonl", "--json")
    done.failed_with_one_line()
    assert not leaks(program, done)


@pytest.mark.fault("N07")
async def test_a_bad_model_is_told(program: Program) -> None:
    async with GaServer("bad_model") as server:
        done = await program.call(server)
        assert server.attempts == 1
    assert "Choose another model" in done.failed_with_one_line()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("http_401", "refused the key (HTTP 401)"),
        ("http_429_retry_after", "too many requests from this account (HTTP 429)"),
        ("http_503", "overloaded or down (HTTP 503)"),
        ("http_302", "login page at login.example"),
        ("http_200_html", "login page"),
    ],
)
@pytest.mark.fault("N06", "N09", "N10", "N19")
async def test_a_refused_handshake_is_told(program: Program, script: str, words: str) -> None:
    async with GaServer(script) as server:
        done = await program.call(server, "--link", "websocket")
        assert server.attempts == 1
    assert words in done.failed_with_one_line()
    assert not leaks(program, done)


@pytest.mark.fault("S10")
async def test_a_key_with_a_strange_character_is_told_before_it_is_sent(program: Program) -> None:
    async with GaServer() as server:
        done = await program.call(server, env={"OPENAI_API_KEY": "sk-canary\u2026CANARY"})
        assert server.attempts == 0
    assert "OPENAI_API_KEY" in done.failed_with_one_line(2)
    assert "canary" not in done.err.lower()


# -- no way there ---------------------------------------------------------------------------------


@pytest.mark.fault("N02")
async def test_a_port_where_nothing_listens_is_told(program: Program, unused_tcp_port: int) -> None:
    done = await program.call(f"ws://127.0.0.1:{unused_tcp_port}/v1/realtime")
    assert f"127.0.0.1:{unused_tcp_port} refused the connection" in done.failed_with_one_line()


@pytest.mark.fault("N01")
async def test_an_unknown_host_is_told(program: Program) -> None:
    done = await program.call("wss://no-such-host.invalid/v1/realtime")
    assert "no-such-host.invalid" in done.failed_with_one_line()


@pytest.mark.fault("S09")
async def test_an_unreadable_line_to_another_machine_is_refused(program: Program) -> None:
    done = await program.call("ws://10.77.0.1/v1/realtime")
    line = done.failed_with_one_line(2)
    assert "10.77.0.1" in line and "wss://" in line


async def test_an_ordinary_web_server_is_told(program: Program) -> None:
    async with raw(http("200 OK", "hello")) as server:
        url = f"ws://127.0.0.1:{server.port}/v1/realtime"
        done = await program.call(url, "--link", "websocket")
    assert f"127.0.0.1:{server.port}" in done.failed_with_one_line()


@pytest.mark.fault("N05")
async def test_a_server_that_says_nothing_is_given_up(program: Program) -> None:
    async with raw(silent) as server:
        done = await program.call(f"ws://127.0.0.1:{server.port}/v1/realtime")
    assert "did not answer within 10 s" in done.failed_with_one_line()


# -- TLS ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def test_a_certificate_that_the_config_trusts_is_good(
    program: Program, authority: Authority
) -> None:
    program.config.write_text(f'ca_file = "{authority.ca_file}"\n')
    async with GaServer(tls=authority.context()) as server:
        done = await program.call(server)
        sent_to(server)
    assert (done.code, done.out) == (0, GREETING + "\n")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("unknown", "authority that this machine does not know"),
        ("other host", "is for another host"),
        ("expired", "has expired"),
        ("self-signed", "is self-signed"),
    ],
)
@pytest.mark.fault("N04")
async def test_a_bad_certificate_is_never_waived(
    program: Program, authority: Authority, fault: str, words: str
) -> None:
    contexts: dict[str, Callable[[], ssl.SSLContext]] = {
        "unknown": authority.context,
        "other host": lambda: authority.context("api.example.com"),
        "expired": lambda: authority.context(expired=True),
        "self-signed": lambda: self_signed(program.home),
    }
    if fault != "unknown":
        program.config.write_text(f'ca_file = "{authority.ca_file}"\n')
    async with GaServer(tls=contexts[fault]()) as server:
        done = await program.call(server)
        assert server.attempts == 0, "the key went out"
    assert words in done.failed_with_one_line()


async def test_a_server_without_encryption_is_told(program: Program) -> None:
    async with GaServer() as server:
        done = await program.call(server.url.replace("ws://", "wss://"))
        assert server.attempts == 0
    assert f"127.0.0.1:{server.port}" in done.failed_with_one_line()


# -- a service that misbehaves --------------------------------------------------------------------


@pytest.mark.fault("P01", "P10", "P14")
@pytest.mark.parametrize("script", ["non_json", "unknown_events", "odd_deltas", "burst"])
async def test_noise_between_the_messages_changes_nothing(program: Program, script: str) -> None:
    async with GaServer(script) as server:
        done = await program.call(server, *SPOKEN, stdin="one\ntwo\n")
        sent_to(server)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{GREETING}\n{GREETING}\n"


HARMFUL = [chr(code) for code in (*range(9), *range(11, 32), *range(127, 160))]
HARMFUL += list("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\ud800")


@pytest.mark.fault("T01", "T02")
@pytest.mark.parametrize("options", [(), ("--json",)])
async def test_hostile_words_steer_nothing(program: Program, options: tuple[str]) -> None:
    """Neither on the screen nor in any file; markup is taken literally."""
    async with GaServer("markup") as server:
        done = await program.call(server, *SPOKEN, *options, "--trace", "wire.jsonl")
    assert done.code == 0
    kept = [path.read_text("utf-8") for path in program.files() if path.suffix == ".jsonl"]
    assert len(kept) == 2, "the journal or the trace is missing"
    for text in (done.out, done.err, *kept):
        assert not [char for char in HARMFUL if char in text]
        assert "[/bold]" in text or text is done.err
    (_, answer) = program.journal()
    assert not [char for char in HARMFUL if char in answer["text"]]
    assert answer["text"] == clean(answer["text"])


async def test_a_silent_model_is_given_up(program: Program) -> None:
    async with GaServer("silent") as server:
        done = await program.call(server)
        sent_to(server)
    assert "did not begin to answer" in done.failed_with_one_line()


async def test_a_refused_account_ends_the_run(program: Program) -> None:
    async with GaServer("failed_quota") as server:
        done = await program.call(server, stdin="one\ntwo\n")
        assert server.attempts == 1
        assert len(server.log.of("response.create")) == 1
    assert "exceeded your current quota" in done.failed_with_one_line()


@pytest.mark.fault("P22")
async def test_a_failed_reply_fails_the_run_and_the_next_is_asked(program: Program) -> None:
    async with GaServer("failed_rate_limit") as server:
        done = await program.call(server, stdin="one\ntwo\n")
    assert "Rate limit reached" in done.failed_with_one_line()
    assert done.out == GREETING + "\n"


@pytest.mark.fault("P22")
async def test_an_answer_that_was_cut_short_is_told(program: Program) -> None:
    async with GaServer("incomplete") as server:
        done = await program.call(server)
    assert (done.code, done.out) == (0, GREETING + "\n")
    assert done.complaints == ["voicechat: The answer was cut: it reached the longest length"]


@pytest.mark.fault("P23")
async def test_an_error_beside_a_good_answer_is_told(program: Program) -> None:
    error = {"type": "server_error", "code": "odd", "message": "Something was odd."}
    async with GaServer(replace(SCRIPTS["normal"], error_after_reply=error)) as server:
        done = await program.call(server, stdin="one\ntwo\n")
    assert done.code == 0
    assert done.out == f"{GREETING}\n{GREETING}\n"
    assert done.complaints == ["voicechat: Something was odd."]


@pytest.mark.fault("N28")
async def test_an_expired_session_is_told(program: Program) -> None:
    script = replace(SCRIPTS["expired"], pace=1.0)
    async with GaServer(script) as server:
        done = await program.call(server, *SPOKEN, *AT_ONCE)
    assert "maximum duration" in done.failed_with_one_line()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("close_1000", "hung up"),
        ("close_1001", "going away"),
        ("close_1011", "internal error"),
        ("close_1006", "line was lost"),
        ("drop_tcp", "line was lost"),
    ],
)
@pytest.mark.fault("N21", "N27")
async def test_a_line_that_ends_early_is_told(program: Program, script: str, words: str) -> None:
    async with GaServer(script) as server:
        done = await program.call(server, *SPOKEN, *AT_ONCE)
        assert server.attempts == 1
    assert words in done.failed_with_one_line()
    assert GREETING.startswith(done.out.strip()) and done.out.endswith("\n")
    user, answer = program.journal()
    assert (user["text"], answer["status"]) == ("hello", "failed")
    assert answer["text"] == done.out.strip("\n")


@pytest.mark.fault("X02")
async def test_a_server_that_ignores_the_goodbye_holds_nobody_up(program: Program) -> None:
    async with GaServer("deaf_to_close") as server:
        done = await program.call(server, timeout_s=20)
    assert (done.code, done.err) == (0, "")


async def test_a_session_lost_between_two_lines_ends_the_run(program: Program) -> None:
    async with GaServer() as server:
        options = program.call_options(server, *AT_ONCE)
        async with program.running(*options, env={"OPENAI_API_KEY": KEY}) as process:
            await server.wait_for(lambda: server.log.of("session.updated", "out"))
            await server.control({"do": "close", "code": 1011, "reason": "broken"})
            assert process.stderr
            line = await process.stderr.readline()
            assert await process.wait() == 1
            with contextlib.suppress(ConnectionError):
                await process.communicate()
    assert b"broken" in line
