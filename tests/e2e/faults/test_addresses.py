"""A name with two addresses, one of which leads nowhere."""

import pytest

from tests.e2e.plain.program import Program
from tests.e2e.proxies.places import inside
from tests.fakes.fault_proxy import FaultProxy
from tests.fakes.ga_script import GREETING
from tests.fakes.ga_server import GaServer


@pytest.mark.fault("N34")
async def test_a_black_hole_at_the_newer_address_does_not_keep_the_call(
    program: Program,
) -> None:
    hosts = program.home / "hosts"
    hosts.write_text("::1 localhost\n127.0.0.1 localhost\n")
    program.prefix = inside(hosts)
    async with GaServer() as server:
        with FaultProxy(server.port, host="::1", port=server.port) as hole:
            hole.vanish()
            url = f"ws://localhost:{server.port}/v1/realtime"
            done = await program.call(url, timeout_s=30)
            assert hole.visits == 0
    assert (done.code, done.out, done.err) == (0, GREETING + "\n", "")
    assert done.seconds < 9, "the dead address was waited for"
