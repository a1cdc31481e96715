"""What a screen may ask of the house, without knowing who answers."""

from collections.abc import Callable
from dataclasses import dataclass

from voicechat.audio.recording import Recorder
from voicechat.front.listing import DeviceRow, ModelRow
from voicechat.line import Line


@dataclass(frozen=True, slots=True)
class Doors:
    """Each is a plain function of the house."""

    models: Callable[[], list[ModelRow]]
    dial: Callable[[str], Callable[[], Line]]
    """Makes a line to the model of that name.  Raises VoiceChatError when it cannot be had."""
    devices: Callable[[], list[DeviceRow]]
    """Raises DeviceError when there is no sound system."""
    pick_device: Callable[[str, int], None]
    """Use the device of this index as `input` or `output` from now on."""
    recorder: Callable[[], Recorder | None] = lambda: None
    """Keeps the sound of the call; None: there is no sound."""
    is_waking: Callable[[], bool] = lambda: False
    """Whether the microphone was just opened and hears nothing yet."""
