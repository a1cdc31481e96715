"""A screen of one's own: Xvfb, whose picture is a file that a test may paint.

    with Display(640, 400) as display:
        display.paint(0, (255, 0, 0))       # The left half red.
        ... os.environ["DISPLAY"] = display.name

Source of the file's form: X11/XWDFile.h.
"""

import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import Self

_COLOUR_BYTES = 12
"""Of one entry of the table of colours, which stands between header and pixels."""


class Display:
    """Black at first; 24 bits a pixel."""

    def __init__(self, width: int, height: int) -> None:
        program = shutil.which("Xvfb")
        assert program, "Xvfb is missing: apt-get install xvfb"
        self.width, self.height = width, height
        self._folder = tempfile.TemporaryDirectory()
        self._command = [
            program,
            "-screen",
            "0",
            f"{width}x{height}x24",
            "-nolisten",
            "tcp",
            "-noreset",
        ]

    def __enter__(self) -> Self:
        far, near = os.pipe()
        command = [*self._command, "-fbdir", self._folder.name, "-displayfd", str(near)]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, pass_fds=[near], stdout=quiet, stderr=quiet)
        os.close(near)
        with os.fdopen(far) as told:  # It chooses a number that is free, and tells it when ready.
            number = told.readline().strip()
        assert number, "Xvfb did not start"
        self.name = f":{number}"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._folder.cleanup()

    def paint(self, half: int, rgb: tuple[int, int, int]) -> None:
        """Give the left (0) or the right (1) half one colour."""
        picture = Path(self._folder.name, "Xvfb_screen0")
        with picture.open("r+b") as file:
            header = struct.unpack(">25I", file.read(100))
            begin, line_bytes, colours = header[0], header[12], header[19]
            pixels = bytes((*reversed(rgb), 0)) * (self.width // 2)
            for row in range(self.height):
                at = begin + colours * _COLOUR_BYTES + row * line_bytes
                file.seek(at + half * len(pixels))
                file.write(pixels)
