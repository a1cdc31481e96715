"""Which tests are long: left out of every day's run, and run by `bash .setup/test -m long`."""

import pytest

LONG = (
    "tests/fakes/",  # The stand-ins' own tests; what speaks to them tests them every day.
    "tests/audio/test_ring.py::test_rewinding_under_a_reader",
    "tests/audio/test_ring.py::test_two_threads",
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
    "tests/journal/test_kills.py",
    "tests/providers/test_gptlive_server.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(LONG):
            item.add_marker("long")
