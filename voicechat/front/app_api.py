"""What a screen may ask of the house, without knowing who answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from voicechat.audio.recording.recorder import CallRecorder
from voicechat.connection.target import Target
from voicechat.errors import ConfigError
from voicechat.front.commands.listing import DeviceRow, ModelRow
from voicechat.text.phrase import phrase


@dataclass(frozen=True, slots=True)
class TypedKey:
    """A key that the user typed or pasted as a message."""

    key: str = field(repr=False)
    provider: str = ""
    """Whose it is; empty: nobody's that we know."""
    title: str = ""
    """The provider's name for people."""
    variable: str = ""
    """The environment variable where it belongs, beside the config."""


def _refuse(typed: TypedKey) -> Path:
    raise ConfigError(phrase("There is no config file to keep a key in"))


@dataclass(frozen=True, slots=True)
class AppApi:
    """Each is a function of the house; those that may take a moment are awaited."""

    models: Callable[[], list[ModelRow]]
    dial: Callable[[str], Callable[[], Target]]
    """Makes a line to the model of that name.  Raises VoiceChatError when it cannot be had."""
    devices: Callable[[], Awaitable[list[DeviceRow]]]
    """Raises DeviceError when there is no sound system, or it does not answer."""
    pick_device: Callable[[str, int], None]
    """Use the device of this index as `input` or `output` from now on."""
    recorder: Callable[[], CallRecorder | None] = lambda: None
    """Keeps the sound of the call; None: there is no sound."""
    is_waking: Callable[[], bool] = lambda: False
    """Whether the microphone was just opened and hears nothing yet."""
    find_key: Callable[[str, str], TypedKey | None] = lambda line, provider: None
    """The key in a typed line, for one who talks to that provider; None: there is none."""
    store_key: Callable[[TypedKey], Path] = _refuse
    """Put it into the config.  Raises VoiceChatError when that cannot be done."""
    hide_key: Callable[[TypedKey], None] = lambda typed: None
    """Keep a key that is sent all the same out of every file."""
