"""What of the conversation a service is told again, since it forgets everything between two asks.

Rule: pure.  Words are told for ever; pictures and sound, which are large, only while they are new.
"""

from collections.abc import Sequence
from dataclasses import replace

from voicechat.cascade.roles import HistoryMessage, ToolResult

_PICTURES = 4
"""The newest ones, in the whole conversation."""
_SOUNDS = 3
"""Turns whose words nobody wrote down."""
_SOUND_BYTES = 12 * 2**20
"""Of all of them together: four minutes, and 16 MiB as base64."""
_PICTURE_GONE = "(There was a picture here, which is no longer shown.)"
_PICTURE_UNSEEN = "(There was a picture here, which you cannot see.)"
_SOUND_GONE = "(This was spoken, and not written down.)"
_NO_RESULT = '{"error": "The tool has not answered yet."}'


def retell(said: Sequence[HistoryMessage], *, hears: bool, sees: bool) -> list[HistoryMessage]:
    """The conversation in the form that services accept.

    Calls of tools are followed by all their results; pictures and sound beyond what is worth
    sending are replaced by a note; entries without anything in them are gone.

    Args:
        said: The whole conversation, oldest first.
        hears: Whether sound may be sent.
        sees: Whether pictures may be sent.
    """
    told = _limit_sounds(_limit_pictures(_pair(said), sees), hears)
    return [one for one in told if one.text or one.pcm or one.images or one.call or one.result]


def groups(said: Sequence[HistoryMessage]) -> list[list[HistoryMessage]]:
    """Neighbours that make one message: of one side, and results of tools by themselves."""
    found: list[list[HistoryMessage]] = []
    for one in said:
        if found and _kind(found[-1][-1]) == _kind(one) and one.role != "system":
            found[-1].append(one)
        else:
            found.append([one])
    return found


def _kind(one: HistoryMessage) -> str:
    return "result" if one.result else one.role


def _pair(said: Sequence[HistoryMessage]) -> list[HistoryMessage]:
    """Each run of calls with their results right behind it; results without a call are gone."""
    results = {one.result.call_id: one.result for one in said if one.result}
    paired: list[HistoryMessage] = []
    waiting: list[str] = []

    def answer() -> None:
        for call_id in waiting:
            result = results.get(call_id) or ToolResult(call_id, _NO_RESULT)
            paired.append(HistoryMessage("user", result=result))
        waiting.clear()

    for one in said:
        if one.call:
            waiting.append(one.call.call_id)
            paired.append(one)
        else:
            answer()
            if not one.result:
                paired.append(one)
    answer()
    return paired


def _limit_pictures(said: Sequence[HistoryMessage], sees: bool) -> list[HistoryMessage]:
    left, note = (_PICTURES, _PICTURE_GONE) if sees else (0, _PICTURE_UNSEEN)
    told: list[HistoryMessage] = []
    for one in reversed(said):
        kept = one.images[max(0, len(one.images) - left) :] if left else ()
        left -= len(kept)
        text = one.text
        if len(kept) < len(one.images):
            text = "\n".join(filter(None, (note, one.text)))
        told.append(replace(one, images=kept, text=text))
    return told[::-1]


def _limit_sounds(said: Sequence[HistoryMessage], hears: bool) -> list[HistoryMessage]:
    """Words instead of sound wherever there are any; no sound at all for those without ears."""
    turns, left = (_SOUNDS, _SOUND_BYTES) if hears else (0, 0)
    told: list[HistoryMessage] = []
    for one in reversed(said):
        if one.pcm and (one.text or not hears):
            one = replace(one, pcm=b"")
        elif one.pcm and turns and left:
            # The end of a very long turn is what it was about.
            one = replace(one, pcm=one.pcm[max(0, len(one.pcm) - left) :])
            turns, left = turns - 1, left - len(one.pcm)
        elif one.pcm:
            one = replace(one, pcm=b"", text=_SOUND_GONE)
        told.append(one)
    return told[::-1]
