"""An address is for the provider it was given for: from the command line, the file, and resumed."""

from collections.abc import Iterator

import pytest

from tests.e2e.plain.program import KEY, Program, handshakes
from tests.fakes.closed_proxy import ClosedProxy
from tests.fakes.ga_server import GaServer
from tests.fakes.xai_server import XaiServer

pytestmark = pytest.mark.fault("S16")

OTHER_KEY = "canary-of-another-provider-7"
ENV = {"OPENAI_API_KEY": KEY, "GEMINI_API_KEY": OTHER_KEY, "XAI_API_KEY": OTHER_KEY}
QUICK = ("--plain", "--text", "--link", "websocket")
HOSTS = {
    "gemini/gemini-3.8-live": "generativelanguage.googleapis.com:443",
    "xai/grok-voice-latest": "api.x.ai:443",
    "chat/gemini/gemini-3.8-flash": "generativelanguage.googleapis.com:443",
    "chat/xai/grok-9": "api.x.ai:443",
}


@pytest.fixture
def away() -> Iterator[ClosedProxy]:
    with ClosedProxy() as proxy:
        yield proxy


@pytest.mark.parametrize("model", HOSTS)
async def test_the_address_of_the_file_is_for_the_model_of_the_file(
    program: Program, away: ClosedProxy, model: str
) -> None:
    async with GaServer() as given:
        program.config.write_text(f'model = "openai/gpt-realtime-2.1"\nurl = "{given.url}"\n')
        env = {**ENV, "HTTPS_PROXY": away.url}
        done = await program.run(*QUICK, "--model", model, stdin="hello\n", env=env)
        assert handshakes(given) == []
    assert done.code == 1 and set(away.asked) == {HOSTS[model]}, done.err
    assert OTHER_KEY not in done.err + "".join(away.heads)


async def test_a_resumed_model_is_not_dialled_at_an_address_that_was_given_alone(
    program: Program,
) -> None:
    async with GaServer() as given, XaiServer(api_key=OTHER_KEY) as section:
        program.config.write_text(f'[providers.xai]\nurl = "{section.url}"\n')
        for options in (("--model", "xai/grok-voice-latest"), ("--resume", "--url", given.url)):
            done = await program.run(*QUICK, *options, stdin="hello\n", env=ENV)
            assert done.code == 0, done.err
        assert "The address in url was given for OpenAI, so xAI is reached at its own" in done.err
        assert handshakes(given) == [] and len(handshakes(section)) == 2


async def test_one_that_needs_an_address_says_what_to_set(program: Program) -> None:
    async with GaServer() as given:
        program.config.write_text(f'model = "openai/gpt-realtime-2.1"\nurl = "{given.url}"\n')
        env = {**ENV, "AZURE_OPENAI_API_KEY": OTHER_KEY}
        done = await program.run(*QUICK, "--model", "azure/mine", stdin="hello\n", env=env)
        assert handshakes(given) == []
    line = done.failed_with_one_line(2)
    assert "belongs to OpenAI" in line and "AZURE_OPENAI_ENDPOINT" in line
    assert OTHER_KEY not in line
