"""Proxies that want a sign-in of another kind: no password leaves the real program for them."""

import asyncio

import pytest

from tests.e2e.plain.program import LONGEST_S, Program
from tests.e2e.proxies.test_failures import SECRETS
from tests.net.servers import answering, raw
from tests.net.test_http_connect import BASIC, LOGIN, wanting

pytestmark = [pytest.mark.proxy, pytest.mark.fault("N37")]


MCP = """
[mcp.far]
url = "{url}"
allow = true
"""


@pytest.mark.parametrize("url", ["https://tools.invalid/mcp", "http://tools.invalid/mcp"])
async def test_a_server_of_tools_is_not_worth_the_password_either(
    program: Program, url: str
) -> None:
    program.config.write_text(MCP.format(url=url))
    async with raw(answering(wanting("NTLM"))) as proxy:
        given = f"http://{LOGIN}127.0.0.1:{proxy.port}"
        options = ("--plain", "--text", "--model", "local", "--proxy", given)
        async with program.running(*options) as process, asyncio.timeout(LONGEST_S):
            assert process.stderr
            told = (await process.stderr.readline()).decode()
    assert "The tool server far does not work" in told and "px or cntlm" in told
    assert b"tools.invalid" in proxy.received and b"uthorization" not in proxy.received


OPTIONS = {
    "websocket": ("--link", "websocket", "--model", "openai/gpt-realtime-2.1"),
    "http": ("--model", "chat/openai/gpt-5.9"),
}


@pytest.mark.parametrize("link", OPTIONS)
@pytest.mark.parametrize("way", ["NTLM", "Negotiate", "Digest"])
async def test_the_wanted_sign_in_and_what_helps_are_told(
    program: Program, way: str, link: str
) -> None:
    async with raw(answering(wanting(f'{way} realm="x"' if way == "Digest" else way))) as proxy:
        url = f"http://{LOGIN}127.0.0.1:{proxy.port}"
        options = OPTIONS[link]
        env = {"OPENAI_API_KEY": "sk-canary-0123456789"}
        done = await program.run("--plain", *options, "--proxy", url, stdin="hello\n", env=env)
    line = done.failed_with_one_line()
    assert f"signed in to by {way}" in line and "px or cntlm" in line
    assert BASIC not in proxy.received and b"uthorization" not in proxy.received
    assert not [secret for secret in SECRETS if secret in done.out + done.err]
    assert not [secret for secret in SECRETS if program.holds(secret)]
