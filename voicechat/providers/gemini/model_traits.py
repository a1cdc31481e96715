"""What one Gemini model wants that another refuses: the rules behind the names.

A field that a model does not know ends the whole session (close 1007), so every difference stands
here.  A name without a number counts as the newest.
Source: the Live API's pages on models, on thinking and on tools.
"""

import re
from dataclasses import dataclass

_NUMBER = re.compile(r"(?<![\d.])(\d{1,2})\.(\d{1,2})(?!\d)")
_NEWEST = (3, 8)

VOICES = (
    "Zephyr", "Puck", "Charon", "Kore", "Fenrir", "Leda", "Orus", "Aoede", "Callirrhoe", "Autonoe",
    "Enceladus", "Iapetus", "Umbriel", "Algieba", "Despina", "Erinome", "Algenib", "Rasalgethi",
    "Laomedeia", "Achernar", "Alnilam", "Schedar", "Gacrux", "Pulcherrima", "Achird",
    "Zubenelgenubi", "Vindemiatrix", "Sadachbia", "Sadaltager", "Sulafat",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Traits:
    """How one model differs."""

    generation: tuple[int, int] = _NEWEST
    thinks_long: bool = False
    """It must be told how hard to think, and may speak several times for one question."""

    @property
    def sends_words_in_pieces(self) -> bool:
        """Whether the user's words come in fragments (else whole utterances)."""
        return self.generation < (3, 0)

    @property
    def takes_text_as_activity(self) -> bool:
        """Whether a typed line may go among the streamed input, as the user's own activity."""
        return self.generation >= (3, 0)

    @property
    def takes_past(self) -> bool:
        """Whether it takes a first content for what was said before, without answering it."""
        return self.generation >= (3, 0)

    @property
    def may_stay_silent(self) -> bool:
        """Whether it decides for itself if something was said to it."""
        return self.generation >= (3, 8)

    @property
    def schedules_tools(self) -> bool:
        """Whether a tool's answer may say when it wants to be spoken of."""
        return self.generation >= (3, 8) and not self.thinks_long


def traits(model: str) -> Traits:
    found = _NUMBER.search(model)
    generation = (int(found[1]), int(found[2])) if found else _NEWEST
    return Traits(generation, "extended-thinking" in model)


def full_name(model: str) -> str:
    """A model as the setup names it: `models/…`; a whole path stays as it is."""
    return model if "/" in model else f"models/{model}"


def voice_name(voice: str) -> str:
    """A voice in its own spelling; names that are not known here pass as they are."""
    return {name.lower(): name for name in VOICES}.get(voice.lower(), voice)
