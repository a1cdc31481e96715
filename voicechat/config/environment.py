"""What a child process may know of our environment, and a crash may leave: everything but secrets.

Rule: a variable goes when its name says key, token or password, when its value is shaped like a
key or is an address with a password in it, and when the settings name it as the place of a key,
whatever it is called.  What a child needs to know it is told by other means.
"""

import os
import re
from collections.abc import Callable, Collection, Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path

from voicechat.text.clean import MASK, mask_secrets

_SECRET_WORD = re.compile(
    r"(api)?keys?|tokens?|secrets?|passw(or)?d|pass(phrase)?|credentials?|auth"
)
_SHORTEST_KEY = 8
"""A shorter one would be found in values that have nothing to do with it."""


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


def without_keys(
    environ: Mapping[str, str], names: Collection[str], secrets: Collection[str] = ()
) -> dict[str, str]:
    """The variables that hold no key of the settings.

    Args:
        names: Of the variables that hold one.
        secrets: Keys that stand in the settings themselves.
    """
    found = {*secrets, *(environ.get(name, "").strip() for name in names)}
    keys = [key for key in found if len(key) >= _SHORTEST_KEY]
    return {
        name: value
        for name, value in environ.items()
        if name not in names and not any(key in value for key in keys)
    }


def forget_keys(
    environ: MutableMapping[str, str], names: Collection[str], secrets: Collection[str] = ()
) -> None:
    """Take the keys out of the environment that every child gets of itself; arguments as above."""
    kept = without_keys(environ, names, secrets)
    for name in environ.keys() - kept.keys():
        del environ[name]


def keep_no_core() -> None:
    """Have the system write no memory to a file when we crash: our keys are in it."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


NOWHERE = Path(os.devnull) / "voicechat"
"""A folder where nothing is found and nothing can be put."""


def user_folder(find: Callable[[], Path]) -> Path:
    """A folder below the user's home; `NOWHERE` for a user who has none: no HOME and no entry in
    passwd (containers, services), or a HOME that is no whole path."""
    try:
        folder = find()
    except (RuntimeError, KeyError):
        return NOWHERE
    return folder if folder.is_absolute() else NOWHERE


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
