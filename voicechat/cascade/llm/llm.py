"""Which mind the options ask for, and whether its service is there."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from voicechat.cascade.http.service import HttpService, service_of
from voicechat.cascade.llm.audio_chat import MANNERS, SoundMind
from voicechat.cascade.llm.chat import ChatMind, find_model
from voicechat.cascade.llm.echo import EchoMind
from voicechat.cascade.llm.gemini import GeminiMind
from voicechat.cascade.options import LocalOptions
from voicechat.cascade.roles import LanguageModel, LlmRequest, Piece
from voicechat.errors import ConfigError, LinkError, VoiceChatError
from voicechat.text.phrase import phrase

__all__ = ["OLLAMA", "AutoMind", "ChatMind", "EchoMind", "check_mind", "make_mind"]

OLLAMA = "http://127.0.0.1:11434/v1"
_PROBE_S = 0.3
_CHECK_S = 8.0


def make_mind(options: LocalOptions) -> LanguageModel:
    """The mind that the options name, not asked anything yet.

    Raises:
        ConfigError: They name none, or an address, key or proxy that cannot be used.
    """
    if options.mind.startswith(("http://", "https://")):
        return _service_mind(options)
    if options.mind == "auto":
        return AutoMind(HttpService(OLLAMA), options.mind_model, options.language)
    if options.mind == "echo":
        return EchoMind(options.language)
    hint = phrase("It may be `auto`, `echo` or an address")
    raise ConfigError(phrase("The built-in model knows no mind {mind!r}", mind=options.mind), hint)


def _service_mind(options: LocalOptions) -> LanguageModel:
    kind, model = options.mind_kind, options.mind_model
    service = service_of(options, options.mind, options.mind_key, kind=kind)
    if kind == "openai":
        return ChatMind(service, model)
    if kind == "gemini":
        return GeminiMind(service, model)
    if kind in MANNERS:
        return SoundMind(service, model, MANNERS[kind], voice=options.mouth_voice)
    hint = phrase("It may be openai, gemini, {join}", join=", ".join(MANNERS))
    raise ConfigError(phrase("The built-in model knows no kind of mind {kind!r}", kind=kind), hint)


async def check_mind(options: LocalOptions) -> None:
    """Ask the mind's service whether it is there and lets us in; nothing where there is none.

    Raises:
        VoiceChatError: It is not, or does not.
    """
    if not options.mind.startswith(("http://", "https://")):
        return
    kind = options.mind_kind
    service = service_of(options, options.mind, options.mind_key, kind=kind)
    try:
        async with asyncio.timeout(_CHECK_S):
            await service.knock("/models?pageSize=1" if kind == "gemini" else "/models")
    except TimeoutError:
        text = phrase(
            "{who} did not answer within {seconds:.0f} s", who=service.name, seconds=_CHECK_S
        )
        raise LinkError(text, phrase("Check the network and the proxy")) from None
    finally:
        await service.close()


class AutoMind:
    """Ollama where it runs on this machine, else the echo; looks again before each echo."""

    hears = False

    def __init__(self, service: HttpService, model: str, language: str = "") -> None:
        self._service, self._model, self._language = service, model, language
        self._chosen: LanguageModel | None = None

    async def answer(self, question: LlmRequest) -> AsyncGenerator[Piece, None]:
        """As the mind that was found."""
        mind = self._chosen or await self._look()
        async with contextlib.aclosing(mind.answer(question)) as pieces:
            async for piece in pieces:
                yield piece

    async def _look(self) -> LanguageModel:
        try:
            async with asyncio.timeout(_PROBE_S):
                await _touch(self._service.name)
            async with asyncio.timeout(10 * _PROBE_S):
                model = self._model or await find_model(self._service)
        except (OSError, TimeoutError, VoiceChatError):
            return EchoMind(self._language)
        self._chosen = ChatMind(self._service, model)
        return self._chosen


async def _touch(address: str) -> None:
    """Is anybody listening?  Much cheaper than HTTP where nobody is."""
    host, _, port = address.rpartition(":")
    _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
