"""A stand-in in a process of its own that need not import anything: a process that has forks.

The official Python packages, by which a stand-in checks its messages, take over a second of
processor time to import.  One process of each test run imports them, once, and is forked for
each start; what runs is the stand-in as its command line starts it.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.fakes.ga_server"])
LONGEST_START_S = 60.0
LONGEST_END_S = 10.0


@contextmanager
def running(module: str, *options: str) -> Iterator[str]:
    """Run `python -m module options…` (it has a `main`); gives the first line of its output.

    It gets a SIGTERM at the end.

    Raises:
        AssertionError: It said nothing in time, or does not end.
    """
    ours, theirs = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_become, args=(module, options, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        assert ours.poll(LONGEST_START_S), f"{module} did not start"
        with os.fdopen(os.dup(ours.fileno())) as output:
            yield output.readline()
    finally:
        ours.close()
        process.terminate()
        process.join(LONGEST_END_S)
        assert process.exitcode is not None, f"{module} does not end"


def _become(module: str, options: tuple[str, ...], output: Connection) -> None:
    os.dup2(output.fileno(), sys.stdout.fileno())
    output.close()
    sys.argv = [module, *options]
    with contextlib.suppress(BrokenPipeError):
        import_module(module).main()
