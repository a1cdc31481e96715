"""Names that every model accepts, one for each tool.

Rule: a name once given stays with its tool, and no other tool gets it.
"""

import re

LONGEST = 64
"""OpenAI's and Google's limit for the name of a function."""


class Names:
    """Gives names; remembers to whom."""

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], str] = {}

    def name_for(self, section: str, wanted: str) -> str:
        """The name of the tool that its `section` calls `wanted`."""
        key = section, wanted
        if key not in self._given:
            self._given[key] = self._free(clean_name(wanted))
        return self._given[key]

    def _free(self, name: str) -> str:
        taken, candidate, count = set(self._given.values()), name, 1
        while candidate in taken:
            count += 1
            candidate = f"{name[: LONGEST - 1 - len(str(count))]}_{count}"
        return candidate


def clean_name(wanted: str) -> str:
    """At most 64 letters, digits, `_` and `-`; begins with a letter or `_`, as Google demands."""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", wanted)
    if not re.match(r"[A-Za-z_]", name):
        name = f"_{name}"
    return name[:LONGEST]
