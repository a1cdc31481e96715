r"""Terminal reports (device attributes, OSC, DCS, APC) that answer what somebody else has asked.

The shell, tmux or the program before asked for a colour or a version, and the answer comes late,
over ssh in pieces as well: it is dropped here, so that nobody's keys are made of it.  Sequences in
pieces wait for their rest; what turns out to have been keys (Alt+], Escape and `[`) is passed on.

Source: ECMA-48 5.6 (control strings), https://invisible-island.net/xterm/ctlseqs/ctlseqs.html.
"""

import re

from textual._time import get_time

PATIENCE_S = 2.0
"""How long the rest of what is surely a report may take."""
KEYS_S = 0.3
"""How long it may take where it may be keys as well."""
LATE_S = 0.6
"""So long after a lone ESC was the Escape key, it may prove to have begun a report."""
LONGEST = 4_000
_KEPT = 16
NOTHING = "\x1b[0n"
"""A whole sequence that is no key."""

_CSI = r"\x1b\[[<=>?]?[0-9;:]*[ -/]*"
_STRING = r"(?:\x1b\][0-9]{1,5};|\x1bP[0-9;]*[!$+>|]|\x1b_G)[ -~]*"
_WHOLE_REPORT = re.compile(
    rf"\x1b\[[=>?][0-9;:]*[ -/]*[@-tv-xz-~]"  # u and y: of keys and modes, which are read
    rf"|{_STRING}(?:\x07|\x1b\\|\x9c|(?=\x1b[^\\]|[^ -~\x1b]))"
    r"|\x1b[\]PX^_][ -~]*(?:\x07|\x1b\\|\x9c)"
)
_SURELY = re.compile(rf"\x1b\[[=>?][0-9;:]+[ -/]*|{_STRING}\x1b?")
_BEGUN = re.compile(
    rf"{_SURELY.pattern}|\x1b\[[<=>?0-9][0-9;:]*[ -/]*|\x1b(?:\][0-9]*|P[0-9;]*|_)"
    r"|\x1b[X^][ -~]*\x1b?"
)
_MAY_BE_A_KEY = ("\x1b", "\x1b[")


class ReportFilter:
    """Feed it what was read; it gives back what is left of it."""

    def __init__(self) -> None:
        self._held, self._since = "", 0.0
        """The beginning of a report or a key, not passed on yet, and since when it is waited."""
        self._given = ""
        """The beginning of a sequence that was passed on: it may be the Escape key."""
        self._told_at: float | None = None
        """When what was passed on became a key."""

    @property
    def is_waiting(self) -> bool:
        """Whether something is held back."""
        return bool(self._held)

    def note_keys(self) -> None:
        """What was passed on has become a key, since nothing followed."""
        if self._given and self._told_at is None:
            self._told_at = get_time()

    def feed(self, text: str) -> str:
        """What of it is no report; together with what was held back."""
        if self._told_at is not None and not self._held and get_time() > self._told_at + LATE_S:
            self._forget()
        given, is_told = self._given, self._told_at is not None
        whole = given + self._held + text
        self._held, self._since = "", get_time()
        passed: list[str] = []
        at = 0
        while at < len(whole):
            start = whole.find("\x1b", at)
            start = len(whole) if start < 0 else start
            passed.append(whole[at:start])
            at = start
            if start == 0 and given and self._is_report(whole, is_told=is_told):
                passed.append(given if is_told else NOTHING)
            if found := _WHOLE_REPORT.match(whole, start):
                at = found.end()
            elif start < len(whole) and self._hold(whole, start, len(given) if is_told else 0):
                return "".join(passed)[len(given) :]
            elif start < len(whole):
                passed.append("\x1b")
                at = start + 1
        rest = "".join(passed)
        self._forget()
        self._given = next((end for end in _MAY_BE_A_KEY[::-1] if rest.endswith(end)), "")
        return rest[len(given) :]

    def tick(self) -> str:
        """To be called when nothing came for a while: what was held back and proved to be keys."""
        held, is_report = self._held, bool(_SURELY.fullmatch(self._held))
        if not held or get_time() < self._since + (PATIENCE_S if is_report else KEYS_S):
            return ""
        self._held = ""
        self._forget()
        return "" if is_report else held

    def _forget(self) -> None:
        self._given, self._told_at = "", None

    def _is_report(self, whole: str, *, is_told: bool) -> bool:
        """Whether what was passed on belongs to a report, or is held back from now on."""
        is_more = is_told and whole in _MAY_BE_A_KEY
        return bool(_WHOLE_REPORT.match(whole) or _BEGUN.fullmatch(whole) or is_more)

    def _hold(self, whole: str, start: int, told: int) -> bool:
        """Hold the rest back, if it may become a report; less what is a key already."""
        told = told if start == 0 else 0
        rest = whole[start:]
        if not (_BEGUN.fullmatch(rest) or (told and rest in _MAY_BE_A_KEY)):
            return False
        self._held = rest[told:] if len(rest) <= LONGEST else rest[told:_KEPT]
        if not told:
            self._forget()
        return True
