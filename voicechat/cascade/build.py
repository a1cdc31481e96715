"""Puts the parts together as the options ask; what cannot work is said at once."""

from voicechat.cascade.http.service import service_of
from voicechat.cascade.llm.llm import make_mind
from voicechat.cascade.options import LocalOptions
from voicechat.cascade.roles import Parts, SpeechToText, TextToSpeech
from voicechat.cascade.stt.stt import HttpEars, NoEars, Writer
from voicechat.cascade.tts.fallback import SpareMouth
from voicechat.cascade.tts.programs import EspeakMouth, SayMouth, find_program, likely_programs
from voicechat.cascade.tts.tts import HttpMouth, NoMouth, SpeechVendor
from voicechat.cascade.vendors import speech_kinds, speech_services
from voicechat.errors import ConfigError
from voicechat.text.phrase import phrase


def assemble(options: LocalOptions) -> Parts:
    """The parts, none of them started yet.

    Raises:
        ConfigError: An option names something that is not there.
    """
    return Parts(_ears(options), make_mind(options), _mouth(options), options.language)


def _ears(options: LocalOptions) -> SpeechToText:
    if _is_address(options.ears):
        return HttpEars(_writer(options))
    if options.ears not in ("none", "auto"):
        raise _unknown("ears", options.ears, phrase("`auto`, `none` or an address"))
    return NoEars()


def _writer(options: LocalOptions) -> Writer:
    kind = options.ears_kind
    if found := speech_services(kind):
        return found.writer(service_of(options, options.ears, options.ears_key, kind=kind), options)
    raise _unknown(phrase("kind of ears"), kind, _known_kinds())


def _mouth(options: LocalOptions) -> TextToSpeech:
    if not _is_address(options.mouth):
        return _program_mouth(options.mouth, options)
    mouth = HttpMouth(_speaker(options), options.mouth_voice)
    # The voice of the options is one of the service, which no program has.
    spare = _installed("auto", "", options.language)
    return SpareMouth(mouth, spare) if spare else mouth


def _speaker(options: LocalOptions) -> SpeechVendor:
    kind = options.mouth_kind
    if found := speech_services(kind):
        service = service_of(options, options.mouth, options.mouth_key, kind=kind)
        return found.speaker(service, options)
    raise _unknown(phrase("kind of mouth"), kind, _known_kinds())


def _program_mouth(wanted: str, options: LocalOptions) -> TextToSpeech:
    if wanted not in ("auto", "none", "espeak-ng", "say"):
        raise _unknown("mouth", wanted, phrase("`auto`, `none`, `espeak-ng`, `say` or an address"))
    if mouth := _installed(wanted, options.mouth_voice, options.language):
        return mouth
    if wanted in ("auto", "none"):
        return NoMouth()
    raise ConfigError(
        phrase("The program {wanted} is not installed", wanted=wanted),
        phrase("Install it, or set mouth = auto"),
    )


def _installed(wanted: str, voice: str, language: str) -> TextToSpeech | None:
    """The speaking program of this name, or with `auto` the best there is."""
    names = likely_programs() if wanted == "auto" else (wanted,)
    for name in names:
        if wanted != "none" and (path := find_program(name)):
            if name == "say":
                return SayMouth(path, voice)
            return EspeakMouth(path, voice, language)
    return None


def _known_kinds() -> str:
    *others, last = (f"`{kind}`" for kind in speech_kinds())
    return phrase("{one} or {other}", one=", ".join(others), other=last)


def _is_address(value: str) -> bool:
    return value.startswith(("http://", "https://"))


def _unknown(option: str, value: str, known: str) -> ConfigError:
    return ConfigError(
        phrase("The built-in model knows no {option} {value!r}", option=option, value=value),
        phrase("It may be {known}", known=known),
    )
