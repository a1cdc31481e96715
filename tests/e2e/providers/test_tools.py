"""A tool for every realtime model: offered, called, run, and its answer used."""

import json
import sys

import pytest

from tests.e2e.plain.program import Program
from tests.e2e.providers.dialects import DIALECTS, TOOL, received
from tests.e2e.providers.family_calls import write_wav
from tests.fakes.ga_signal import tone

ANSWER = "It is 12:34 now"
SECTION = f"""
[tools.{TOOL}]
command = ["{sys.executable}", "-c", "print('{ANSWER}')"]
description = "The time now"
parameters = {{ type = "object", properties = {{ zone = {{ type = "string" }} }} }}
allow = true
"""


@pytest.mark.parametrize("name", DIALECTS)
async def test_a_tool_is_called_and_its_answer_is_in_the_models(
    program: Program, name: str
) -> None:
    dialect = DIALECTS[name]
    dialect.configure(program, SECTION)
    write_wav(program.home / "q.wav", tone(900))
    async with dialect.serving(dialect.scripts.tool) as server:
        done = await dialect.run(program, server, "--say", "q.wav")
    assert (done.code, done.err) == (0, ""), done.out
    (called,), (answered,) = done.of("tool_called"), done.of("tool_answered")
    assert (called["name"], json.loads(called["arguments"])) == (TOOL, {"zone": "UTC"})
    assert (answered["name"], answered["output"].strip()) == (TOOL, ANSWER)
    assert answered["id"] == called["id"] and not answered["is_error"]
    order = [event["event"] for event in done.events]
    assert order.index("tool_called") < order.index("tool_answered") < order.index("reply_text")
    assert ANSWER in done.of("reply_text")[-1]["text"], "the model knows what the tool said"
    offered = [entry for entry in received(server) if "The time now" in str(entry.get("message"))]
    assert offered and str(offered[0]["type"]) in ("session.update", "session.start", "setup")
