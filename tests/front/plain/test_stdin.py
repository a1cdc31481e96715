"""Lines of stdin, as a program gets them that was started with a pipe, a file or nothing."""

import subprocess
import sys
from pathlib import Path

READER = """
import asyncio
from voicechat.front.plain.stdin import read_lines
async def main():
    async for line in read_lines():
        print(ascii(line), flush=True)
asyncio.run(main())
"""


def read(data: bytes) -> list[str]:
    command = [sys.executable, "-c", READER]
    done = subprocess.run(command, input=data, capture_output=True, check=True, timeout=50)
    assert done.stderr == b""
    return done.stdout.decode().splitlines()


def test_the_last_line_needs_no_end() -> None:
    assert read(b"one\n\ntwo") == [r"'one\n'", r"'\n'", "'two'"]


def test_bytes_that_are_no_text_are_marked() -> None:
    assert read(b"caf\xe9\n") == [r"'caf\ufffd\n'"]


def test_nothing_is_no_line() -> None:
    assert read(b"") == []


def test_a_line_is_there_before_the_next_one_is_written() -> None:
    command = [sys.executable, "-c", READER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin and child.stdout
        for word in (b"one", b"two"):
            child.stdin.write(word + b"\n")
            child.stdin.flush()
            assert child.stdout.readline() == b"'%s\\n'\n" % word
        child.stdin.close()
        assert child.wait(50) == 0


def test_a_file_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"one\ntwo\n")
    with path.open("rb") as file:
        command = [sys.executable, "-c", READER]
        done = subprocess.run(command, stdin=file, capture_output=True, check=True, timeout=50)
    assert len(done.stdout.splitlines()) == 2
