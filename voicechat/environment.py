"""What a child process may know of our environment, and a crash may leave: everything but secrets.

Rule: a variable goes when its name says key, token or password, and when its value is shaped like
a key or is an address with a password in it.
"""

import os
import re
from collections.abc import Mapping
from contextlib import suppress

from voicechat.text import MASK, mask_secrets

_SECRET_WORD = re.compile(
    r"(api)?keys?|tokens?|secrets?|passw(or)?d|pass(phrase)?|credentials?|auth"
)


def child_environment(environ: Mapping[str, str], *, with_proxies: bool = True) -> dict[str, str]:
    """The variables that are no secrets.

    Args:
        with_proxies: Let the addresses of proxies through, where they hold no password (False: the
            child is told by other means which proxy to take).
    """
    return {
        name: value
        for name, value in environ.items()
        if not _names_secret(name)
        and not _is_secret(value)
        and (with_proxies or "proxy" not in _words(name))
    }


def keep_no_core() -> None:
    """Have the system write no memory to a file when we crash: our keys are in it."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def home_of(environ: Mapping[str, str]) -> str | None:
    """The user's own folder, to run things in; None where there is none."""
    home = environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~")
    return home if os.path.isdir(home) else None


def _words(name: str) -> list[str]:
    return name.lower().split("_")


def _names_secret(name: str) -> bool:
    """Whether a name has a part such as KEY or TOKEN, or ends in APIKEY."""
    words = _words(name)
    return words[-1].endswith("apikey") or any(map(_SECRET_WORD.fullmatch, words))


def _is_secret(value: str) -> bool:
    """Only what is a key as a whole: a folder in PATH may have a name like one."""
    masked = mask_secrets(value)
    return masked == MASK or f"://{MASK}@" in masked
