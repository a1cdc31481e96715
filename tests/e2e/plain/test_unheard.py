"""A spoken turn that nobody heard is told and counts as unanswered; a server's own STT is found."""

from collections.abc import Iterator

import pytest

from tests.e2e.http.vendor import KEY, Vendor
from tests.e2e.plain.program import Outcome, Program
from tests.e2e.providers.family_calls import write_wav
from tests.fakes.ga_signal import read_wav, tone
from tests.fakes.http_chat import HttpChatServer

DEAF = "I cannot hear yet: set [local] ears"
QUIET = '[local]\nmouth = "none"\n'


@pytest.fixture
def server() -> Iterator[HttpChatServer]:
    """Chat, and nothing else."""
    with HttpChatServer("") as server:
        yield server


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    """Chat, STT and TTS at one address."""
    with Vendor() as vendor:
        yield vendor


async def ask(program: Program, server: HttpChatServer, *options: str) -> Outcome:
    """Say something to the chat model at this address."""
    write_wav(program.home / "q.wav", tone(1200))
    wanted = ("--plain", "--model", "chat/chat-1", "--url", server.url, "--say", "q.wav")
    done = await program.run(*wanted, *options, env={"CHAT_API_KEY": server.key}, timeout_s=90)
    assert "Traceback" not in done.err
    return done


@pytest.mark.parametrize("options", [(), ("--hands-free",)])
async def test_a_server_without_stt_cannot_hear_and_the_call_fails(
    program: Program, server: HttpChatServer, options: tuple[str, ...]
) -> None:
    program.config.write_text(QUIET)
    done = await ask(program, server, *options)
    assert (done.code, done.out) == (1, ""), done.err
    assert done.err == f"voicechat: {DEAF}. Typed messages work\n"
    assert not [one for one in server.requests if one.path.endswith("/chat/completions")]


async def test_in_json_the_unheard_turn_failed_and_so_did_the_call(
    program: Program, server: HttpChatServer
) -> None:
    program.config.write_text(QUIET)
    done = await ask(program, server, "--json")
    assert done.code == 1 and done.of("end")[0]["exit_code"] == 1
    assert done.of("reply_text") == []
    (failed,) = (one for one in done.of("notice") if one["code"] == "not_transcribed")
    assert DEAF in failed["text"]


async def test_typed_messages_are_answered_all_the_same(
    program: Program, server: HttpChatServer
) -> None:
    program.config.write_text(QUIET)
    wanted = ("--plain", "--model", "chat/chat-1", "--url", server.url)
    done = await program.run(*wanted, stdin="hello\n")
    assert (done.code, done.err, done.out) == (0, "", "You said: hello. \n")


async def test_a_servers_own_stt_and_tts_are_found_beside_its_chat(
    program: Program, vendor: Vendor
) -> None:
    program.config.write_text(f'[providers.chat]\napi_key = "{KEY}"\n')
    program.config.chmod(0o600)
    done = await ask(program, vendor, "--save-reply", "a.wav")
    assert (done.code, done.err) == (0, ""), done.out
    assert done.out.startswith("You said: heard 1.2 s at 440 Hz")
    spoken = " ".join(vendor.spoken[1:])
    assert vendor.spoken[0] == "Hi" and spoken == done.out.strip()
    assert len(read_wav(program.home / "a.wav")) >= 48 * 60 * len(spoken) * 0.9
    probe, heard = vendor.heard
    assert b'name="file"' not in probe.body and b'name="file"' in heard.body
    assert vendor.keys == {KEY}


async def test_ears_that_are_switched_off_are_not_asked_for(
    program: Program, vendor: Vendor
) -> None:
    program.config.write_text(
        f'[local]\nears = "none"\nmouth = "none"\n[providers.chat]\napi_key = "{KEY}"\n'
    )
    program.config.chmod(0o600)
    done = await ask(program, vendor)
    assert done.code == 1 and DEAF in done.err
    assert not vendor.heard and not vendor.spoken


async def test_stt_that_fails_is_told_and_the_call_fails(program: Program, vendor: Vendor) -> None:
    vendor.deaf_with = 500
    program.config.write_text(
        f'{QUIET}[providers.chat]\napi_key = "{KEY}"\nears_model = "whisper-1"\n'
    )
    program.config.chmod(0o600)
    done = await ask(program, vendor)
    assert (done.code, done.out) == (1, ""), done.err
    assert "(HTTP 500)" in done.err and "127.0.0.1" in done.err
    assert len(done.complaints) == 1 and vendor.questions == []


async def test_stt_that_finds_no_words_is_told_and_the_call_fails(
    program: Program, vendor: Vendor
) -> None:
    vendor.deaf_with = 200
    program.config.write_text(
        f'{QUIET}[providers.chat]\napi_key = "{KEY}"\nears_model = "whisper-1"\n'
    )
    program.config.chmod(0o600)
    done = await ask(program, vendor)
    assert (done.code, done.out) == (1, ""), done.err
    assert done.err == "voicechat: No words were heard. Say it again, or check the microphone\n"
    assert vendor.questions == []


async def test_a_provider_without_stt_over_http_alone_counts_as_unanswered(
    program: Program, server: HttpChatServer
) -> None:
    program.config.write_text(
        f'{QUIET}[providers.azure]\nhttp_url = "{server.url}"\nchat_model = "chat-1"\n'
    )
    write_wav(program.home / "q.wav", tone(1200))
    wanted = ("--plain", "--model", "azure/chat-1", "--link", "http", "--say", "q.wav")
    done = await program.run(*wanted, env={"AZURE_OPENAI_API_KEY": KEY}, timeout_s=90)
    assert done.code == 1 and DEAF in done.err and done.out == ""
