"""What we ask a GLM session to be: always the whole of it, because an update replaces everything.

What an update leaves out falls back to the service's defaults: WAV files as input, turns marked by
the client, a Chinese persona.  `beta_fields` must be there, nested, or the gateway hangs up.
Source: GLM-Realtime, `session.update` (docs.bigmodel.cn) and the README of its web demo.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from voicechat.providers.base import Settings
from voicechat.providers.json_fields import JsonObject, text
from voicechat.providers.openai.errors import Fault
from voicechat.providers.openai.messages import flat_tool
from voicechat.providers.openai.session_update import server_vad
from voicechat.text.clean import clean
from voicechat.text.phrase import phrase

ChatMode: TypeAlias = Literal["audio", "video_passive"]
Wish: TypeAlias = Literal["noise", "voice", "modalities", "turns", "tools"]

GATEWAY_MODELS = ("glm-realtime", "glm-realtime-flash", "glm-realtime-air")
"""What the address may name; any other model is named in the settings alone."""
USUAL_VOICE = "tongtong"
USUAL_INSTRUCTIONS = (
    "You are a friendly, helpful voice assistant. Always answer in the language the user speaks, "
    "in short spoken sentences."
)
"""In place of the service's own persona, which answers in Chinese."""

_CALLED: dict[Wish, str] = {
    "noise": phrase("noise reduction"),
    "voice": phrase("the chosen voice"),
    "modalities": phrase("the kind of answer"),
    "turns": phrase("the details of the turn-taking"),
    "tools": phrase("the tools"),
}
_BLAMED: dict[Wish, tuple[str, ...]] = {
    "noise": ("noise_reduction",),
    "voice": ("voice",),
    "modalities": ("modalities",),
    "turns": ("threshold", "padding_ms", "silence_duration", "_response", "turn_detection"),
    "tools": ("tools", "parameters"),
}
_FORMAT = re.compile(r"(wav|pcm)(\d{1,2})?")
_USUAL_KHZ = 16


@dataclass(slots=True)
class Whole:
    """Everything a session can be asked to be, and what was given up of it."""

    chat_mode: ChatMode = "audio"
    has_turns_with_tools: bool = True
    """Whether the server's VAD still finds the end of a turn when there are tools."""
    offers_noise_reduction: bool = False
    left_out: set[Wish] = field(default_factory=set)

    def build(self, settings: Settings, model: str, *, hands_free: bool) -> JsonObject:
        """The `session` of every update."""
        session: JsonObject = {
            "model": model,
            "modalities": self._modalities(settings),
            "instructions": clean(settings.instructions),
            "voice": settings.voice or USUAL_VOICE,
            "input_audio_format": "pcm16",
            "output_audio_format": "pcm",
            "turn_detection": self._turns(settings, hands_free),
            "tools": self._tools(settings, hands_free),
            "beta_fields": {
                "chat_mode": self.chat_mode,
                "tts_source": "e2e",
                "auto_search": False,
            },
        }
        if "voice" in self.left_out:
            del session["voice"]
        if self.offers_noise_reduction and "noise" not in self.left_out:
            near = "far_field" if hands_free else "near_field"
            session["input_audio_noise_reduction"] = {"type": near}
        return session

    def _modalities(self, settings: Settings) -> list[str]:
        only_text = settings.text_only and "modalities" not in self.left_out
        return ["text"] if only_text else ["text", "audio"]

    def _turns(self, settings: Settings, hands_free: bool) -> JsonObject:
        if not hands_free:
            return {"type": "client_vad"}
        if "turns" in self.left_out:
            return {"type": "server_vad"}
        return server_vad(replace(settings.vad, kind="server"))

    def _tools(self, settings: Settings, hands_free: bool) -> list[JsonObject]:
        """Tools work in audio mode only, and not always together with the server's VAD."""
        are_possible = self.chat_mode == "audio" and "tools" not in self.left_out
        if not are_possible or (hands_free and not self.has_turns_with_tools):
            return []
        return [flat_tool(tool) for tool in settings.tools]

    def give_up_something(self, fault: Fault) -> str | None:
        """What will be left out from now on, in words; None: there is nothing left to give up.

        A refusal that blames nothing costs everything that is not needed, at once.
        """
        blamed = f"{fault.param} {fault.message}".lower()
        for wish, words in _BLAMED.items():
            if wish not in self.left_out and any(word in blamed for word in words):
                self.left_out.add(wish)
                return _CALLED[wish]
        if self.left_out >= set(_CALLED):
            return None
        self.left_out |= set(_CALLED)
        return phrase("some of our settings")


@dataclass(frozen=True, slots=True)
class InputFormat:
    """How the server wants to hear us."""

    is_wav: bool = False
    """Every append is a whole WAV file."""
    rate: int = _USUAL_KHZ * 1000


def read_input_format(session: JsonObject) -> InputFormat | None:
    """What `session.updated` says; the suffix is the rate in kHz.  None: it does not say."""
    found = _FORMAT.fullmatch(text(session, "input_audio_format"))
    if found is None:
        return None
    khz = int(found[2] or _USUAL_KHZ)
    return InputFormat(found[1] == "wav", khz * 1000) if 8 <= khz <= 48 else None
