"""One name for each event: the beta's names become those of the general release (GA).

The two sets never collide, so both are understood always; compatible servers mix them.
Source: the beta-to-GA migration notes in OpenAI's Realtime guide.
"""

from collections.abc import Mapping

_RENAMED = {
    "response.audio.delta": "response.output_audio.delta",
    "response.audio.done": "response.output_audio.done",
    "response.audio_transcript.delta": "response.output_audio_transcript.delta",
    "response.audio_transcript.done": "response.output_audio_transcript.done",
    "response.text.delta": "response.output_text.delta",
    "response.text.done": "response.output_text.done",
    "conversation.item.created": "conversation.item.added",
}

_SPOKEN_PARTS = frozenset({"audio", "output_audio"})
_WRITTEN_PARTS = frozenset({"text", "output_text"})

SILENT = frozenset(
    {
        "conversation.created",
        "conversation.item.added",
        "conversation.item.deleted",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.segment",
        "conversation.item.retrieved",
        "conversation.item.truncated",
        "heartbeat",
        "input_audio_buffer.cleared",
        "input_audio_buffer.timeout_triggered",
        "output_audio_buffer.cleared",
        "output_audio_buffer.started",
        "output_audio_buffer.stopped",
        "ping",
        "rate_limits.updated",
        "response.cancelled",
        "response.function_call_arguments.delta",
    }
)
"""Known events that change nothing for us."""


def modern(kind: str, own: Mapping[str, str]) -> str:
    """The GA name of an event; `own` holds the names that only this provider uses."""
    return own.get(kind) or _RENAMED.get(kind, kind)


def is_spoken_part(kind: str) -> bool:
    """Whether a content part of this type is sound with a transcript."""
    return kind in _SPOKEN_PARTS


def is_written_part(kind: str) -> bool:
    """Whether a content part of this type is plain text of the model."""
    return kind in _WRITTEN_PARTS
