"""Capability probe: which speech services (STT, TTS) a chat server has at its own base address.

Asked once, before the call: a server with OpenAI's HTTP interface may have `/audio/transcriptions`
and `/audio/speech` beside its chat, and nobody should have to write that into a config.  Nothing of
what the user says is sent: the question about STT holds no sound, that about TTS one short word.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace

from voicechat.cascade.http.service import HttpService, service_of
from voicechat.cascade.llm.chat import list_models
from voicechat.cascade.options import LocalOptions
from voicechat.cascade.vendors.openai import OpenAISpeaker
from voicechat.errors import VoiceChatError

_PATIENCE_S = 3.0
"""For each question; who is slower is at work, and has the service."""
_EARS = ("whisper", "transcribe", "asr", "stt", "parakeet", "sensevoice", "voxtral")
_MOUTHS = ("tts", "kokoro", "piper", "orpheus", "chatterbox")
"""Parts of the names of models that are made for this and nothing else."""
_MISSING = (404, 405, 501)
"""Statuses of a path that leads nowhere."""
_WORD = "Hi"


async def settle_speech(options: LocalOptions) -> LocalOptions:
    """The options with `auto` ears and mouth settled, where the mind's server may have them.

    Raises:
        ConfigError: Its address, key or proxy cannot be used.
    """
    is_server = options.mind.startswith(("http://", "https://")) and options.mind_kind == "openai"
    wants_ears, wants_mouth = options.ears == "auto", options.mouth == "auto"
    if not is_server or not (wants_ears or wants_mouth):
        return options
    service = service_of(options, options.mind, options.mind_key)
    try:
        models = await _models(service)
        usual = LocalOptions()
        ears = _choose(options.ears_model, usual.ears_model, models, _EARS)
        mouth = _choose(options.mouth_model, usual.mouth_model, models, _MOUTHS)
        hears, speaks = await asyncio.gather(
            _hears(service, ears, wants_ears),
            _speaks(OpenAISpeaker(service, mouth), options.own_voice, wants_mouth),
        )
    finally:
        await service.close()
    if hears:
        found = {"ears": options.mind, "ears_key": options.mind_key, "ears_model": ears}
        options = replace(options, **found)
    if speaks:
        found = {"mouth": options.mind, "mouth_key": options.mind_key, "mouth_model": mouth}
        options = replace(options, **found, mouth_voice=options.own_voice)
    return options


async def _models(service: HttpService) -> list[str]:
    with contextlib.suppress(VoiceChatError, TimeoutError):
        async with asyncio.timeout(_PATIENCE_S):
            return await list_models(service)
    return []


def _choose(wanted: str, usual: str, offered: Sequence[str], words: Sequence[str]) -> str:
    """The model that was named; else the usual one, or one of the server's own for this."""
    if wanted != usual or usual in offered:
        return wanted
    fitting = (name for name in offered if any(word in name.lower() for word in words))
    return next(fitting, wanted)


async def _hears(service: HttpService, model: str, is_wanted: bool) -> bool:
    """Whether a form without a file is refused as such, and not as a path that leads nowhere."""
    if not is_wanted:
        return False
    try:
        async with asyncio.timeout(_PATIENCE_S):
            answer = await service.probe("/audio/transcriptions", {"model": model})
    except TimeoutError:
        return True
    except VoiceChatError as error:
        return error.retryable  # A line that broke says nothing about what the server has.
    if answer.status == 404 and "model" in answer.said.lower():
        return True  # The path is there, and will say itself what is wrong with the model.
    # Some answer 200 to any path, with a page or an error inside.
    return answer.status not in _MISSING and not 200 <= answer.status < 400


async def _speaks(speaker: OpenAISpeaker, voice: str, is_wanted: bool) -> bool:
    """Whether a word comes back as sound: a model or voice it does not have is no mouth."""
    if not is_wanted:
        return False
    try:
        async with asyncio.timeout(_PATIENCE_S):
            sound = speaker.say(_WORD, speaker.choose_voice(voice), 1.0)
            async with contextlib.aclosing(sound) as pieces:
                return await anext(pieces, None) is not None
    except TimeoutError:
        return True
    except VoiceChatError:
        return False
