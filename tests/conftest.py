"""Which tests are long: left out of every day's run, and run by `bash .setup/test -m long`.

And what keeps six thousand tests cheap to collect, which every worker does for itself.
"""

import contextlib
import gc
import os
from importlib import import_module
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROOT = TESTS.parent
LONGEST_ID = 60
SOUND_AT_ONCE = 2
NICENESS = os.getpriority(os.PRIO_PROCESS, 0)

LONG = (
    "tests/fakes/",  # The stand-ins' own tests; what speaks to them tests them every day.
    "tests/audio/card/test_ring.py::test_rewinding_under_a_reader",
    "tests/audio/card/test_ring.py::test_two_threads",
    "tests/e2e/http/test_fallback.py",
    "tests/e2e/http/test_kinds.py",
    "tests/e2e/plain/test_devices.py",
    "tests/e2e/providers/test_gptlive.py::test_hands_free_the_user_talks_over_an_answer",
    "tests/e2e/proxies/test_failures.py::test_a_hanging_proxy",
    "tests/e2e/proxies/test_failures.py::test_a_web_server_on_the_socks_port",
    "tests/e2e/proxies/test_ways.py",  # Every day: the same ways by the links' own tests.
    "tests/e2e/voice/test_echo.py",
    "tests/e2e/voice/test_interrupt.py::test_the_truncation_is_what_was_emitted[press_esc-1",
    "tests/e2e/voice/test_interrupt.py::test_the_truncation_is_what_was_emitted[press_to_talk-1",
    "tests/e2e/voice/test_interrupt.py::test_the_truncation_is_what_was_emitted[speak_over-1",
    "tests/e2e/voice/test_interrupt.py::test_the_truncation_is_what_was_emitted[type_over-1",
    "tests/e2e/voice/test_loudness.py",
    "tests/e2e/voice/test_record.py",
    "tests/e2e/voice/test_local.py::test_what_is_spoken_comes_back",
    "tests/conversation/journal/test_kills.py",
    "tests/providers/gptlive/test_server.py",
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "xdist_group(name): run by one worker, one after the other")
    gc.disable()  # What is collected stays: looking through it again and again finds nothing.


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Each worker begins its imports at another file, so that together they compile each once."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    if not worker:
        return
    files = [path.relative_to(ROOT) for path in sorted(TESTS.rglob("test_*.py"))]
    start = len(files) * int(worker) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    for path in files[start:] + files[:start]:
        if not path.as_posix().startswith(LONG):
            # What fails here is told by the collection, which imports it again.
            with contextlib.suppress(Exception, pytest.fail.Exception, pytest.skip.Exception):
                import_module(".".join(path.with_suffix("").parts))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Long files are not even imported on a day that leaves them out."""
    is_left_out = config.getoption("markexpr") == "not long"
    name = collection_path.relative_to(ROOT).as_posix()
    is_long = collection_path.suffix == ".py" and name.startswith(LONG)
    return True if is_left_out and is_long else None


def pytest_make_parametrize_id(val: object) -> str | None:
    """A megabyte is no name for a test: its beginning and its length are."""
    if not isinstance(val, str | bytes) or len(val) <= LONGEST_ID:
        return None
    start = val[: LONGEST_ID // 2]
    text = start.decode("latin-1") if isinstance(start, bytes) else start
    return f"{text.encode('unicode_escape').decode()}...{len(val)}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(LONG):
            item.add_marker("long")
    _put_sound_into_groups(items)


def _put_sound_into_groups(items: list[pytest.Item]) -> None:
    """Sound is timed by the machine: so many such tests at once, and each file's by one worker."""
    heard = [item for item in items if item.get_closest_marker("sound")]
    files = dict.fromkeys(item.path for item in heard)
    group = {path: at % SOUND_AT_ONCE for at, path in enumerate(files)}
    for item in heard:
        item.add_marker(pytest.mark.xdist_group(f"sound-{group[item.path]}"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A test's group is no part of its name: by that it is found when it is run once more."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        report.nodeid = report.nodeid.partition("@sound-")[0]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What makes sound goes before all else.  Only root may go back to where it was."""
    if os.geteuid() == 0:
        is_heard = item.get_closest_marker("sound") is not None
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS if is_heard else min(19, NICENESS + 5))


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()
