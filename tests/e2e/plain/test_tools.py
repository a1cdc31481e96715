"""Tools without a screen: nobody can be asked, so what the config allows runs and the rest not."""

import asyncio
import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.plain.program import KEY, Program
from tests.fakes.ga_script import SCRIPTS, Reply
from tests.fakes.ga_server import GaServer
from tests.fakes.proxies import RealProxy, danted, microsocks, tinyproxy
from tests.net.servers import raw, socks4a
from tests.tools.bench import serving

CALL = replace(SCRIPTS["tool_call"], replies=(Reply(tool="get_time"), Reply("So be it.")))


def configure(program: Program, *more: str) -> None:
    source = "import json, sys; print('noon in ' + json.load(sys.stdin)['zone'])"
    command = json.dumps([sys.executable, "-c", source])
    program.config.write_text("\n".join(["[tools.get_time]", f"command = {command}", *more, ""]))


def outputs(server: GaServer) -> list[str]:
    items = [sent["item"] for sent in server.log.of("conversation.item.create")]
    return [item["output"] for item in items if item["type"] == "function_call_output"]


async def test_a_tool_that_is_allowed_runs(program: Program) -> None:
    configure(program, "allow = true")
    async with GaServer(CALL) as server:
        outcome = await program.call(server, stdin="what time is it?\n")
        assert outcome.code == 0, outcome.err
        assert outcome.out.strip().endswith("So be it.")
        assert outputs(server) == ["noon in UTC"]
        assert not server.violations


async def test_a_tool_that_is_not_allowed_is_refused_and_says_how_to_allow_it(
    program: Program,
) -> None:
    configure(program)
    async with GaServer(CALL) as server:
        outcome = await program.call(server, stdin="what time is it?\n")
        assert outcome.code == 0, outcome.err
        assert "So be it." in outcome.out
        assert "allow = true under [tools.get_time]" in outputs(server)[0]


HOSTILE = '{"zone": "UTC\x9d0;\u202e\u200b\x9c", "k\x9fey": ["\\ud800", "\\u009d", "\x7f"]}'


@pytest.mark.fault("S13")
async def test_json_shows_what_hides_in_a_call_and_what_is_not_allowed_does_not_run(
    program: Program,
) -> None:
    replies = (Reply(tool="get_time", arguments=HOSTILE), Reply("So be it."))
    for more in ("allow = true", "allow = false"):
        configure(program, more)
        async with GaServer(replace(CALL, replies=replies)) as server:
            outcome = await program.call(server, "--json", stdin="what time is it?\n")
            assert outcome.code == 0, outcome.err
            assert all(line.isprintable() for line in outcome.out.splitlines())
            (called,) = outcome.of("tool_called")
            assert json.loads(called["arguments"]) == json.loads(HOSTILE)
            assert ("noon in" in outputs(server)[0]) == (more == "allow = true")


async def test_a_server_of_tools_that_fails_is_told_and_the_answer_comes(program: Program) -> None:
    program.config.write_text('[mcp.files]\ncommand = ["no-such-server"]\n')
    async with GaServer(CALL) as server:
        why = "The tool server files does not work: no-such-server does not start"
        code, out = await ask_once_told(program, server, why)
    assert code == 0 and "So be it." in out


async def ask_once_told(
    program: Program, server: GaServer, words: str, env: Mapping[str, str] | None = None
) -> tuple[int | None, str]:
    """Say something once these words stand on stderr, however slow this machine is."""
    options = program.call_options(server)
    async with program.running(*options, env={"OPENAI_API_KEY": KEY, **(env or {})}) as process:
        assert process.stderr
        told = ""
        while words not in told:
            line = await process.stderr.readline()
            assert line, told
            told += line.decode()
        out, err = await process.communicate(b"hello\n")
    assert PASSWORD not in told + err.decode()
    return process.returncode, out.decode()


async def test_a_slow_tool_is_waited_for(program: Program) -> None:
    """Longer than a reply may take to begin."""
    command = json.dumps([sys.executable, "-c", "import time; time.sleep(14); print('late')"])
    program.config.write_text(f"[tools.get_time]\ncommand = {command}\nallow = true\n")
    async with GaServer(CALL) as server:
        outcome = await program.call(server, stdin="what time is it?\n")
        assert (outcome.code, outcome.out, outcome.err) == (0, "So be it.\n", "")
        assert outputs(server) == ["late"]


PASSWORD = "hunter2secret"
WAYS: list[tuple[Callable[[], RealProxy], str]] = [
    (danted, "socks4"),
    (danted, "socks5"),
    (lambda: microsocks("me", PASSWORD), "socks5h"),
    (lambda: tinyproxy("me", PASSWORD), "http"),
]


async def until_tools_are_there(process: asyncio.subprocess.Process) -> str:
    """Read its events until it is ready, and a server of tools that is late has come too."""
    assert process.stdout
    told = ""
    while '"ready"' not in told or ("is still starting" in told and "works now" not in told):
        line = await process.stdout.readline()
        assert line, told
        told += line.decode()
    return told


@pytest.mark.proxy
@pytest.mark.parametrize(("make", "scheme"), WAYS, ids=[scheme for _, scheme in WAYS])
async def test_a_server_of_tools_at_an_address_is_reached_through_any_proxy(
    program: Program, tmp_path: Path, make: Callable[[], RealProxy], scheme: str
) -> None:
    with serving(tmp_path) as start, make() as proxy:
        port = start()
        await ask_through(program, port, re.sub(r"^\w+", scheme, proxy.url))
        proxy.wait_for(str(port))


async def test_a_server_of_tools_is_found_by_a_socks4a_proxy(
    program: Program, tmp_path: Path
) -> None:
    with serving(tmp_path) as start:
        port = start()
        async with raw(socks4a) as proxy:
            await ask_through(program, port, f"socks4a://jane@127.0.0.1:{proxy.port}")
        assert proxy.received.count(b"jane@localhost") > 1


async def ask_through(program: Program, port: int, proxy: str) -> None:
    """A call whose model uses the server of tools at this port, both behind the proxy."""
    url = f"http://localhost:{port}/mcp"
    program.config.write_text(f'[mcp.far]\nurl = "{url}"\nallow = true\n')
    script = replace(CALL, replies=(Reply(tool="far__environment"), Reply("So be it.")))
    async with GaServer(script) as server:
        address = server.url.replace("127.0.0.1", "localhost")
        options = program.call_options(address, "--json", "--proxy", proxy)
        async with program.running(*options, env={"OPENAI_API_KEY": KEY}) as process:
            told = await until_tools_are_there(process)
            out, err = await process.communicate(b"which variables are there?\n")
        assert (process.returncode, err) == (0, b""), (told, out, err)
        assert b"So be it." in out and "does not work" not in told
        # On a machine that is too slow the tools are there, and offered from the next line on.
        assert "works now" in told or "PATH" in outputs(server)[0]


@pytest.mark.proxy
@pytest.mark.fault("S05")
@pytest.mark.parametrize("scheme", ["socks4", "socks4a", "socks5h", "http"])
async def test_a_proxy_that_is_away_is_blamed_for_the_server_of_tools(
    program: Program, scheme: str
) -> None:
    program.config.write_text('[mcp.far]\nurl = "https://tools.invalid/mcp"\n')
    through = f"{scheme}://me:{PASSWORD}@127.0.0.1:9"
    async with GaServer() as server:
        why = f"The tool server far does not work: The proxy {scheme}://127.0.0.1:9 refused"
        code, _ = await ask_once_told(program, server, why, {"HTTPS_PROXY": through})
    assert code == 0
