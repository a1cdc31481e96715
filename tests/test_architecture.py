"""The plan of the house holds: who may import whom, every module's twin, the example config."""

import ast
import re
import subprocess
import sys
import tomllib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from voicechat.config.load import load
from voicechat.config.schema import (
    Config,
    McpSection,
    ModelSection,
    Provider,
    ToolSection,
)
from voicechat.providers import names

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "voicechat"

DECLARATIONS = {
    "events.py",
    "connection/target.py",
    "config/schema.py",
    "errors.py",
    "providers/base.py",
    "front/app_api.py",
    "__main__.py",
    "cascade/__main__.py",
}
"""Only words: used by every other test."""

TWINS: dict[str, str] = {
    "conversation/journal": "conversation/journal/test_recorder.py",
    "providers/json_fields.py": "providers/openai/test_dialect.py",
    "providers/audio_fields.py": "providers/openai/test_dialect.py",
    "cascade/vendors/__init__.py": "cascade/vendors/test_openai.py",
    "front/pictures/__init__.py": "front/pictures/test_fetch.py",
    "tools/__init__.py": "tools/test_toolbox.py",
    "tools/offer.py": "tools/test_command.py",
    "tools/stdio.py": "tools/test_server.py",
    "app/targets.py": "app/test_build.py",
    "connection/owner.py": "connection/test_supervisor.py",
    "providers/__init__.py": "providers/catalog/test_catalog.py",
    "providers/local.py": "cascade/test_process.py",
    # The server of the built-in model is tested by what it says on the wire.
    "cascade/llm/chat_request.py": "cascade/llm/test_chat.py",
    "cascade/llm/chat_stream.py": "cascade/llm/test_chat.py",
    "cascade/llm/chat_quirks.py": "cascade/llm/test_chat.py",
    "cascade/server/checks.py": "cascade/server/test_session.py",
    "cascade/llm/echo.py": "cascade/llm/test_llm.py",
    "cascade/llm/gemini_request.py": "cascade/llm/test_gemini.py",
    "cascade/http/options.py": "cascade/http/test_service.py",
    "cascade/llm/notices.py": "cascade/llm/test_llm.py",
    "cascade/server/input_buffer.py": "cascade/server/test_vad.py",
    "cascade/server/items.py": "cascade/server/test_session.py",
    "cascade/options.py": "cascade/test_process.py",
    "cascade/roles.py": "cascade/llm/test_llm.py",
    "cascade/server/response.py": "cascade/server/test_responses.py",
    "cascade/server/transcription.py": "cascade/server/test_responses.py",
    "cascade/server/settings.py": "cascade/server/test_session.py",
    # The links are tested from outside, through real proxies and servers.
    "net/http_refusals.py": "net/test_connect_errors.py",
    "net/tls.py": "net/test_tls.py",
    "audio/playback/backlog.py": "audio/playback/test_jitter.py",
    "audio/self_test.py": "e2e/plain/test_devices.py",
    "audio/echo/capture_path.py": "e2e/voice/test_echo.py",
    "audio/recording/card_tap.py": "e2e/voice/test_record.py",
    "audio/card/microphone.py": "audio/card/test_sound_card.py",
    # The front ends and the sound are tested through the whole program.
    "front/plain/plain.py": "e2e/plain/test_typed.py",
    "front/plain/spoken.py": "e2e/plain/test_spoken.py",
    "front/plain/signals.py": "e2e/plain/test_ends.py",
}
"""Module, or folder of modules, to the neighbour's test that drives it."""


def modules() -> list[str]:
    found = (path.relative_to(HOUSE).as_posix() for path in HOUSE.rglob("*.py"))
    return sorted(path for path in found if path not in DECLARATIONS and not is_empty(path))


def is_empty(module: str) -> bool:
    """Whether it holds nothing but a docstring and plain values."""
    body = ast.parse((HOUSE / module).read_text("utf-8")).body
    return all(isinstance(part, ast.Expr | ast.Assign) for part in body)


def twins(module: str) -> list[Path]:
    """The tests of a module: its own, its provider's where it is a part of one, or the listed."""
    path = Path(module)
    if path.name == "__init__.py" and path.parent.name:
        path = path.parent
    patterns = [f"{path.parent}/test_{path.stem}.py"]
    if path.parent.parent.name == "providers":
        patterns.append(f"{path.parent}/test_*.py")
    places = (module, *map(str, Path(module).parents))
    patterns += [TWINS[place] for place in places if place in TWINS]
    return [test for pattern in patterns for test in (ROOT / "tests").glob(pattern)]


