"""What stands in the pickers: models with what they can do, devices with the one in use marked."""

from collections.abc import Mapping, Sequence

from voicechat.front.listing import DeviceRow, ModelRow
from voicechat.front.tui.pickers import Choice
from voicechat.front.words import Words

_SIDES = (("input", "microphones"), ("output", "loudspeakers"))


def model_choices(words: Words, rows: Sequence[ModelRow]) -> list[Choice]:
    """Models grouped by provider, the key first among the remarks."""
    width = max((len(row.name) for row in rows), default=0)
    return [
        Choice(
            row.name,
            row.provider,
            row.name.ljust(width),
            f"[{_key(words, row)}] {' '.join(row.abilities)}",
        )
        for row in rows
    ]


def _key(words: Words, row: ModelRow) -> str:
    if not row.key_env:
        return words("key_none")
    return words("key_set") if row.has_key else words("key_missing", env=row.key_env)


def device_choices(
    words: Words, rows: Sequence[DeviceRow], picked: Mapping[str, int]
) -> tuple[list[Choice], tuple[str, ...]]:
    """Devices by side as `input-3`, and which of them are in use.

    Args:
        picked: Index by side of the devices chosen before; the others are the defaults.
    """
    choices: list[Choice] = []
    current: list[str] = []
    for side, title in _SIDES:
        for row in rows:
            if not getattr(row, f"{side}s"):
                continue
            is_default = getattr(row, f"is_default_{side}")
            remark = words("default_device") if is_default else ""
            choices.append(Choice(f"{side}-{row.index}", words(title), row.name, remark))
            if row.index == picked.get(side, row.index if is_default else None):
                current.append(f"{side}-{row.index}")
    return choices, tuple(current)
