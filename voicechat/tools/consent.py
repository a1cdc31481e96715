"""Whether a tool may run: what the config allows, what the user says, no if nobody answers.

Rule: one question at a time, in the order of the calls; `always` holds until the program ends.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias

from voicechat.text import clean_line
from voicechat.tools.offer import Offer

Verdict: TypeAlias = Literal["once", "always", "no"]
Ask: TypeAlias = Callable[[str, str], Awaitable[Verdict]]
"""Gets the tool's name and its arguments, safe to show; is cancelled when the call is withdrawn."""

ASK_S = 60.0
LONGEST_QUESTION = 1000
"""Characters of arguments that are shown."""


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
                remedy = f"allow = true under {offer.section} in the config allows it"
                return f"The tool {name} was not run: nobody can be asked here; {remedy}"
            return await self._question(self.ask, name, arguments)

    async def _question(self, ask: Ask, name: str, arguments: dict[str, Any]) -> str:
        try:
            async with asyncio.timeout(self._ask_s):
                verdict = await ask(clean_line(name), show_arguments(arguments))
        except TimeoutError:
            return f"The tool {name} was not run: the user did not answer the question in time"
        if verdict == "always":
            self._always.add(name)
        return f"The tool {name} was not run: the user said no" if verdict == "no" else ""


def show_arguments(arguments: dict[str, Any]) -> str:
    """Exactly what the tool will get, made safe; where it is cut, it says how much is missing."""
    text = clean_line(json.dumps(arguments, ensure_ascii=False), 100_000)
    if len(text) <= LONGEST_QUESTION:
        return text
    return f"{text[:LONGEST_QUESTION]}\u2026 (+{len(text) - LONGEST_QUESTION})"
