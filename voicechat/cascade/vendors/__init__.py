"""Speech services (STT and TTS) over HTTPS, by the language they are spoken to in.

Each language is one module of this folder that ends in `SPEECH = …`: adding one is adding that
file, and naming it in the provider's profile (`Http.ears`, `Http.mouth`).
"""

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import cast

from voicechat.cascade.http.service import HttpService
from voicechat.cascade.options import LocalOptions
from voicechat.cascade.stt.stt import Writer
from voicechat.cascade.tts.tts import SpeechVendor


@dataclass(frozen=True, slots=True)
class SpeechServices:
    """How one vendor's two services are made, each for its address and the user's options."""

    writer: Callable[[HttpService, LocalOptions], Writer]
    """Speech to text."""
    speaker: Callable[[HttpService, LocalOptions], SpeechVendor]
    """Text to speech."""


@cache
def speech_kinds() -> tuple[str, ...]:
    """Every language in alphabetical order; imports none of them, and reads the folder once."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def speech_services(kind: str) -> SpeechServices | None:
    """The services of one language, imported now; None: there is no such language."""
    if kind not in speech_kinds():
        return None
    module = import_module(f"{__name__}.{kind}")
    return cast(SpeechServices, module.SPEECH)
