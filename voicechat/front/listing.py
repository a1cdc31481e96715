"""`voicechat devices` and `voicechat models`: what there is, in columns or as JSON."""

import json
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass


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
    provider: str
    abilities: tuple[str, ...]
    key_env: str
    """The environment variable that holds the key; empty: no key needed."""
    has_key: bool
    note: str = ""

    @property
    def key(self) -> str:
        if not self.key_env:
            return "no key needed"
        return f"{self.key_env} is set" if self.has_key else f"set {self.key_env}"


def list_devices(devices: Sequence[DeviceRow], *, as_json: bool) -> int:
    """Print the devices, the defaults marked with `>`; exit code 1 when there is none."""
    if as_json:
        return _print_json([asdict(device) for device in devices])
    for title, is_wanted, is_default in (
        ("Microphones", "inputs", "is_default_input"),
        ("Loudspeakers", "outputs", "is_default_output"),
    ):
        _write(title)
        rows = [device for device in devices if getattr(device, is_wanted)]
        for device in rows:
            mark = ">" if getattr(device, is_default) else " "
            _write(f"{mark} {device.index:>3}  {device.name}  ({device.api}, {device.rate} Hz)")
        if not rows:
            _write("  none")
    return 0 if devices else 1


def list_models(models: Sequence[ModelRow], *, as_json: bool) -> int:
    """Print the models with what each can do and whether its key is set."""
    if as_json:
        return _print_json([asdict(model) for model in models])
    name_width = max((cells(model.name) for model in models), default=0)
    able_width = max((cells(", ".join(model.abilities)) for model in models), default=0)
    provider = ""
    for model in models:
        if model.provider != provider:
            provider = model.provider
            _write(provider)
        name = _pad(model.name, name_width)
        able = _pad(", ".join(model.abilities), able_width)
        note = f"  ({model.note})" if model.note else ""
        _write(f"  {name}  {able}  {model.key}{note}")
    return 0


def cells(text: str) -> int:
    """How many terminal columns a text takes."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    marks = sum(bool(unicodedata.combining(char)) for char in text)
    return len(text) + wide - marks


def _pad(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


def _print_json(rows: list[dict[str, object]]) -> int:
    _write(json.dumps(rows, ensure_ascii=False, indent=1))
    return 0


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
