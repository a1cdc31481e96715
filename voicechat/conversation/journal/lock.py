"""One program at a time writes a conversation: a lock that goes with the program, however it ends.

The system frees it when the file is closed, so a crash leaves nothing behind to clean up.
"""

import os
import sys

_PLACE = 1 << 40
"""Bytes; far behind any line, because Windows lets nobody read what is locked."""


def lock(file: int) -> bool:
    """Take an open file for this program alone; False: another one has it.

    Where a file system knows no locks everybody gets it.
    """
    if sys.platform == "win32":
        return _lock_place(file)
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


if sys.platform == "win32":

    def _lock_place(file: int) -> bool:
        import msvcrt

        os.lseek(file, _PLACE, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
