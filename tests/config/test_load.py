"""The config file: what is read, what is refused and how that is said."""

import os
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from voicechat.config.load import config_path, load, tidy_key
from voicechat.config.schema import Config, Provider
from voicechat.errors import ConfigError

KEY = "sk-canary-0123456789"


def written(folder: Path, text: str | bytes, mode: int = 0o600) -> Path:
    path = folder / "config.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return path


def refused(folder: Path, text: str | bytes, providers: tuple[str, ...] | None = None) -> str:
    path = written(folder, text)
    with pytest.raises(ConfigError) as caught:
        load(path, {}, providers)
    assert str(path) in str(caught.value)
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_no_file_means_all_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert load(None, {}) == Config()


def test_the_default_file_is_in_the_platforms_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = config_path({})
    assert path.name == "config.toml" and path.parent.name == "voicechat"
    path.parent.mkdir()
    path.write_text('voice = "marin"')
    assert load(None, {}).voice == "marin"


def test_an_option_goes_before_the_environment(tmp_path: Path) -> None:
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.write_text('voice = "one"')
    two.write_text('voice = "two"')
    assert load(None, {"VOICECHAT_CONFIG": str(two)}).voice == "two"
    assert load(one, {"VOICECHAT_CONFIG": str(two)}).voice == "one"


@pytest.mark.parametrize("named_by", ["option", "environment"])
def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path, named_by: str) -> None:
    path = tmp_path / "none.toml"
    option, environ = (
        (path, {}) if named_by == "option" else (None, {"VOICECHAT_CONFIG": str(path)})
    )
    with pytest.raises(ConfigError, match=r"no config file .*none\.toml"):
        load(option, environ)


def test_a_folder_or_an_impossible_name_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, {})
    with pytest.raises(ConfigError, match="cannot be read"):
        load(Path("a\0b"), {})


def test_every_section_is_read(tmp_path: Path) -> None:
    config = load(
        written(
            tmp_path,
            """
            model = "gpt-realtime-2.1"
            hands_free = true
            save = false
            instructions = "Two\\nlines"
            [audio]
            volume = 1
            chunk_ms = 10
            [talk]
            vad = "semantic"
            threshold = 0.25
            [ui]
            language = "zh"
            [local]
            mind = "http://127.0.0.1:8080/v1"
            [providers.openai]
            api_key_env = "MY_KEY"
            headers = { "OpenAI-Organization" = "org" }
            """,
        ),
        {},
    )
    assert config.model == "gpt-realtime-2.1" and config.hands_free and not config.save
    assert config.instructions == "Two\nlines"
    assert config.audio.volume == 1.0 and isinstance(config.audio.volume, float)
    assert config.audio.chunk_ms == 10
    assert (config.talk.vad, config.talk.threshold) == ("semantic", 0.25)
    assert config.ui.language == "zh"
    assert config.local.mind == "http://127.0.0.1:8080/v1"
    assert config.provider("openai").headers == {"OpenAI-Organization": "org"}
    assert config.provider("glm") == Provider()


@pytest.mark.fault("X08")
@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ('modle = "x"', "modle in", "Did you mean model?"),
        ('[audio]\ninputdevice = "x"', "audio.inputdevice in", "Did you mean input_device?"),
        ('input_device = "x"', "input_device in", "It belongs under [audio]"),
        ('api_key = "x"', "api_key in", "It belongs under [providers.NAME]"),
        ("qqqq = 1", "qqqq in", "There are: audio, ca_file"),
        ("warnings = []", "warnings in", "no setting"),
        ("hands_free = 1", "hands_free in", "is 1. Allowed: true or false"),
        ('hands_free = "yes"', "is 'yes'", "Allowed: true or false"),
        ("model = 3", "model in", "is 3. Allowed: text"),
        ("model = []", "is a list", "Allowed: text"),
        ("model = 2026-11-21", "is a date", "Allowed: text"),
        ("[audio]\nvolume = 2.5", "audio.volume in", "is 2.5. Allowed: a number from 0 to 2"),
        ("[audio]\nvolume = nan", "is nan", "from 0 to 2"),
        ("[audio]\nvolume = true", "is true", "from 0 to 2"),
        ("[audio]\nchunk_ms = 30", "is 30", "Allowed: 10, 20, 40"),
        ("[audio]\nbuffer_ms = 100.0", "is 100.0", "a whole number from 20 to 1000"),
        ("[audio]\nbuffer_ms = 19", "is 19", "from 20 to 1000"),
        ('[talk]\nvad = "servr"', "talk.vad in", "is 'servr'. Allowed: 'server', 'semantic'"),
        ("audio = 1", "audio in", "It is a section: [audio]"),
        ("providers = 1", "providers in", "It is a section: [providers]"),
        ("[providers]\nopenai = 1", "providers.openai in", "[providers.openai]"),
        ('voice = "a\\u001b[31mb"', "voice in", "control character"),
        ("[providers.openai]\nheaders = { a = 1 }", "providers.openai.headers.a", "Allowed: text"),
        ('[providers.openai]\nheaders = { a = "1\\n2" }', "headers in", "control character"),
    ],
)
def test_a_wrong_setting_names_itself_and_what_is_allowed(
    tmp_path: Path, text: str, says: str, hint: str
) -> None:
    message = refused(tmp_path, text)
    assert says in message and hint in message


@pytest.mark.fault("X08")
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('model = "x"\nvoice = \n', "line 2"),
        ('model = "x"\nmodel = "y"\n', "line 2"),
        (b'model = "x"\nvoice = "\xff"\n', "line 2: not UTF-8"),
        ("x = " + "[" * 5000, "not valid TOML"),
        ("x = " + "9" * 5000, "not valid TOML"),
        ("\x00", "not valid TOML"),
    ],
)
def test_a_broken_file_says_where(tmp_path: Path, text: str | bytes, line: str) -> None:
    assert line in refused(tmp_path, text)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert load(written(tmp_path, b'\xef\xbb\xbfmodel = "m"'), {}).model == "m"