@pytest.mark.parametrize("module", modules())
def test_every_module_has_its_twin(module: str) -> None:
    assert twins(module), f"no test of voicechat/{module}"


def test_every_twin_that_is_listed_exists() -> None:
    assert [test for test in TWINS.values() if not (ROOT / "tests" / test).exists()] == []
    assert [module for module in TWINS if not (HOUSE / module).exists()] == []


def test_imports_go_down_the_house() -> None:
    lint = "from importlinter.cli import lint_imports_command as lint; lint()"
    command = [sys.executable, "-c", lint, "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


LOUD = (
    "asyncio",
    "socket",
    "ssl",
    "threading",
    "logging",
    "numpy",
    "sounddevice",
    "samplerate",
    "websockets",
    "textual",
    "httpx2",
)


def loaded_by(statement: str, watched: tuple[str, ...]) -> list[str]:
    """Which of the watched modules a fresh interpreter has after a statement."""
    code = f"{statement}\nimport sys\nprint(*(m for m in {watched!r} if m in sys.modules))"
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{code}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize("name", names())
def test_a_provider_loads_nothing_loud(name: str) -> None:
    assert loaded_by(f"from voicechat.providers import {name}", LOUD) == []


def test_listing_the_providers_imports_none() -> None:
    modules = tuple(f"voicechat.providers.{name}" for name in names())
    assert modules
    assert loaded_by("from voicechat import providers; providers.names()", modules) == []


@pytest.mark.parametrize("module", ["text", "events", "errors", "config", "providers.catalog"])
def test_the_ground_floor_loads_nothing_loud(module: str) -> None:
    assert loaded_by(f"import voicechat.{module}", LOUD) == []


# -- the example config ---------------------------------------------------------------------------

EXAMPLE = ROOT / "config.example.toml"


def test_the_example_config_holds_the_defaults() -> None:
    assert load(EXAMPLE, {}, names()) == Config()


def test_the_example_config_shows_every_setting() -> None:
    named = {"tools", "mcp", "models"}
    assert keys_of(tomllib.loads(EXAMPLE.read_text("utf-8"))) == settings_of(Config, "") - named


def test_the_example_sections_of_ones_own_show_every_setting(tmp_path: Path) -> None:
    """They are comments in the file, since there is nothing to run or to connect by default."""
    _, _, samples = EXAMPLE.read_text("utf-8").partition("# [tools.")
    file = tmp_path / "config.toml"
    file.write_text(re.sub(r"(?m)^# ", "", "# [tools." + samples), "utf-8")
    table = tomllib.loads(file.read_text("utf-8"))
    for kind, section in (("tools", ToolSection), ("mcp", McpSection), ("models", ModelSection)):
        ((_, shown),) = table[kind].items()
        missing = {entry.name for entry in fields(section)} - shown.keys()
        assert missing - {"url"} == set(), kind
    config = load(file, {}, names())
    assert config.tools and config.mcp and config.models


def test_every_setting_of_the_example_is_explained() -> None:
    lines = EXAMPLE.read_text("utf-8").splitlines()
    settings = [line for line in lines if re.match(r"\w+ = ", line)]
    assert settings
    assert [line for line in settings if not re.search(r" # \S", line)] == []


def test_every_default_in_the_example_is_written_as_it_is() -> None:
    table = tomllib.loads(EXAMPLE.read_text("utf-8"))
    openai = table.pop("providers")["openai"]
    assert Provider(**openai) == Provider()
    for name, section in table.items():
        default: Any = getattr(Config(), name)
        pairs = section.items() if isinstance(section, dict) else [(None, section)]
        for key, value in pairs:
            assert value == (getattr(default, key) if key else default)


def keys_of(table: dict[str, Any], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for key, value in table.items():
        if isinstance(value, dict) and key != "headers":
            found |= keys_of(value, f"{prefix}{key}.")
        else:
            found.add(f"{prefix}{key}")
    return found


def settings_of(cls: Any, prefix: str) -> set[str]:
    found: set[str] = set()
    kinds = get_type_hints(cls)
    for entry in fields(cls):
        if not entry.metadata.get("in_file", True):
            continue
        if entry.name == "providers":
            found |= settings_of(Provider, "providers.openai.")
        elif is_dataclass(kinds[entry.name]):
            found |= settings_of(kinds[entry.name], f"{prefix}{entry.name}.")
        else:
            found.add(f"{prefix}{entry.name}")
    return found


# -- habits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "module", sorted(p.relative_to(ROOT).as_posix() for p in HOUSE.rglob("*.py"))
)
def test_every_module_begins_by_saying_what_it_is(module: str) -> None:
    tree = ast.parse((ROOT / module).read_text("utf-8"))
    assert ast.get_docstring(tree)


# -- what a front end may ask ---------------------------------------------------------------------


def is_session(node: ast.expr) -> bool:
    """`session`, `self.session`, `app.session` ..."""
    name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
    return name == "session"


def parts_of_session(function: ast.AST) -> set[str]:
    """Names that stand for a part of the session: `engine = self.session.engine`."""
    found: set[str] = set()
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign):
            continue
        values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        for target in node.targets:
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            for name, value in zip(names, values, strict=False):
                is_part = isinstance(value, ast.Attribute) and is_session(value.value)
                if is_part and isinstance(name, ast.Name) and name.id != "session":
                    found.add(name.id)
    return found


