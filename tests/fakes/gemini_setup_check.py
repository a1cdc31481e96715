"""What the service makes of a `setup`: the settings it holds, or the close it earns.

Field names are checked before (`gemini_check`); here are the rules of models, voices and handles.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fakes.gemini_check import Refused

JsonObject = dict[str, Any]

MODELS = re.compile(
    r"models/(gemini-3\.8-live(-extended-thinking)?|gemini-3\.1-flash-live-preview"
    r"|gemini-2\.5-flash-native-audio-(latest|preview-\d\d-2025))"
)
VOICES = re.compile(
    "Zephyr|Puck|Charon|Kore|Fenrir|Leda|Orus|Aoede|Callirrhoe|Autonoe|Enceladus|Iapetus|Umbriel|"
    "Algieba|Despina|Erinome|Algenib|Rasalgethi|Laomedeia|Achernar|Alnilam|Schedar|Gacrux|"
    "Pulcherrima|Achird|Zubenelgenubi|Vindemiatrix|Sadachbia|Sadaltager|Sulafat"
)
INVALID = "Request contains an invalid argument."


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for one session."""

    model: str
    by_hand: bool
    silence_ms: int
    interrupts: bool
    hears_words: bool
    says_words: bool
    wants_handles: bool
    tools: frozenset[str]
    instructions: str = ""
    awaits_past: bool = False
    """The first content is what was said before, and must come before anything else."""

    @property
    def schedules_tools(self) -> bool:
        return self.model == "models/gemini-3.8-live"


def read(setup: JsonObject, takes_handle: Callable[[str], None]) -> Settings:
    """The settings.  `takes_handle` is called with the handle of a session to resume.

    Raises:
        Refused: the service would close.
    """
    model = setup.get("model", "")
    _mind_model(model, setup)
    _mind_voice(setup.get("generationConfig", {}).get("speechConfig", {}))
    if "sessionResumption" in setup and "handle" in setup["sessionResumption"]:
        takes_handle(setup["sessionResumption"]["handle"])
    turns = setup.get("realtimeInputConfig", {})
    detection = turns.get("automaticActivityDetection", {})
    system = setup.get("systemInstruction", {})
    declared = [one for tool in setup.get("tools", []) for one in tool["functionDeclarations"]]
    return Settings(
        model=model,
        by_hand=detection.get("disabled", False),
        silence_ms=detection.get("silenceDurationMs", 800),
        interrupts=turns.get("activityHandling") != "NO_INTERRUPTION",
        hears_words="inputAudioTranscription" in setup,
        says_words="outputAudioTranscription" in setup,
        wants_handles="sessionResumption" in setup,
        tools=frozenset(one["name"] for one in declared),
        instructions=" ".join(part["text"] for part in system.get("parts", [])),
        awaits_past=setup.get("historyConfig", {}).get("initialHistoryInClientContent", False),
    )


def _mind_model(model: str, setup: JsonObject) -> None:
    if not MODELS.fullmatch(model):
        reason = f"{model} is not found for API version v1beta, or is not supported for "
        raise Refused(1008, f"{reason}bidiGenerateContent. Call ListModels")
    config = setup.get("generationConfig", {})
    if config.get("responseModalities") != ["AUDIO"]:
        reason = "The requested combination of response modalities (TEXT) is not supported"
        raise Refused(1007, f"{reason} by the model.")
    thinks = "thinkingConfig" in config
    if thinks != model.endswith("extended-thinking") and "3.8" in model:
        raise Refused(1007, "Thinking level is not supported for this model.")
    if "3.8" in model and ("proactivity" in setup or "enableAffectiveDialog" in config):
        raise Refused(1007, INVALID)


def _mind_voice(speech: JsonObject) -> None:
    name = speech.get("voiceConfig", {}).get("prebuiltVoiceConfig", {}).get("voiceName")
    if name is not None and not VOICES.fullmatch(name):
        raise Refused(1007, f"Requested voice api_name '{name}' is not available for model")
    if "languageCode" in speech:
        raise Refused(1007, "Unsupported language code for model")