def test_an_unknown_provider_names_the_nearest(tmp_path: Path) -> None:
    message = refused(tmp_path, '[providers.opnai]\nvoice = "x"', ("glm", "openai"))
    assert "Did you mean providers.openai?" in message


@pytest.mark.parametrize(
    "text",
    [
        f'[providers.openai]\napi_key = ["{KEY}"]',
        f'[providers.openai]\napi_key = "{KEY} and more"',
        f'[providers.openai]\napi_key = "{KEY}\\nX-Evil: 1"',
        f'[providers.openai]\napi_key = "{KEY}\\u0000"',
        f'[providers.openai]\nheaders = ["{KEY}"]',
        f'proxy = ["http://u:{KEY}@h"]',
        f'proxy = "http://u:{KEY}@h\\n"',
    ],
)
def test_an_error_never_shows_a_secret(tmp_path: Path, text: str) -> None:
    refused(tmp_path, text)


@pytest.mark.fault("S10")
def test_a_key_is_trimmed_and_never_shown(tmp_path: Path) -> None:
    text = f'proxy = "http://u:{KEY}@h"\nurl = "wss://h?key={KEY}"\n'
    text += f'[providers.openai]\napi_key = " {KEY}\\n"\nheaders = {{ x = "{KEY}" }}\n'
    config = load(written(tmp_path, text), {})
    assert config.provider("openai").api_key == KEY
    assert KEY not in repr(config) and KEY not in str(config)
    assert config.secrets() == (KEY, KEY)


@pytest.mark.fault("S10")
def test_a_key_in_the_environment_is_checked_by_its_name() -> None:
    assert tidy_key(f"{KEY}\r\n", "OPENAI_API_KEY") == KEY
    with pytest.raises(ConfigError, match="OPENAI_API_KEY is damaged") as caught:
        tidy_key(f"{KEY}…", "OPENAI_API_KEY")
    assert KEY not in str(caught.value)


@pytest.mark.fault("S06")
@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
@pytest.mark.parametrize(
    ("mode", "text", "warned"),
    [
        (0o644, f'[providers.openai]\napi_key = "{KEY}"', True),
        (0o660, f'[providers.openai]\nheaders = {{ a = "{KEY}" }}', True),
        (0o644, f'proxy = "http://u:{KEY}@h:1"', True),
        (0o600, f'[providers.openai]\napi_key = "{KEY}"', False),
        (0o644, 'model = "x"', False),
    ],
)
def test_a_key_that_others_may_read_is_told(
    tmp_path: Path, mode: int, text: str, warned: bool
) -> None:
    path = written(tmp_path, text, mode)
    config = load(path, {})
    assert bool(config.warnings) is warned
    assert all(str(path) in warning and KEY not in warning for warning in config.warnings)
    assert path.stat().st_mode & 0o777 == mode


def test_a_file_can_be_a_link(tmp_path: Path) -> None:
    path = written(tmp_path, 'model = "m"')
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    assert load(link, {}).model == "m"


def test_config_values_cannot_be_changed(tmp_path: Path) -> None:
    config: Any = load(written(tmp_path, '[providers.openai]\nvoice = "v"'), {})
    with pytest.raises(AttributeError):
        config.model = "x"
    with pytest.raises(TypeError):
        config.providers["openai"] = Provider()


def test_the_settings_of_the_command_line_are_all_there() -> None:
    names = {entry.name for entry in fields(Config)}
    assert names >= {"model", "url", "proxy", "voice", "instructions", "text", "save", "trace"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("true", "speech"),
        ("false", "never"),
        ('"speech"', "speech"),
        ('"words"', "words"),
        ('"never"', "never"),
    ],
)
def test_what_interrupts_may_be_written_as_before(tmp_path: Path, written: str, meant: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"[talk]\ninterrupt = {written}\n")
    assert load(file, {}).talk.interrupt == meant


def test_what_interrupts_is_no_number(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[talk]\ninterrupt = 1\n")
    with pytest.raises(ConfigError, match="'speech', 'words', 'never'"):
        load(file, {})


@pytest.mark.fault("X08")
@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.long), 5])
def test_the_example_cut_anywhere_is_read_or_refused_in_one_line(tmp_path: Path, step: int) -> None:
    example = (Path(__file__).parents[2] / "config.example.toml").read_text("utf-8")
    sections = re.findall(r"(?m)^(?:# ?)?(\[.+\]|[a-z_]+ = [^#\n]+)", example)
    whole = "\n".join(dict.fromkeys(sections)).encode()
    assert len(sections) > 40
    for at in range(0, len(whole) + 1, step):
        path = written(tmp_path, whole[:at])
        told = str(path)
        try:
            load(path, {})
        except ConfigError as error:
            told = str(error)
        assert str(path) in told and "\n" not in told


def test_an_address_and_a_dialect_have_two_names_each(tmp_path: Path) -> None:
    text = '[providers.custom]\nbase_url = "ws://127.0.0.1:9/v1"\ndialect = "beta"\n'
    own = load(written(tmp_path, text), {}).provider("custom")
    assert (own.url, own.shape) == ("ws://127.0.0.1:9/v1", "beta")
    assert "'auto'" in refused(tmp_path, '[providers.custom]\ndialect = "old"\n')
    both = refused(tmp_path, f'[providers.custom]\nurl = "ws://{KEY}"\nbase_url = "ws://{KEY}"\n')
    assert "providers.custom.base_url" in both and "Keep url" in both