def reaches_through(source: str) -> list[str]:
    """Where something is asked of a part of the session, and not of the session."""
    found = []
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        parts = parts_of_session(function)
        for node in ast.walk(function):
            if not isinstance(node, ast.Attribute):
                continue
            inner = node.value
            is_deep = isinstance(inner, ast.Attribute) and is_session(inner.value)
            is_named = isinstance(inner, ast.Name) and inner.id in parts
            if is_deep or is_named:
                found.append(f"{function.name}: {ast.unparse(node)}")
    return found


@pytest.mark.parametrize(
    ("line", "is_fine"),
    [
        ("self.session.toggle_mute()", True),
        ("self.session.snapshot().phase", True),
        ("for row in session.rows: print(row.text)", True),
        ("session.gate.muted = True", False),
        ("gate = self.session.gate; gate.muted = True", False),
        ("words, line = self._words, app.session.line; print(line.model)", False),
        ("print(self.session.line.dialect.url())", False),
    ],
)
def test_reaching_through_the_session_is_noticed(line: str, is_fine: bool) -> None:
    assert (reaches_through(f"def front(self, session):\n    {line}") == []) is is_fine


def test_the_front_asks_the_session_and_never_reaches_through_it() -> None:
    """So that a session may be cut up anew, and every front end can do the same."""
    sources = {path: path.read_text("utf-8") for path in (HOUSE / "front").rglob("*.py")}
    assert any("session.snapshot()" in source for source in sources.values())
    deep = {path.name: found for path, text in sources.items() if (found := reaches_through(text))}
    assert deep == {}


# -- one sink -------------------------------------------------------------------------------------


def test_who_tells_is_given_the_sink_when_made_and_not_afterwards() -> None:
    """A sink that is put in later misses what was told before, and takes any shape."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in HOUSE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Attribute)
        and target.attr.lstrip("_") in ("tell", "notify", "listener", "on_error")
        and not (isinstance(target.value, ast.Name) and target.value.id == "self")
    ]
    assert found == []


def classes() -> list[tuple[str, str]]:
    """Every class of the package with its module."""
    found: list[tuple[str, str]] = []
    for path in sorted(HOUSE.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        named = (part.name for part in ast.walk(tree) if isinstance(part, ast.ClassDef))
        found += ((name, path.relative_to(HOUSE).as_posix()) for name in named)
    return found


def test_no_class_name_stands_twice() -> None:
    """Who greps for a name lands at one place."""
    places: dict[str, list[str]] = {}
    for name, module in classes():
        places.setdefault(name, []).append(module)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_method_is_called_take() -> None:
    """A method is named for its role: `on_event`, `pop`, `push`, `filter`, `transform`, `flush`."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in HOUSE.rglob("*.py")}
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    named = [
        f"{path.relative_to(HOUSE)}:{part.lineno}"
        for path, tree in trees.items()
        for part in ast.walk(tree)
        if isinstance(part, functions) and part.name == "take"
    ]
    assert named == []


def test_few_names_stand_at_the_root_of_the_package() -> None:
    names_there = {path.name for path in HOUSE.iterdir() if path.name != "__pycache__"}
    assert len(names_there) <= 16


GUIDE = ROOT / ".github" / "CONTRIBUTING.md"


def test_every_file_that_the_guide_names_exists() -> None:
    named = set(re.findall(r"`((?:\w+/)+(?:\w+\.(?:py|toml))?|\w+\.py)`", GUIDE.read_text("utf-8")))
    assert len(named) > 50
    assert [name for name in named if not ((HOUSE / name).exists() or (ROOT / name).exists())] == []
