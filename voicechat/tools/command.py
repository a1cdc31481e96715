"""A program of the user's as a tool: the arguments as JSON on its stdin, its stdout the answer."""

import json
from collections.abc import Mapping
from typing import Any

from voicechat.config.schema import ToolSection
from voicechat.errors import ServiceError
from voicechat.events import Tool
from voicechat.text.phrase import phrase
from voicechat.tools.offer import Answer, Offer
from voicechat.tools.program import Outcome, last_line, run_program

_NO_ARGUMENTS: Mapping[str, Any] = {"type": "object", "properties": {}}


def offer_command(name: str, section: ToolSection, environ: Mapping[str, str]) -> Offer:
    """Make the tool of [tools.NAME]; it runs with just the variables of `environ`."""

    async def run(arguments: dict[str, Any]) -> Answer:
        text = json.dumps(arguments, ensure_ascii=False) + "\n"
        try:
            outcome = await run_program(section.command, text, environ, section.timeout_s)
        except ServiceError as error:
            raise ServiceError(
                phrase("The tool {name} failed: {why}", name=name, why=error.message), error.hint
            ) from None
        return _read(name, outcome)

    tool = Tool(name, section.description, {**_NO_ARGUMENTS, **section.parameters})
    return Offer(tool, run, f"[tools.{name}]", section.allow)


def _read(name: str, outcome: Outcome) -> Answer:
    """The answer, or why there is none: what a program that failed wrote last."""
    if outcome.exit_code == 0:
        return Answer(outcome.output.strip())
    how = f"code {outcome.exit_code}" if outcome.exit_code > 0 else f"signal {-outcome.exit_code}"
    last = outcome.complaint or last_line(outcome.output.encode())
    return Answer(f"The tool {name} failed with {how}" + (f": {last}" if last else ""), True)
