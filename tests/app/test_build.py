"""What the parts are put together from: options before config before environment."""

import json
import stat
from pathlib import Path

import pytest

from tests.fakes.ga_server import GaServer
from voicechat.app.build import App
from voicechat.app.cli import build_parser
from voicechat.conversation.journal import Journal, NullJournal
from voicechat.errors import ConfigError, VoiceChatError
from voicechat.events import Event

KEY = "sk-canary-0123456789abcdef"
WITH_KEY = {"OPENAI_API_KEY": KEY}
ANYWHERE = "wss://voice.example/v1/realtime"


class Home:
    """A config file, an environment and a command line, made into a house."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.toml"
        self.config.touch(0o600)

    def build(self, *options: str, config: str = "", **environ: str) -> App:
        self.config.write_text(config)
        paths = {"VOICECHAT_CONFIG": str(self.config), "VOICECHAT_DATA": str(self.path / "data")}
        return App.build(build_parser().parse_args(options), {**paths, **environ})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def ignore(event: Event | VoiceChatError) -> None:
    """Nobody listens."""


# -- options, config, environment -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "field"),
    [("--model", "model"), ("--voice", "voice"), ("--instructions", "instructions")],
)
def test_an_option_counts_more_than_the_config(home: Home, option: str, field: str) -> None:
    line = f'{field} = "from the config"\n'
    assert getattr(home.build(config=line).config, field) == "from the config"
    assert getattr(home.build(option, "said", config=line).config, field) == "said"
    assert getattr(home.build().config, field) == ""


def test_a_switch_counts_more_than_the_config(home: Home) -> None:
    assert home.build(config="hands_free = true\n").config.hands_free
    assert not home.build("--push-to-talk", config="hands_free = true\n").config.hands_free
    assert home.build("--hands-free").config.hands_free
    assert not home.build("--no-save").config.save
    assert home.build(config="text = true\n").config.text


def test_devices_of_the_command_line_leave_the_rest_of_the_section(home: Home) -> None:
    audio = home.build("--input-device", "usb", config="[audio]\nvolume = 0.5\n").config.audio
    assert (audio.input_device, audio.output_device, audio.volume) == ("usb", "", 0.5)


def test_the_proxy_of_the_option_counts_more_than_that_of_the_config(home: Home) -> None:
    config = 'proxy = "http://config.example:1"\n'
    environ = {"ALL_PROXY": "http://environment.example:2"}

    def label(*options: str, config: str = "") -> str:
        proxy = home.build(*options, config=config, **environ).dialing.choose_proxy(ANYWHERE)
        return proxy.label if proxy else "direct"

    assert label() == "http://environment.example:2"
    assert label(config=config) == "http://config.example:1"
    assert label("--proxy", "socks5h://said.example:3", config=config).startswith("socks5h://said")
    assert label("--proxy", "none", config=config) == "direct"


# -- lines ----------------------------------------------------------------------------------------


def test_without_a_key_the_line_leads_to_the_built_in_model(home: Home) -> None:
    line = home.build().dial("")()
    assert (line.model, line.dialect.profile.name) == ("local", "local")


def test_a_key_chooses_its_provider(home: Home) -> None:
    line = home.build(**WITH_KEY).dial("")()
    assert (line.model, line.dialect.profile.name) == ("gpt-realtime-2.1", "openai")
    assert line.dialect.headers() == {"Authorization": f"Bearer {KEY}"}
    assert KEY not in line.dialect.url()


def test_an_address_of_ones_own_needs_no_key(home: Home) -> None:
    line = home.build("--url", "ws://127.0.0.1:1/v1/realtime").dial("")()
    assert line.dialect.profile.name == "openai"
    assert line.dialect.url().startswith("ws://127.0.0.1:1/v1/realtime?model=")
    assert line.dialect.headers() == {}


@pytest.mark.parametrize(
    ("url", "is_plain"),
    [
        ("http://192.168.7.7:11434/v1", True),
        ("https://192.168.7.7:11434/v1", False),
        ("http://127.0.0.1:11434/v1", False),
        ("http://[::1]:11434/v1", False),
    ],
)
def test_an_http_service_that_others_can_listen_in_on_is_known(
    home: Home, url: str, is_plain: bool
) -> None:
    line = home.build("--model", "chat/chat-1", "--url", url).dial("")()
    assert (line.way, line.is_plain) == ("http", is_plain)


def test_a_retired_name_leads_to_its_successor_with_a_notice(home: Home) -> None:
    line = home.build("--model", "gpt-4o-realtime", **WITH_KEY).dial("")()
    assert line.model == "gpt-realtime-2.1"
    assert "gpt-4o-realtime" in line.notice and "gpt-realtime-2.1" in line.notice


def test_an_unknown_name_is_passed_on(home: Home) -> None:
    line = home.build("--model", "their-own", **WITH_KEY).dial("")()
    assert (line.model, line.notice) == ("their-own", "")
    assert line.dialect.url().endswith("model=their-own")


def test_a_picked_model_counts_more_than_the_chosen_one(home: Home) -> None:
    house = home.build("--model", "local", **WITH_KEY)
    assert house.dial("")().model == "local"
    assert house.dial("gpt-realtime-2")().model == "gpt-realtime-2"


def test_a_missing_key_is_told_before_anybody_is_called(home: Home) -> None:
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        home.build("--model", "gpt-realtime-2.1").dial("")


def test_a_key_is_found_where_the_config_says(home: Home) -> None:
    config = '[providers.openai]\napi_key_env = "MY_KEY"\nvoice = "cedar"\n'
    line = home.build(config=config, MY_KEY="sk-mine", **WITH_KEY).dial("")()
    assert line.dialect.settings.api_key == "sk-mine"
    assert line.dialect.settings.voice == "cedar"


def test_every_line_is_a_dialect_of_its_own(home: Home) -> None:
    dial = home.build().dial("")
    assert dial().dialect is not dial().dialect


def test_the_settings_are_those_of_the_config(home: Home) -> None:
    config = (
        'instructions = "Be brief."\nhands_free = true\n[talk]\nvad = "semantic"\n'
        'threshold = 0.7\nsilence_ms = 900\nprefix_ms = 100\neagerness = "low"\n'
        'interrupt = false\ntranscription_model = "none"\nlanguage = "zh"\n'
    )
    settings = home.build(config=config).dialing.dial("", wants_speech=False)().dialect.settings
    assert settings.instructions == "Be brief."
    assert settings.hands_free and settings.text_only
    vad = settings.vad
    assert (vad.kind, vad.threshold, vad.silence_ms) == ("semantic", 0.7, 900)
    assert (vad.prefix_padding_ms, vad.eagerness, vad.interrupt) == (100, "low", False)
    assert (settings.transcription_model, settings.language) == ("none", "zh")


async def test_headers_of_the_config_go_with_the_handshake(home: Home) -> None:
    async with GaServer(api_key=KEY) as server:
        config = f'[providers.openai]\nurl = "{server.url}"\nheaders = {{ "X-Team" = "voice" }}\n'
        line = home.build(config=config, **WITH_KEY).dial("")()
        async with line.link() as link:
            assert json.loads(await anext(aiter(link)))["type"] == "session.created"
        (handshake,) = [e for e in server.log.directions("note") if e["note"] == "handshake"]
    assert handshake["headers"]["x-team"] == "voice"
    assert handshake["authorization_length"] == len(f"Bearer {KEY}")


async def test_the_built_in_model_is_started_for_a_line_and_ends_with_it(home: Home) -> None:
    line = home.build("--proxy", "http://127.0.0.1:1").dial("local")()
    async with line.link() as link:
        assert json.loads(await anext(aiter(link)))["type"] == "session.created"
        assert link.proxy_label == "", "the loopback was reached through the proxy"
        first = line.dialect.settings
    assert first.api_key and first.url.startswith("ws://127.0.0.1:")


def test_the_parts_of_the_built_in_model_get_their_keys_and_the_proxy(home: Home) -> None:
    config = (
        '[local]\nmind = "http://127.0.0.1:1/v1"\nmind_key_env = "MIND_KEY"\n'
        'ears = "https://ears.example/v1"\nears_key_env = "EARS_KEY"\n'
    )
    environ = {"MIND_KEY": "mind", "EARS_KEY": "ears", "ALL_PROXY": "socks5h://127.0.0.1:9"}
    options = home.build(config=config, **environ).dialing._local_options()
    assert (options.mind_key, options.ears_key, options.mouth_key) == ("mind", "ears", "")
    assert options.proxy == "socks5h://127.0.0.1:9"


# -- the session ----------------------------------------------------------------------------------


async def test_a_session_keeps_what_is_said_unless_told_otherwise(home: Home) -> None:
    house = home.build()
    session = house.build_session(ignore, with_sound=False, wants_speech=False)
    assert isinstance(session.journal, Journal)
    house.close()
    house = home.build("--no-save")
    session = house.build_session(ignore, with_sound=False, wants_speech=False)
    assert isinstance(session.journal, NullJournal)
    house.close()
    assert not (home.path / "data").exists()


async def test_a_session_without_sound_has_no_sound_card(home: Home) -> None:
    house = home.build()
    session = house.build_session(ignore, with_sound=False, wants_speech=False)
    assert house.sound is None
    assert not session.has_microphone
    house.pick_device("input", 0)
    house.close()


async def test_what_is_learned_of_sound_is_kept_where_there_is_sound_and_may_be_kept(
    home: Home,
) -> None:
    kept = []
    for options, with_sound in (((), True), ((), False), (("--no-save",), True)):
        house = home.build(*options)
        session = house.build_session(ignore, with_sound=with_sound, wants_speech=with_sound)
        kept.append(session.engine._memory is not None)
        house.close()
    assert kept == [True, False, False]


@pytest.mark.parametrize(
    ("model", "more", "is_told"),
    [
        ("openai/gpt-realtime-2.1", "", False),
        ("openai/gpt-realtime-2.1", 'transcription_model = "none"\n', True),
        ("gemini/gemini-3.8-live", "", True),
        ("local", "", True),
        ("chat/openai", "", True),
    ],
)
def test_a_line_knows_when_words_alone_cannot_cut(
    home: Home, model: str, more: str, is_told: bool
) -> None:
    for interrupt, told in (("words", is_told), ("speech", False), ("never", False)):
        config = f'[talk]\ninterrupt = "{interrupt}"\n{more}'
        house = home.build(config=config, GEMINI_API_KEY=KEY, **WITH_KEY)
        assert house.dial(model)().cuts_by_any_voice is told


async def test_a_bad_proxy_is_told_before_the_screen(home: Home) -> None:
    house = home.build("--proxy", "ftp://jane:canary@127.0.0.1:1")
    with pytest.raises(ConfigError, match="--proxy") as caught:
        house.build_session(ignore, with_sound=False, wants_speech=False)
    assert "canary" not in str(caught.value)
    house.close()


def test_the_trace_is_private_and_hides_the_key(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    house = home.build("--trace", str(path), **WITH_KEY)
    house.dial("")
    assert house.trace
    house.trace.record("up", json.dumps({"type": "x", "text": f"my key is {KEY}"}))
    house.close()
    assert KEY not in path.read_text() and "my key is" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_trace_that_cannot_be_written_is_told(home: Home, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="wire.jsonl"):
        home.build("--trace", str(tmp_path / "no" / "wire.jsonl"))


# -- what there is --------------------------------------------------------------------------------


@pytest.mark.parametrize("has_key", [True, False])
def test_the_models_know_whether_their_key_is_set(home: Home, has_key: bool) -> None:
    rows = home.build(**(WITH_KEY if has_key else {})).find_models()
    by_name = {row.name: row for row in rows}
    assert by_name["gpt-realtime-2.1"].has_key is has_key
    assert by_name["gpt-realtime-2.1"].key_env == "OPENAI_API_KEY"
    assert by_name["local"].has_key and by_name["local"].key_env == ""


def test_the_models_name_the_variable_of_the_config(home: Home) -> None:
    config = '[providers.openai]\napi_key_env = "MY_KEY"\n'
    rows = home.build(config=config, MY_KEY=KEY).find_models()
    assert {row.key_env for row in rows if row.provider == "openai"} == {"MY_KEY"}
    assert all(row.has_key for row in rows if row.provider == "openai")
