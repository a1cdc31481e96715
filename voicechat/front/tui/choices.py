"""What stands in the pickers: models with what they can do, devices with the one in use marked."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from voicechat.front.commands.listing import DeviceRow, ModelRow, cells, say_when
from voicechat.front.tui.pickers import PickerRow
from voicechat.front.words.words import Words

_SIDES = (("input", "microphones"), ("output", "loudspeakers"))
_SIGNED = ("voice", "text", "images", "tools", "hands-free", "reasoning")
"""The abilities that have a sign, in the order of the signs."""
_MOST_LAST_USED = 3
_MOST_DETAILS = 2
"""Lines there is room for."""


def model_choices(
    words: Words, rows: Sequence[ModelRow], now: datetime, current: str = ""
) -> list[PickerRow]:
    """The models that were used last, then all of them grouped by provider.

    Args:
        now: With its time zone.
        current: The model in use: nobody needs to be led back to it.
    """
    width = max((cells(row.name) for row in rows), default=0)
    others = (row for row in rows if row.last_used and row.name != current)
    latest = sorted(others, key=_moment, reverse=True)
    choices = []
    for row in latest[:_MOST_LAST_USED]:
        key = "" if row.has_key else f"[{_key(words, row)}]"
        notes = (key, say_when(words, row.last_used, now))
        choices.append(_choice(words, row, words("last_used"), width, notes))
    for row in rows:
        group = f"{words.told(row.group)}  [{_key(words, row)}]"
        notes = (_end(words, row), say_when(words, row.last_used, now))
        choices.append(_choice(words, row, group, width, notes))
    return choices


def _moment(row: ModelRow) -> str:
    return row.last_used


def _choice(words: Words, row: ModelRow, group: str, width: int, notes: Sequence[str]) -> PickerRow:
    name = row.name + " " * (width - cells(row.name))
    remark = "  ".join(filter(None, (_signs(words, row), *notes)))
    able = (
        word
        for ability, word in zip(_SIGNED, words("able").split(), strict=True)
        if ability in row.abilities
    )
    sought = " ".join((row.provider, row.group, _key(words, row), *row.abilities, *able))
    return PickerRow(
        row.name, group, name, remark, "\n".join(_details(words, row)[:_MOST_DETAILS]), sought
    )


def _signs(words: Words, row: ModelRow) -> str:
    """One sign in its own column for each ability."""
    pairs = zip(_SIGNED, words("signs"), strict=True)
    return "".join(
        sign if ability in row.abilities else " " * cells(sign) for ability, sign in pairs
    )


def _details(words: Words, row: ModelRow) -> list[str]:
    """What there is no column for, the most urgent first."""
    if not row.has_key and row.key_page:
        return [words("get_key", env=row.needs or row.key_env, page=row.key_page)]
    voices = words("voices", voices=" ".join(row.voices)) if row.voices else ""
    unknown = words("price_unknown") if row.key_env and not row.price else ""
    return list(filter(None, (_end(words, row), _price(words, row), voices, unknown)))


def _price(words: Words, row: ModelRow) -> str:
    """What it costs, of which day the number is, and how sure; empty where nobody knows."""
    if not row.price:
        return ""
    date = row.price_date
    if row.price_grade == "reported":
        date = words("price_reported", date=date)
    if row.price_until:
        date = words("price_ends", date=date, end=row.price_until)
    values = {"currency": row.price_currency, "date": date}
    if "minute" in row.price:
        minute = words("price_minute", each=_each(row, "minute"), **values)
        extras = (("price_standby", "standby_minute"), ("price_item", "item"))
        told = (words(key, each=_each(row, kind)) for key, kind in extras if kind in row.price)
        return words("price_and").join([minute, *told])
    parts = (
        words(f"price_{name}", taken=_each(row, f"{kind}_in"), given=_each(row, f"{kind}_out"))
        for name, kind in (("text", "text"), ("sound", "audio"))
        if {f"{kind}_in", f"{kind}_out"} & row.price.keys()
    )
    return words("price", parts=words("price_and").join(parts), **values)


def _each(row: ModelRow, kind: str) -> str:
    each = (row.price or {}).get(kind)
    return "?" if each is None else f"{each:g}"


def _end(words: Words, row: ModelRow) -> str:
    if not row.shutdown:
        return ""
    return words("ends", date=row.shutdown, successor=row.successor)


def _key(words: Words, row: ModelRow) -> str:
    if not row.has_key and (needs := row.needs or row.key_env):
        return words("key_missing", env=needs)
    return words("key_set") if row.key_env else words("key_none")


def device_choices(
    words: Words, rows: Sequence[DeviceRow], picked: Mapping[str, int]
) -> tuple[list[PickerRow], tuple[str, ...]]:
    """Devices by side as `input-3`, and which of them are in use.

    Args:
        picked: Index by side of the devices chosen before; the others are the defaults.
    """
    choices: list[PickerRow] = []
    current: list[str] = []
    for side, title in _SIDES:
        for row in rows:
            if not getattr(row, f"{side}s"):
                continue
            is_default = getattr(row, f"is_default_{side}")
            remark = words("default_device") if is_default else ""
            choices.append(PickerRow(f"{side}-{row.index}", words(title), row.name, remark))
            if row.index == picked.get(side, row.index if is_default else None):
                current.append(f"{side}-{row.index}")
    return choices, tuple(current)
