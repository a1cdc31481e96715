"""Puts the parts together as the options ask; what cannot work is said at once."""

import functools

from voicechat.cascade.ears import HttpEars, NoEars
from voicechat.cascade.endpoints import HttpService
from voicechat.cascade.mind import OLLAMA, AutoMind, ChatMind, EchoMind
from voicechat.cascade.mouth import (
    EspeakMouth,
    HttpMouth,
    NoMouth,
    SayMouth,
    find_program,
    likely_programs,
)
from voicechat.cascade.options import LocalOptions
from voicechat.cascade.parts import Ears, Mind, Mouth, Parts
from voicechat.errors import ConfigError


def assemble(options: LocalOptions) -> Parts:
    """The parts, none of them started yet.

    Raises:
        ConfigError: An option names something that is not there.
    """
    return Parts(_ears(options), _mind(options), _mouth(options), options.language)


def _ears(options: LocalOptions) -> Ears:
    if _is_address(options.ears):
        service = HttpService(options.ears, options.ears_key, options.proxy)
        return HttpEars(service, options.ears_model)
    if options.ears != "none":
        raise _unknown("ears", options.ears, "`none` or an address")
    return NoEars()


def _mind(options: LocalOptions) -> Mind:
    make = functools.partial(HttpService, key=options.mind_key, proxy=options.proxy)
    if _is_address(options.mind):
        return ChatMind(make(options.mind), options.mind_model, options.language)
    if options.mind == "auto":
        return AutoMind(HttpService(OLLAMA), options.mind_model, options.language)
    if options.mind != "echo":
        raise _unknown("mind", options.mind, "`auto`, `echo` or an address")
    return EchoMind(options.language)


def _mouth(options: LocalOptions) -> Mouth:
    wanted = options.mouth
    if _is_address(wanted):
        service = HttpService(wanted, options.mouth_key, options.proxy)
        return HttpMouth(service, options.mouth_model, options.mouth_voice)
    if wanted not in ("auto", "none", "espeak-ng", "say"):
        raise _unknown("mouth", wanted, "`auto`, `none`, `espeak-ng`, `say` or an address")
    for name in likely_programs() if wanted == "auto" else (wanted,):
        if path := find_program(name):
            return _program_mouth(name, path, options)
    if wanted in ("auto", "none"):
        return NoMouth()
    raise ConfigError(f"The program {wanted} is not installed", "Install it, or set mouth = auto.")


def _program_mouth(name: str, path: str, options: LocalOptions) -> Mouth:
    if name == "say":
        return SayMouth(path, options.mouth_voice)
    return EspeakMouth(path, options.mouth_voice, options.language)


def _is_address(value: str) -> bool:
    return value.startswith(("http://", "https://"))


def _unknown(option: str, value: str, known: str) -> ConfigError:
    return ConfigError(f"The built-in model knows no {option} {value!r}", f"It may be {known}.")
