"""config.toml: where it is, and how it is read, checked once at the door.

The rule: a wrong setting is an error that names the file, the setting and what is allowed, and
never shows a secret.
"""

import os
import re
import tomllib
import types
from collections.abc import Collection, Mapping
from dataclasses import Field, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from voicechat.config.environment import user_folder
from voicechat.config.schema import (
    Audio,
    Config,
    Local,
    McpSection,
    ModelSection,
    Provider,
    TalkSection,
    ToolSection,
    Ui,
)
from voicechat.errors import ConfigError
from voicechat.text.clean import clean_line
from voicechat.text.phrase import phrase


def config_path(environ: Mapping[str, str]) -> Path:
    """Where the file is looked for when no option names it: `VOICECHAT_CONFIG`, or the platform's
    place for settings (XDG base directories, Application Support, AppData)."""
    if named := environ.get("VOICECHAT_CONFIG", ""):
        return Path(named)
    from platformdirs import user_config_path

    return user_folder(lambda: user_config_path("voicechat", appauthor=False)) / "config.toml"


def load(
    path: Path | None, environ: Mapping[str, str], providers: Collection[str] | None = None
) -> Config:
    """Read the config file, or all defaults where there is none and nobody named one.

    Args:
        path: The file the user named on the command line.
        providers: The names that may follow `providers.`; None: any.

    Raises:
        ConfigError: A named file is missing; the file cannot be read; a setting is unknown or
            has no allowed value.  The text names file, key and what is allowed, never a secret.
    """
    is_named = path is not None or bool(environ.get("VOICECHAT_CONFIG"))
    path = path if path is not None else config_path(environ)
    try:
        with path.open("rb") as file:
            status, data = os.fstat(file.fileno()), file.read()
    except (FileNotFoundError, NotADirectoryError) as error:
        if not is_named:
            return Config()
        raise ConfigError(phrase("There is no config file {path}", path=_show(path))) from error
    except (OSError, ValueError) as error:
        raise ConfigError(
            phrase(
                "The config file {path} cannot be read ({why})", path=_show(path), why=_why(error)
            )
        ) from error
    return _TableReader(path, providers).read(_parse(data, path), status)


def tidy_key(key: str, source: str) -> str:
    """A key as it may stand in an HTTP header, without the white space pasted around it.

    Raises:
        ConfigError: It holds something no key holds; the text names `source`, never the key.
    """
    key = key.strip()
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        hint = phrase("Copy the key again: it must be one word of plain letters, digits and signs")
        raise ConfigError(phrase("The key in {source} is damaged", source=source), hint)
    return key


def _show(path: Path) -> str:
    return clean_line(str(path), 200)


def _why(error: Exception) -> str:
    return clean_line(getattr(error, "strerror", None) or phrase("not a file name"))


def _parse(data: bytes, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            phrase("{path}, line {line}: not UTF-8 text", path=_show(path), line=line)
        ) from None
    except (ValueError, RecursionError) as error:  # TOMLDecodeError says where: "(at line 3, …)"
        why = clean_line(str(error))
        if isinstance(error, RecursionError):
            why = phrase("nested too deeply")
        raise ConfigError(
            phrase("{path} is not valid TOML: {why}", path=_show(path), why=why)
        ) from None


