"""How often the screen looks at the session: often while something happens, seldom while not.

Whatever is pushed to the screen makes it look soon; what must be polled (levels, clocks, what other
tasks have changed) is found a moment later at worst.
"""

import asyncio
from collections.abc import Callable

BUSY_S = 0.125
"""As often as that while something changes."""
CALM_S = 0.25
PATIENCE = 10
"""So many looks in a row that find nothing new make a calm."""


class Pace:
    """Calls `look` again and again, until it is stopped.

    Args:
        look: Brings the screen up to date; whether there was anything new.
        fail: Gets what it raised; it is called no more then.
    """

    def __init__(self, look: Callable[[], bool], fail: Callable[[Exception], None]) -> None:
        self._look, self._fail = look, fail
        self._due: asyncio.TimerHandle | None = None
        self._in_vain = 0

    def start(self) -> None:
        """Look now, in the context of whoever starts it, and go on."""
        try:
            self._in_vain = 0 if self._look() else self._in_vain + 1
        except Exception as error:
            self._due = None
            self._fail(error)
            return
        self._wait(CALM_S if self._is_calm else BUSY_S)

    def hurry(self) -> None:
        """Something happened: look soon; cheap when that is so already."""
        was_calm, self._in_vain = self._is_calm, 0
        if was_calm and self._due is not None:
            self._due.cancel()
            self._wait(BUSY_S)

    def stop(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    @property
    def _is_calm(self) -> bool:
        return self._in_vain >= PATIENCE

    def _wait(self, seconds: float) -> None:
        self._due = asyncio.get_running_loop().call_later(seconds, self.start)
