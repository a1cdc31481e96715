"""The real program and a stand-in for self-hosted servers, with every quirk of theirs at once."""

import pytest

from tests.e2e.plain.program import KEY, Program
from tests.e2e.providers.family_calls import QUICK, Member, hears_all
from tests.fakes.custom_server import CustomServer
from tests.fakes.ga_script import GREETING

CUSTOM = Member(CustomServer, "custom/kitchen", "MY_KEY")


@pytest.fixture
def keyed(program: Program) -> Program:
    program.config.write_text('[providers.custom]\napi_key_env = "MY_KEY"\n')
    return program


async def test_a_typed_line_is_answered(keyed: Program) -> None:
    server = await CUSTOM.answers_a_typed_line(keyed)
    assert not server.log.of("conversation.item.done", "out")


async def test_a_server_that_never_agrees_is_talked_to_all_the_same(keyed: Program) -> None:
    server = await CUSTOM.answers_a_typed_line(keyed, "no_session_updated")
    assert not server.log.of("session.updated", "out")


async def test_a_server_of_the_older_kind_is_understood(keyed: Program) -> None:
    async with CustomServer("beta_names", api_key=KEY) as server:
        done = await CUSTOM.call(keyed, server)
    assert (done.code, done.out) == (0, GREETING + "\n")
    assert done.err == "voicechat: The server speaks an older protocol; using that\n"
    assert server.log.of("response.text.delta", "out")


async def test_a_spoken_turn_is_answered(keyed: Program) -> None:
    server = await CUSTOM.answers_a_spoken_turn(keyed)
    assert hears_all(server)


async def test_rates_headers_and_the_shape_are_the_users_to_say(program: Program) -> None:
    program.config.write_text(
        '[providers.custom]\napi_key_env = "MY_KEY"\nkey_header = "Authorization: Basic {key}"\n'
        'shape = "beta"\ninput_rate = 16000\n'
    )
    async with CustomServer("beta_names", api_key=f"Basic {KEY}") as server:
        done = await CUSTOM.call(program, server)
    assert (done.code, done.out, done.err) == (0, GREETING + "\n", "")
    assert server.violations == []


async def test_a_bad_key_is_told_in_one_line(keyed: Program) -> None:
    line = await CUSTOM.says_that_the_key_is_bad(keyed)
    assert "bad key" in line and "Check the key in MY_KEY" in line


async def test_a_key_that_was_never_given_has_a_place(program: Program) -> None:
    async with CustomServer(api_key=KEY) as server:
        done = await CUSTOM.call(program, server)
    assert "Set api_key in [providers.custom]" in done.failed_with_one_line()


async def test_the_only_slot_is_taken(keyed: Program) -> None:
    call = (*QUICK, "--model", "custom/kitchen", "--url")
    async with CustomServer() as server, keyed.running(*call, server.url):
        await server.wait_for(lambda: server.sessions and server.session.is_running)
        done = await CUSTOM.call(keyed, server)
    assert "slots" in done.err and done.code == 1


async def test_a_missing_address_is_asked_for(program: Program) -> None:
    done = await program.run(*QUICK, "--model", "custom/kitchen", stdin="hello\n", env={"K": KEY})
    assert "--url" in done.failed_with_one_line(2)
