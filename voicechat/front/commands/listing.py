"""`voicechat devices` and `voicechat models`: what there is, in columns or as JSON."""

import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby

from voicechat.errors import VoiceChatError
from voicechat.front.plain.output import complain
from voicechat.front.words.words import IN_ENGLISH, Words
from voicechat.text.phrase import phrase
from voicechat.text.visible import visible_json

_WIDEST_NAME = 33
"""Columns: with every ability behind it, a line still fits into 80."""
_OTHERS = phrase(
    """\
Others by name: PROVIDER/NAME, chat/PROVIDER/NAME (an ordinary chat model), or
chat/NAME (at your own server, --url http://host/v1, or at Ollama's)"""
)


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """One microphone or loudspeaker."""

    index: int
    name: str
    api: str
    inputs: int
    outputs: int
    rate: int
    """Hz it prefers."""
    is_default_input: bool
    is_default_output: bool


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model to talk to."""

    name: str
    """What `--model` takes."""
    provider: str
    abilities: tuple[str, ...]
    key_env: str
    """The environment variable that holds the key; empty: no key needed."""
    has_key: bool
    note: str = ""
    title: str = ""
    """The provider as a person calls it."""
    service: str = ""
    """Of an ordinary chat model: the provider whose HTTP services answer."""
    service_title: str = ""
    voices: tuple[str, ...] = ()
    needs: str = ""
    """What must be set first: a variable or an option."""
    key_page: str = ""
    """Where a person gets a key."""
    status: str = "current"
    shutdown: str = ""
    """ISO date on which it ends."""
    successor: str = ""
    price: Mapping[str, float] | None = None
    """For a million tokens, or a `minute`, of each kind that is known; None: nothing is."""
    price_currency: str = ""
    """ISO 4217."""
    price_grade: str = ""
    """`documented` by the provider, `reported` by others, or empty: the user's own word."""
    price_date: str = ""
    """ISO date of that knowledge."""
    price_until: str = ""
    """The last day on which it holds; empty: no other is announced."""
    last_used: str = ""
    """ISO 8601 in UTC; empty: never."""
    helpers: tuple[str, ...] = ()
    """What ends, or has ended, of the models that help in its calls: transcription, speech."""

    @property
    def key(self) -> str:
        if not self.has_key and (needs := self.needs or self.key_env):
            return phrase("set {env}", env=needs)
        return phrase("{env} is set", env=self.key_env) if self.key_env else phrase("no key needed")

    @property
    def group(self) -> str:
        """Under which heading it stands."""
        title = self.title or self.provider
        if not self.service_title:
            return title
        return phrase("{title} by {who}", title=title, who=self.service_title)


def list_devices(
    devices: Sequence[DeviceRow], *, as_json: bool, words: Words = IN_ENGLISH, hint: str = ""
) -> int:
    """Print the devices, the defaults marked with `>`; exit code 1 when there is none.

    Args:
        hint: What to do then, on stderr.
    """
    if not devices:
        told = phrase("There is no microphone and no loudspeaker")
        complain(words.told(VoiceChatError(told, hint)))
    if as_json:
        _print_json([asdict(device) for device in devices])
        return 0 if devices else 1
    for title, is_wanted, is_default in (
        ("microphones", "inputs", "is_default_input"),
        ("loudspeakers", "outputs", "is_default_output"),
    ):
        _write(words(title))
        rows = [device for device in devices if getattr(device, is_wanted)]
        for device in rows:
            mark = ">" if getattr(device, is_default) else " "
            _write(f"{mark} {device.index:>3}  {device.name}  ({device.api}, {device.rate} Hz)")
        if not rows:
            _write("  " + words.told(phrase("none")))
    return 0 if devices else 1


def list_models(
    models: Sequence[ModelRow],
    *,
    as_json: bool,
    words: Words = IN_ENGLISH,
    now: datetime | None = None,
) -> int:
    """Print the models with what each can do, and at the head of each group whether its key is set.

    Args:
        now: With its time zone; None: the clock's.
    """
    if as_json:
        return _print_json([asdict(model) for model in models])
    now = now or datetime.now().astimezone()
    for group, rows in groupby(models, lambda model: (model.group, model.key)):
        found = list(rows)
        _write_group(found[0], words, *map(words.told, group))
        for remark in found[0].helpers:
            _write(f" {words.told(remark)}")
        width = min(max(cells(model.name) for model in found), _WIDEST_NAME)
        for model in found:
            _write(f" {_pad(model.name, width)}  {' '.join(model.abilities)}".rstrip())
            for remark in filter(None, (model.note, say_when(words, model.last_used, now))):
                _write(f"    {words.told(remark)}")
    _write(words.told(_OTHERS))
    return 0


def _write_group(model: ModelRow, words: Words, title: str, key: str) -> None:
    place = f"chat/{model.service}" if model.service else model.provider
    head = title if title == place else f"{title} ({place})"
    _write(words.told(phrase("{title}: {key}", title=head, key=key)))
    if not model.has_key and model.key_page:
        _write(" " + words.told(phrase("get a key at {page}", page=model.key_page)))


def say_when(words: Words, moment: str, now: datetime) -> str:
    """When a model was last used, by the days of the user's calendar; empty for never."""
    if not moment:
        return ""
    day = datetime.fromisoformat(moment).astimezone(now.tzinfo).date()
    days = (now.date() - day).days
    if days <= 0:  # A clock that was set back is no reason to speak of the future.
        return words("used_today")
    if days == 1:
        return words("used_yesterday")
    return words("used_days", days=days) if days < 14 else words("used_on", date=day.isoformat())


def cells(text: str) -> int:
    """How many terminal columns a text takes."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    marks = sum(bool(unicodedata.combining(char)) for char in text)
    return len(text) + wide - marks


def _pad(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


def _print_json(rows: list[dict[str, object]]) -> int:
    _write(visible_json(rows, indent=1))
    return 0


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
