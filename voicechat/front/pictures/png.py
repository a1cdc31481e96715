"""PNG chunks: what a picture's pixels need, without the metadata that makes decoders give up.

Editors keep whole workflows, monitor profiles and broken metadata in a PNG; a browser passes over
them, and so do we (PNG specification, third edition, 5.3 and 13.1).
"""

import struct
import zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
_ORIENTED = b"eXIf"
_END = b"\0\0\0\0IEND\xaeB`\x82"
_MOST_EXIF = 65_536


def bare_png(data: bytes) -> bytes:
    """The same picture with nothing but pixels, colours and the way up; not a PNG: as it is."""
    if not data.startswith(_SIGNATURE):
        return data
    kept, at, view = [_SIGNATURE], len(_SIGNATURE), memoryview(data)
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        chunk = view[at : at + 12 + size]
        if kind == b"IEND":
            break
        if kind in _NEEDED or (kind == _ORIENTED and _is_whole_exif(chunk)):
            kept.append(chunk.tobytes())
        at += 12 + size
    return b"".join((*kept, _END))


def _is_whole_exif(chunk: memoryview) -> bool:
    is_tiff = bytes(chunk[8:12]) in (b"II*\0", b"MM\0*")
    is_good = len(chunk) < _MOST_EXIF and zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:])
    return is_tiff and is_good