class _TableReader:
    """Turns the tables of one file into values; knows the file's name for its errors."""

    def __init__(self, path: Path, providers: Collection[str] | None) -> None:
        self._path = _show(path)
        self._providers = providers

    def read(self, table: dict[str, Any], status: os.stat_result) -> Config:
        values = self._fields(Config, table, "")
        config = Config(**values)
        return Config(**values, warnings=self._warnings(config, status))

    def _fields(self, cls: type[Any], table: dict[str, Any], where: str) -> dict[str, Any]:
        known = {entry.name: entry for entry in fields(cls) if entry.metadata.get("in_file", True)}
        kinds = get_type_hints(cls)
        names = {entry.metadata.get("also") or name: name for name, entry in known.items()}
        found: dict[str, Any] = {}
        for key, value in table.items():
            name = key if key in known else names.get(key, "")
            if not name:
                raise self._unknown(f"{where}{key}", key, known, "")
            if name in found:
                raise self._wrong(
                    f"{where}{key}",
                    phrase("says the same as another"),
                    phrase("Keep {name}", name=name),
                )
            found[name] = self._value(kinds[name], known[name], value, f"{where}{key}")
        return found

    def _value(self, kind: Any, entry: Field[Any], value: Any, where: str) -> Any:
        if where in _NAMED:
            return self._sections(self._table(value, where), where)
        if isinstance(kind, type) and is_dataclass(kind):
            return kind(**self._fields(kind, self._table(value, where), f"{where}."))
        if get_origin(kind) is Mapping:
            return self._mapping(kind, self._table(value, where), where)
        if get_origin(kind) is tuple:
            return self._list(value, where)
        if isinstance(value, bool):  # As it was written before there was more to choose.
            value = entry.metadata.get(str(value).lower(), value)
        if not _allowed(kind, entry, value):
            found = _name(value) if entry.metadata.get("secret") else _describe(value)
            raise self._wrong(
                where,
                phrase("is {found}", found=found),
                phrase("Allowed: {known}", known=_expectation(kind, entry)),
            )
        return self._finish(entry, value, where)

    def _finish(self, entry: Field[Any], value: Any, where: str) -> Any:
        if entry.name == "api_key":
            return tidy_key(value, phrase("{where} of {path}", where=where, path=self._path))
        if isinstance(value, str) and entry.name != "instructions" and _CONTROLS.search(value):
            raise self._wrong(
                where, phrase("holds a control character"), phrase("Write it on one line")
            )
        return float(value) if entry.type in (float, "float") else value

    def _sections(self, tables: dict[str, Any], kind: str) -> Mapping[str, Any]:
        cls, found = _NAMED[kind], {}
        for name, table in tables.items():
            where = f"{kind}.{name}"
            if cls is Provider and self._providers is not None and name not in self._providers:
                raise self._unknown(where, name, self._providers, "providers.")
            if cls in (ToolSection, McpSection) and not _TOOL_NAME.fullmatch(name):
                raise self._wrong(
                    where, phrase("has no usable name"), phrase("Use letters, digits, _ and -")
                )
            found[name] = cls(**self._fields(cls, self._table(table, where), f"{where}."))
        return types.MappingProxyType({n: one for n, one in found.items() if one != cls()})

    def _mapping(self, kind: Any, table: dict[str, Any], where: str) -> Mapping[str, Any]:
        """Headers and variables are texts, prices numbers; anything else is passed on as it is."""
        inner = get_args(kind)[1]
        for name, value in table.items() if inner is not Any else ():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (is_number if inner is float else isinstance(value, str)):
                allowed = phrase("numbers") if inner is float else phrase("text")
                raise self._wrong(
                    f"{where}.{name}",
                    phrase("is {found}", found=_name(value)),
                    phrase("Allowed: {known}", known=allowed),
                )
            if inner is str and _CONTROLS.search(name + value):
                raise self._wrong(
                    where, phrase("holds a control character"), phrase("Write it on one line")
                )
        return types.MappingProxyType(dict(table))

    def _list(self, value: Any, where: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self._wrong(
                where,
                phrase("is {found}", found=_name(value)),
                phrase('Allowed: texts, like ["one", "two"]'),
            )
        if any("\0" in one for one in value):
            raise self._wrong(
                where, phrase("holds a control character"), phrase("Write it without")
            )
        return tuple(value)

    def _table(self, value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._wrong(
                where,
                phrase("is {found}", found=_name(value)),
                phrase("It is a section: [{where}]", where=where),
            )
        return value

    def _wrong(self, where: str, what: str, hint: str) -> ConfigError:
        text = phrase(
            "{where} in {path} {what}", where=clean_line(where, 100), path=self._path, what=what
        )
        return ConfigError(text, hint)

    def _unknown(self, where: str, key: str, known: Collection[str], prefix: str) -> ConfigError:
        near = get_close_matches(key, known, 1)
        homes = [name for name, kind in _SECTIONS.items() if key in _names(kind)]
        if near:
            hint = phrase("Did you mean {near}?", near=prefix + near[0])
        elif homes:
            hint = phrase("It belongs under [{where}]", where=homes[0])
        else:
            hint = phrase("There are: {known}", known=", ".join(sorted(known)))
        return self._wrong(where, phrase("is no setting"), hint)

    def _warnings(self, config: Config, status: os.stat_result) -> tuple[str, ...]:
        """A file that holds a secret is its owner's alone (POSIX; elsewhere the system's rule)."""
        if os.name != "posix" or not (config.secrets() or "@" in config.proxy):
            return ()
        if status.st_uid not in (0, os.geteuid()):
            return (phrase("{path} holds a key and belongs to somebody else", path=self._path),)
        if status.st_mode & 0o077:
            return (
                phrase(
                    "{path} holds a key and others may read it. Run: chmod 600", path=self._path
                ),
            )
        return ()


_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,48}")
_NAMED: dict[str, type[Any]] = {
    "providers": Provider,
    "tools": ToolSection,
    "mcp": McpSection,
    "models": ModelSection,
}
"""Sections of which there are as many as the user names."""
_SECTIONS: dict[str, type[Any]] = {
    "audio": Audio,
    "talk": TalkSection,
    "ui": Ui,
    "local": Local,
    "providers.NAME": Provider,
    "tools.NAME": ToolSection,
    "mcp.NAME": McpSection,
}


def _names(cls: type[Any]) -> set[str]:
    return {entry.name for entry in fields(cls)}


def _allowed(kind: Any, entry: Field[Any], value: Any) -> bool:
    if get_origin(kind) is Literal:
        return any(value == one and type(value) is type(one) for one in get_args(kind))
    if kind is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    else:
        fits = type(value) is kind
    if fits and "range" in entry.metadata:
        low, high = entry.metadata["range"]
        return bool(low <= value <= high)
    return fits


def _expectation(kind: Any, entry: Field[Any]) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(repr(one) for one in get_args(kind))
    word = {
        bool: phrase("true or false"),
        int: phrase("a whole number"),
        float: phrase("a number"),
        str: phrase("text"),
    }[kind]
    if "range" in entry.metadata:
        low, high = entry.metadata["range"]
        return phrase("{what} from {low} to {high}", what=word, low=low, high=high)
    return word


def _name(value: Any) -> str:
    """What sort of TOML value it is."""
    kinds = {
        bool: phrase("true or false"),
        int: phrase("a number"),
        float: phrase("a number"),
        str: phrase("text"),
        list: phrase("a list"),
        dict: phrase("a section"),
    }
    return kinds.get(type(value)) or phrase("a date or time")


def _describe(value: Any) -> str:
    """A plain value as the user wrote it, anything larger by its sort."""
    if isinstance(value, str | bool | int | float):
        shown = str(value).lower() if isinstance(value, bool) else repr(value)
        return shown if len(shown) <= 60 else f"{shown[:60]}\u2026"
    return _name(value)
