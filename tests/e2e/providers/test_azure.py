"""The real program and the stand-in for Azure OpenAI."""

from tests.e2e.plain.program import KEY, Program
from tests.e2e.providers.family_calls import QUICK, Member, hears_all
from tests.fakes.azure_server import PREVIEW, AzureServer
from tests.fakes.ga_script import GREETING

AZURE = Member(AzureServer, "azure/my-voice", "AZURE_OPENAI_API_KEY")
ENVIRON = {"AZURE_OPENAI_API_KEY": KEY}


async def test_a_typed_line_is_answered(program: Program) -> None:
    server = await AZURE.answers_a_typed_line(program)
    (handshake,) = (e for e in server.log.directions("note") if e["note"] == "handshake")
    assert handshake["path"] == "/openai/v1/realtime?model=my-voice"
    assert "authorization" not in handshake["headers"]


async def test_the_bare_endpoint_is_enough(program: Program) -> None:
    async with AzureServer(api_key=KEY) as server:
        endpoint = f"http://127.0.0.1:{server.port}/"
        options = (*QUICK, "--model", "azure/my-voice", "--url", endpoint)
        done = await program.run(*options, stdin="hello\n", env=ENVIRON)
    assert (done.code, done.out, done.err) == (0, GREETING + "\n", "")


async def test_the_endpoint_may_stand_in_the_environment(program: Program) -> None:
    async with AzureServer(api_key=KEY) as server:
        endpoint = {"AZURE_OPENAI_ENDPOINT": f"http://127.0.0.1:{server.port}"}
        options = (*QUICK, "--model", "azure/my-voice")
        done = await program.run(*options, stdin="hello\n", env=ENVIRON | endpoint)
    assert (done.code, done.out, done.err) == (0, GREETING + "\n", "")


async def test_a_key_alone_is_no_reason_to_call_it(program: Program) -> None:
    done = await program.run(*QUICK, stdin="hello\n", env=ENVIRON)
    assert (done.code, done.out.splitlines()[0]) == (0, "hello"), "the built-in model answers"


async def test_the_preview_address_speaks_the_beta(program: Program) -> None:
    async with AzureServer(api_key=KEY) as server:
        url = f"ws://127.0.0.1:{server.port}{PREVIEW}?api-version=2025-04-01-preview"
        options = (*QUICK, "--model", "azure/my-voice", "--url", url)
        done = await program.run(*options, stdin="hello\n", env=ENVIRON)
    assert (done.code, done.out, done.err) == (0, GREETING + "\n", "")
    assert server.violations == []
    assert "modalities" in server.log.of("session.update")[0]["session"]


async def test_a_spoken_turn_is_heard_and_answered(program: Program) -> None:
    server = await AZURE.answers_a_spoken_turn(program)
    assert hears_all(server)


async def test_a_bad_key_is_told_in_one_line(program: Program) -> None:
    line = await AZURE.says_that_the_key_is_bad(program)
    assert "401" in line and "Check the key in AZURE_OPENAI_API_KEY" in line


async def test_a_missing_endpoint_is_named(program: Program) -> None:
    done = await program.run(*QUICK, "--model", "azure/my-voice", stdin="hello\n", env=ENVIRON)
    assert "AZURE_OPENAI_ENDPOINT" in done.failed_with_one_line(2)


async def test_a_missing_deployment_is_asked_for(program: Program) -> None:
    done = await program.run(*QUICK, "--model", "azure", stdin="hello\n", env=ENVIRON)
    assert "azure/NAME" in done.failed_with_one_line(2)
