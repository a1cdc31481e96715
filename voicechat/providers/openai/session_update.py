"""What we ask a session to be, in the shape of the general release (GA) or of the beta.

An update is refused as a whole for one unknown key, so it holds only what is needed, and
`leave_out` drops one wish after the other until the server agrees.  JSON null switches a thing
off; an absent key leaves it as it is.
Source: `session.update` in the Realtime API reference.
"""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Literal, TypeAlias

from voicechat.providers.base import Profile, Settings, Vad
from voicechat.providers.json_fields import JsonObject, table, text
from voicechat.text.clean import clean
from voicechat.text.phrase import phrase

Shape: TypeAlias = Literal["ga", "beta"]
Wish: TypeAlias = Literal["transcription", "voice", "tools", "formats", "modalities", "turns"]

WISHES: dict[Wish, str] = {
    "transcription": phrase("writing down what you say"),
    "voice": phrase("the chosen voice"),
    "tools": phrase("the tools"),
    "formats": phrase("the sound format"),
    "modalities": phrase("the kind of answer"),
    "turns": phrase("the turn-taking"),
}
"""What may be left out, in this order, and how it is called."""

_FIELDS: dict[Wish, tuple[str, ...]] = {
    "transcription": ("transcription",),
    "voice": ("voice",),
    "tools": ("tools",),
    "formats": ("format",),
    "modalities": ("modalities",),
    "turns": ("turn_detection",),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The parts of a session's settings that providers write differently."""

    modalities: list[str]
    turns: JsonObject | None
    transcription: JsonObject | None
    input_format: object
    output_format: object
    tools: list[JsonObject]


def server_vad(vad: Vad) -> JsonObject:
    """`turn_detection` of hands-free mode, every value explicit: defaults differ by server."""
    decides = not vad.by_words
    answers = {"create_response": decides, "interrupt_response": vad.interrupt and decides}
    if vad.kind == "semantic":
        return {"type": "semantic_vad", "eagerness": vad.eagerness, **answers}
    return {
        "type": "server_vad",
        "threshold": vad.threshold,
        "prefix_padding_ms": vad.prefix_padding_ms,
        "silence_duration_ms": vad.silence_ms,
        **answers,
    }


def pcm_format(rate: int) -> JsonObject:
    return {"type": "audio/pcm", "rate": rate}


def g711_format(shape: Shape) -> object:
    """Mu-law at the telephone's rate, which needs no saying."""
    return {"type": "audio/pcmu"} if shape == "ga" else "g711_ulaw"


def ga_session(settings: Settings, wanted: Wanted, left_out: Set[Wish]) -> JsonObject:
    """The `session` of a GA update."""
    heard: JsonObject = {}
    said: JsonObject = {}
    if "formats" not in left_out:
        heard["format"], said["format"] = wanted.input_format, wanted.output_format
    if "turns" not in left_out:
        heard["turn_detection"] = wanted.turns
    if "transcription" not in left_out:
        heard["transcription"] = wanted.transcription
    if settings.voice and "voice" not in left_out:
        said["voice"] = settings.voice
    session: JsonObject = {"type": "realtime"}
    if "modalities" not in left_out:
        session["output_modalities"] = wanted.modalities
    if settings.instructions:
        session["instructions"] = clean(settings.instructions)
    if wanted.tools and "tools" not in left_out:
        session["tools"] = wanted.tools
    if heard or said:
        session["audio"] = {key: half for key, half in (("input", heard), ("output", said)) if half}
    return session


def beta_session(settings: Settings, wanted: Wanted, left_out: Set[Wish]) -> JsonObject:
    """The `session` of a beta update: flat, and with other names."""
    session: JsonObject = {}
    if "modalities" not in left_out:
        session["modalities"] = wanted.modalities
    if settings.instructions:
        session["instructions"] = clean(settings.instructions)
    if settings.voice and "voice" not in left_out:
        session["voice"] = settings.voice
    if "formats" not in left_out:
        session["input_audio_format"] = wanted.input_format
        session["output_audio_format"] = wanted.output_format
    if "transcription" not in left_out:
        session["input_audio_transcription"] = wanted.transcription
    if "turns" not in left_out:
        session["turn_detection"] = wanted.turns
    if wanted.tools and "tools" not in left_out:
        session["tools"] = wanted.tools
    return session


def ga_turns(turns: JsonObject | None) -> JsonObject:
    """The `session` of an update that changes only who finds the turns."""
    return {"type": "realtime", "audio": {"input": {"turn_detection": turns}}}


def beta_turns(turns: JsonObject | None) -> JsonObject:
    return {"turn_detection": turns}


def blamed_wish(param: str) -> Wish | None:
    """Which wish a server's `error.param` names."""
    for wish, fields in _FIELDS.items():
        if any(field in param for field in fields):
            return wish
    return None


@dataclass(frozen=True, slots=True)
class Effective:
    """A session as the server describes it; None: it does not say."""

    turns: JsonObject | None
    says_turns: bool
    says_transcription: bool
    transcribes: bool
    input_rate: int | None
    output_rate: int | None
    is_pcm: bool
    hears_g711: bool | None
    """Whether it expects our sound as mu-law."""
    offers_noise_reduction: bool

    @property
    def finds_turns(self) -> bool:
        """Whether the server's VAD finds the turns."""
        kind = text(self.turns or {}, "type")
        return self.turns is not None and kind not in ("", "none", "client_vad")


def read_session(session: JsonObject, profile: Profile) -> Effective:
    """Understand `session` of `session.created` or `session.updated`, in either shape."""
    heard, said = table(session, "audio", "input"), table(session, "audio", "output")
    turns_at = next((at for at in (heard, session) if "turn_detection" in at), {})
    words = next(_present(heard, "transcription", session, "input_audio_transcription"), ())
    return Effective(
        turns=table(turns_at, "turn_detection") or None,
        says_turns="turn_detection" in turns_at,
        says_transcription=words != (),
        transcribes=isinstance(words, dict),
        input_rate=_rate(heard.get("format"), profile.input_rate),
        output_rate=_rate(said.get("format"), profile.output_rate),
        hears_g711=_is_g711(heard.get("format", session.get("input_audio_format"))),
        is_pcm=_is_pcm(said.get("format")) and _is_pcm(session.get("output_audio_format")),
        offers_noise_reduction="noise_reduction" in heard,
    )


def _present(first: JsonObject, key: str, second: JsonObject, other: str) -> Iterator[object]:
    if key in first:
        yield first[key]
    if other in second:
        yield second[other]


def _rate(audio_format: object, usual: int) -> int | None:
    """Hz, where the format names a rate that a sound card can know."""
    if not isinstance(audio_format, dict) or _is_g711(audio_format):
        return None
    rate = audio_format.get("rate", audio_format.get("sample_rate", usual))
    is_rate = isinstance(rate, int) and not isinstance(rate, bool) and 8000 <= rate <= 48_000
    return rate if is_rate else None


def _is_g711(audio_format: object) -> bool | None:
    """Whether a format is mu-law; None: none is given."""
    name = audio_format.get("type") if isinstance(audio_format, dict) else audio_format
    return name in ("audio/pcmu", "g711_ulaw") if isinstance(name, str) else None


def _is_pcm(audio_format: object) -> bool:
    """Whether a format is PCM; one that is not given counts as such."""
    if isinstance(audio_format, dict):
        audio_format = audio_format.get("type")
    return not isinstance(audio_format, str) or "pcm" in audio_format.replace("pcmu", "").replace(
        "pcma", ""
    )
