"""What the built-in model is made of: frozen values that travel to its process as one JSON line."""

import contextlib
import json
from dataclasses import asdict, dataclass, field, fields
from urllib.parse import unquote, urlsplit

from voicechat.errors import ConfigError
from voicechat.text.phrase import phrase


@dataclass(frozen=True, slots=True)
class LocalOptions:
    """Which ears, mind and mouth to use; every key stays out of the child's environment."""

    mind: str = "auto"
    """`auto` (Ollama if it runs, else the echo), `echo`, or the address of a chat service."""
    mind_kind: str = "openai"
    """What the chat service speaks: `openai` or `gemini`; or a model that takes and gives sound
    itself, through `/chat/completions`: `openai-sound`, `glm-sound` or `qwen-sound`."""
    mind_model: str = ""
    """Empty: the first one the service offers."""
    mind_key: str = field(default="", repr=False)
    ears: str = "none"
    """`auto` (of the mind's server, if it has one), `none`, or the address of a service."""
    ears_kind: str = "openai"
    """What the transcription service speaks: `openai`, `glm`, `gemini` or `xai`."""
    ears_model: str = "whisper-1"
    ears_key: str = field(default="", repr=False)
    mouth: str = "auto"
    """`auto` (the mind's server if it has one, else a program), `none`, `espeak-ng`, `say`, or the
    address of a speech service."""
    mouth_kind: str = "openai"
    """What the speech service speaks: `openai`, `openai_sound` (a chat model that reads aloud),
    `glm`, `gemini` or `xai`."""
    mouth_model: str = "tts-1"
    mouth_voice: str = ""
    own_voice: str = ""
    """Of the mind's server, where that speaks because `mouth` is `auto`."""
    mouth_key: str = field(default="", repr=False)
    language: str = ""
    """Of the conversation, as ISO 639-1, or empty: by the text."""
    key_header: str = field(default="", repr=False)
    """How keys are sent, e.g. `api-key: {key}`; empty: the service's own way."""
    headers: str = field(default="", repr=False)
    """More HTTP headers for every service, as one JSON object; may hold secrets."""
    proxy: str = field(default="", repr=False)
    """Address of the proxy for everything but the loopback; may hold a password."""
    ca_file: str = ""
    """More certificates to trust (PEM)."""
    check: str = ""
    """`yes`: ask the mind's service whether it is there before saying that one is ready."""
    token: str = field(default="", repr=False)
    """What clients must show; empty: a random one."""

    def secrets(self) -> tuple[str, ...]:
        """Everything that no text may hold."""
        keys = self.mind_key, self.ears_key, self.mouth_key, self.token
        return tuple(filter(None, (*keys, *_values(self.headers), _password(self.proxy))))


def _values(headers: str) -> list[str]:
    with contextlib.suppress(ValueError, RecursionError, AttributeError):
        return [str(value) for value in json.loads(headers).values()]
    return []


def _password(proxy: str) -> str:
    with contextlib.suppress(ValueError):
        return unquote(urlsplit(proxy).password or "")
    return ""


def dump_options(options: LocalOptions, *, exit_with_parent: bool) -> str:
    """One JSON line, without its newline."""
    return json.dumps({**asdict(options), "exit_with_parent": exit_with_parent})


def load_options(line: str) -> tuple[LocalOptions, bool]:
    """Read what `dump_options` wrote: the options, and whether to end with the parent.

    Raises:
        ConfigError: The line is no such JSON; the text never quotes the line.
    """
    try:
        values = json.loads(line)
        exit_with_parent = bool(values.pop("exit_with_parent", False))
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise ConfigError(
            phrase("The options of the built-in model are not a JSON object")
        ) from None
    known = {entry.name for entry in fields(LocalOptions)}
    for name, value in values.items():
        if name not in known or not isinstance(value, str):
            raise ConfigError(
                phrase("The built-in model has no option {name!r} of this kind", name=name)
            )
    return LocalOptions(**values), exit_with_parent
