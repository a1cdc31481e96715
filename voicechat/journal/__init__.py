"""The conversation on disk as it happens: one JSON line an item, in the order of the conversation.

A file is made at the first item, 0600 in a folder 0700, and written by a thread of its own.  What
is written is there after a crash (fsync after every batch); what cannot be written waits in memory
and is tried again.

    {"type":"conversation","version":1,"id":…,"started":…,"model":…,"provider":…}  the first line
    {"type":"item","id":…,"role":…,"text":…,"time":…,"spoken":…,"model":…,…}       once an item
    {"type":"draft","after":…,"item":{…}}  not its turn yet, or still growing: only for a crash
    {"type":"amend","id":…,…}              what became known after the item was written
"""

from collections.abc import Mapping
from pathlib import Path

from voicechat.journal.disk import OnError
from voicechat.journal.reading import Item, Loaded, load
from voicechat.journal.recorder import Journal, NullJournal, Recorder, Said

__all__ = [
    "Item",
    "Journal",
    "Loaded",
    "NullJournal",
    "OnError",
    "Recorder",
    "Said",
    "data_folder",
    "load",
]


def data_folder(environ: Mapping[str, str]) -> Path:
    """Where conversations live: `VOICECHAT_DATA`, or the platform's place for a user's data."""
    if named := environ.get("VOICECHAT_DATA", ""):
        return Path(named)
    from platformdirs import user_data_path

    return user_data_path("voicechat", appauthor=False)
