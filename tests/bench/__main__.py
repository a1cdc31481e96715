"""`python -m tests.bench [NAME …]`: all benchmarks, or the named; prints tables, judges nothing.

Numbers after the names are theirs, e.g. `python -m tests.bench hands_free 3`: three minutes.
"""

import importlib
import pkgutil
import sys

import tests.bench

LONG = {"hands_free", "long_call"}
"""They talk for half an hour: only when they are named."""


def main() -> None:
    names = [module.name for module in pkgutil.iter_modules(tests.bench.__path__)]
    known = [name for name in names if not name.startswith("_")]
    named = [word for word in sys.argv[1:] if word in known]
    for name in named or sorted(set(known) - LONG):
        print(f"\n## {name}\n", flush=True)
        importlib.import_module(f"tests.bench.{name}").main()


if __name__ == "__main__":
    main()
