"""The delegation policy of a GPT-Live session: when the model shall hand work to its helper.

Without one it has no reason to, however many tools the helper has.  The model looks for it under a
heading of the instructions; the first generation hands work over by a token that the policy must
name.
Source: the guide "Live prompting" (headings Backchannel, Interruption, Delegation policy).
"""

import re
from fnmatch import fnmatchcase

HEADING = "Delegation policy"
MARKER = "<|SpawnThinking|>"
BY_MARKER = ("gpt-live-1", "gpt-live-1-20*")
"""Models that hand work over by the marker alone, as shell patterns."""

_POLICY = (
    "A helper works behind you, and it has these tools: {tools}. Hand work over to it whenever one "
    "of them can help: to look something up, to change something, or when you are not sure. Say "
    "briefly that you are looking, wait for the result, and answer with it. Never make a result "
    "up; do not hand over small talk, or what you know yourself."
)
_BY_MARKER = f"To hand work over, emit {MARKER}."
_HEADINGS = re.compile(rf"^[#*\s]*{HEADING}[*:\s]*$", re.IGNORECASE | re.MULTILINE)


def with_policy(instructions: str, tools: list[str], model: str) -> str:
    """The instructions, with the user's own policy or else ours; unchanged without tools."""
    if not tools:
        return instructions
    marker = _BY_MARKER if any(fnmatchcase(model, one) for one in BY_MARKER) else ""
    own = _HEADINGS.search(instructions)
    if own is None:
        policy = " ".join(filter(None, (_POLICY.format(tools=", ".join(tools)), marker)))
        return "\n\n".join(filter(None, (instructions, f"# {HEADING}\n{policy}")))
    if not marker or MARKER in instructions:
        return instructions
    return f"{instructions[: own.end()].rstrip()}\n{marker}{_rest(instructions[own.end() :])}"


def _rest(after: str) -> str:
    return "\n" + after.lstrip("\n") if after.strip() else ""
