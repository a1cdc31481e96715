"""Takes out of flowing text what a model thinks before it speaks: nobody shall hear that.

Rule: pure.  Thoughts stand between tags (`<think>…</think>`) when a server does not sort them out
itself; tags may come in any pieces.
"""

import re

_NAMES = ("think", "thinking", "thought", "reasoning")
_BOXES = ("<|begin_of_box|>", "<|end_of_box|>")
"""Marks around GLM's final answer."""
_OPEN = tuple(f"<{name}>" for name in _NAMES)
_CLOSE = tuple(f"</{name}>" for name in _NAMES)
_OUTSIDE = re.compile("|".join(map(re.escape, (*_OPEN, *_CLOSE, *_BOXES))), re.IGNORECASE)
_INSIDE = re.compile("|".join(map(re.escape, _CLOSE)), re.IGNORECASE)


class Thoughts:
    """Text in, text without thoughts out; holds back only what may become a tag."""

    def __init__(self) -> None:
        self._held = ""
        self._inside = False
        self._trims = False
        """Whether blank lines at the start of what comes next belong to the tag."""

    def feed(self, text: str) -> str:
        """More text; what of it is meant to be said."""
        self._held += text
        said = ""
        while tag := (_INSIDE if self._inside else _OUTSIDE).search(self._held):
            said += self._say(self._held[: tag.start()])
            self._held = self._held[tag.end() :]
            self._pass(tag[0].lower())
        ready = _before_tag(self._held, _CLOSE if self._inside else (*_OPEN, *_CLOSE, *_BOXES))
        said += self._say(self._held[:ready])
        self._held = self._held[ready:]
        return said

    def finish(self) -> str:
        """The text is over: what was held back."""
        rest, self._held = self._held, ""
        return self._say(rest)

    def _pass(self, tag: str) -> None:
        if tag not in _BOXES:
            self._inside = tag in _OPEN
        self._trims = True

    def _say(self, text: str) -> str:
        if self._inside or not text:
            return ""
        if self._trims:
            text = text.lstrip()
            self._trims = not text
        return text


def _before_tag(text: str, tags: tuple[str, ...]) -> int:
    """Where the beginning of a tag stands at the end of the text, or its length."""
    at = text.rfind("<")
    is_tag = at >= 0 and any(tag.startswith(text[at:].lower()) for tag in tags)
    return at if is_tag else len(text)
