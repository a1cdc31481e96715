"""The providers: one module or folder each, named as the config names them, found by name.

Adding one is adding one file that ends in `DIALECT = …`, or a folder whose `dialect.py` does.
`base` and `catalog` are shared, and so is what has an underscore in its name.
"""

import pkgutil
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import cast

from voicechat.errors import ConfigError
from voicechat.providers.base import Dialect
from voicechat.text.phrase import phrase

_SHARED = ("base", "catalog")


@cache
def names() -> tuple[str, ...]:
    """Every provider in alphabetical order; imports none of them, and reads the folder once."""
    modules = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in modules if "_" not in name and name not in _SHARED))


def dialect_class(name: str) -> type[Dialect]:
    """The dialect of one provider, imported now.

    Raises:
        ConfigError: There is no such provider; names the nearest, or all.
    """
    known = names()
    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = (
            phrase("Did you mean {near!r}?", near=near[0])
            if near
            else phrase("There are: {known}", known=", ".join(known))
        )
        raise ConfigError(phrase("No provider is called {name!r}", name=name[:60]), hint)
    module = import_module(f"{__name__}.{name}")
    if hasattr(module, "__path__"):
        module = import_module(f"{__name__}.{name}.dialect")
    return cast(type[Dialect], module.DIALECT)
