"""`python -m tests.bench [NAME …]`: all benchmarks, or the named; prints tables, judges nothing."""

import importlib
import pkgutil
import sys

import tests.bench


def main() -> None:
    names = [module.name for module in pkgutil.iter_modules(tests.bench.__path__)]
    known = [name for name in names if not name.startswith("_")]
    for name in sys.argv[1:] or known:
        print(f"\n## {name}\n", flush=True)
        importlib.import_module(f"tests.bench.{name}").main()


if __name__ == "__main__":
    main()
