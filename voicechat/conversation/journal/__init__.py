"""The conversation on disk as it happens: one JSON line an item, in the order of the conversation.

A file is made at the first item, 0600 in a folder 0700, and written by a thread of its own.  What
is written is there after a crash (fsync after every batch); what cannot be written waits in memory
and is tried again.  A conversation that is taken up again goes on in its own file.

    {"type":"conversation","version":1,"id":…,"started":…,"model":…,"provider":…}  the first line
    {"type":"item","id":…,"role":…,"text":…,"time":…,"spoken":…,"model":…,…}       once an item
    {"type":"draft","after":…,"item":{…}}  not its turn yet, or still growing: only for a crash
    {"type":"amend","id":…,…}              what became known after the item was written
    {"type":"resumed","time":…,"model":…,…}  it goes on here, with this model
    {"type":"model","name":…}              from here on another model answers

Roles are `user`, `assistant` and `tool` (a call and its answer).  An item with `"code":"picture"`
is a picture that the user showed; its text names it, the picture itself is not kept.
"""

from collections.abc import Mapping
from pathlib import Path

from voicechat.config.environment import user_folder
from voicechat.conversation.journal.export import FORMATS, export
from voicechat.conversation.journal.library import LAST, StoredConversation, list_kept
from voicechat.conversation.journal.reading import JournalItem, Loaded, load
from voicechat.conversation.journal.recorder import (
    Journal,
    JournalRow,
    NullJournal,
    TranscriptWriter,
)
from voicechat.conversation.journal.resuming import Resumed, read, resume

__all__ = [
    "FORMATS",
    "LAST",
    "JournalItem",
    "Journal",
    "StoredConversation",
    "Loaded",
    "NullJournal",
    "TranscriptWriter",
    "Resumed",
    "JournalRow",
    "data_folder",
    "export",
    "list_kept",
    "load",
    "read",
    "resume",
]


def data_folder(environ: Mapping[str, str]) -> Path:
    """Where conversations live: `VOICECHAT_DATA`, or the platform's place for a user's data."""
    if named := environ.get("VOICECHAT_DATA", ""):
        return Path(named)
    from platformdirs import user_data_path

    return user_folder(lambda: user_data_path("voicechat", appauthor=False))
