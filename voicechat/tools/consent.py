"""Consent to tool calls: what the config allows, what the user says, no if nobody answers.

Rule: one question at a time, in the order of the calls; `always` holds until the program ends.
What is asked is what runs: a question shows every character, and what is too long to be shown
whole is not asked and not run.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias

from voicechat.text.visible import visible_json, without_gaps
from voicechat.tools.offer import Offer

Verdict: TypeAlias = Literal["once", "always", "no"]
Ask: TypeAlias = Callable[[str, str], Awaitable[Verdict]]
"""Gets the tool's name and its arguments as JSON in which every character is seen; is cancelled
when the call is withdrawn."""

ASK_S = 60.0
LONGEST_QUESTION = 32_000
"""Characters of arguments that a person can be asked about."""


class Consent:
    """Asks, and remembers."""

    def __init__(self, ask_s: float = ASK_S) -> None:
        self.ask: Ask | None = None
        self._ask_s = ask_s
        self._always: set[str] = set()
        self._turn = asyncio.Lock()

    async def find_objection(self, name: str, offer: Offer, arguments: dict[str, Any]) -> str:
        """Why the tool may not run now, in words for the model (and the user); empty: it may."""
        if offer.is_allowed or name in self._always:
            return ""
        async with self._turn:
            if name in self._always:
                return ""
            if self.ask is None:
                return _refusal(name, offer, "nobody can be asked here")
            shown = show_arguments(arguments)
            if len(shown) > LONGEST_QUESTION:
                return _refusal(name, offer, "its arguments are too long to be shown to the user")
            return await self._question(self.ask, name, shown)

    async def _question(self, ask: Ask, name: str, shown: str) -> str:
        try:
            async with asyncio.timeout(self._ask_s):
                verdict = await ask(visible_json(name)[1:-1], shown)
        except TimeoutError:
            return f"The tool {name} was not run: the user did not answer the question in time"
        if verdict == "always":
            self._always.add(name)
        return f"The tool {name} was not run: the user said no" if verdict == "no" else ""


def _refusal(name: str, offer: Offer, why: str) -> str:
    remedy = f"allow = true under {offer.section} in the config allows it"
    return f"The tool {name} was not run: {why}; {remedy}"


def show_arguments(arguments: dict[str, Any]) -> str:
    """Exactly what the tool will get, as JSON on one line: read as JSON, it is the arguments."""
    return without_gaps(visible_json(arguments))
