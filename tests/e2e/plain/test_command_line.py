"""Options, config and environment of the real program: what counts, and what is told when wrong."""

from pathlib import Path

import pytest

from tests.e2e.plain.program import KEY, MODEL, Program, handshakes, sent_to
from tests.fakes.ga_script import GREETING
from tests.fakes.ga_server import GaServer
from voicechat import __version__


def model_asked(server: GaServer) -> str:
    """The model in the address of the last handshake."""
    return str(handshakes(server)[-1]["path"]).partition("?model=")[2]


# -- which model ----------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [(), ("--json",)])
async def test_a_retired_name_leads_to_its_successor_and_says_so_once(
    program: Program, options: tuple[str]
) -> None:
    async with GaServer() as server:
        env = {"OPENAI_API_KEY": KEY}
        asked = ("--plain", "--model", "gpt-4o-realtime", "--url", server.url, *options)
        done = await program.run(*asked, stdin="one\ntwo\n", env=env)
        assert model_asked(server) == MODEL
        sent_to(server)
    assert done.code == 0
    told = [e["text"] for e in done.of("notice")] if options else done.complaints
    assert len(told) == 1
    assert "gpt-4o-realtime" in told[0] and MODEL in told[0]


async def test_an_unknown_name_is_passed_on(program: Program) -> None:
    async with GaServer("beta_names") as server:
        done = await program.call(server, "--model", "their/own model+é")
        assert model_asked(server) == "their%2Fown%20model%2B%C3%A9"
    assert (done.code, done.out) == (0, GREETING + "\n")


async def test_a_key_in_the_environment_chooses_its_provider(program: Program) -> None:
    async with GaServer() as server:
        program.config.write_text(f'[providers.openai]\nurl = "{server.url}"\n')
        done = await program.run("--plain", stdin="hello\n", env={"OPENAI_API_KEY": KEY})
        assert model_asked(server) == MODEL
    assert (done.code, done.out) == (0, GREETING + "\n")


async def test_a_key_in_the_config_chooses_its_provider(program: Program) -> None:
    async with GaServer(api_key=KEY) as server:
        section = f'[providers.openai]\nurl = "{server.url}"\napi_key = "{KEY}"\n'
        program.config.write_text(section)
        done = await program.run("--plain", stdin="hello\n")
    assert (done.code, done.out, done.err) == (0, GREETING + "\n", "")


@pytest.mark.fault("S06")
async def test_a_key_that_others_may_read_is_warned_about(program: Program) -> None:
    async with GaServer(api_key=KEY) as server:
        section = f'[providers.openai]\nurl = "{server.url}"\napi_key = "{KEY}"\n'
        program.config.write_text(section)
        program.config.chmod(0o644)
        done = await program.run("--plain", stdin="hello\n")
    assert (done.code, done.out) == (0, GREETING + "\n")
    assert len(done.complaints) == 1 and "chmod 600" in done.err
    assert KEY not in done.err


async def test_without_a_key_the_built_in_model_is_chosen(program: Program) -> None:
    done = await program.run("--json", stdin="hello\n")
    assert [event["model"] for event in done.of("ready")] == ["local"]


async def test_a_model_whose_key_is_missing_says_which(program: Program) -> None:
    done = await program.run("--plain", "--model", MODEL, stdin="hello\n")
    assert "OPENAI_API_KEY" in done.failed_with_one_line(2)


@pytest.mark.fault("S01")
async def test_the_key_is_never_taken_from_the_command_line(program: Program) -> None:
    async with GaServer() as server:
        done = await program.call(server, "--api-key", KEY, env={"OPENAI_API_KEY": ""})
        assert server.attempts == 0
    assert (done.code, done.out) == (2, "")


async def test_the_key_goes_to_the_service_alone(program: Program) -> None:
    async with GaServer() as server:
        done = await program.call(server, "--json", "--trace", "wire.jsonl")
        (handshake,) = handshakes(server)
    assert handshake["authorization_length"] == len(f"Bearer {KEY}")
    assert not any(KEY in value for value in handshake["headers"].values())
    assert KEY not in handshake["path"] + done.out + done.err
    assert not program.holds(KEY)


# -- option, then config, then environment --------------------------------------------------------


async def test_an_option_counts_more_than_the_config(program: Program) -> None:
    async with GaServer() as server:
        program.config.write_text('model = "gpt-realtime-2"\ninstructions = "from the config"\n')
        done = await program.call(server, "--instructions", "from the option")
        assert model_asked(server) == MODEL
        assert sent_to(server)[0]["session"]["instructions"] == "from the option"
    assert done.code == 0


async def test_the_config_counts_where_no_option_says_otherwise(program: Program) -> None:
    async with GaServer() as server:
        lines = f'model = "gpt-realtime-2"\nurl = "{server.url}"\ninstructions = "Brief."\n'
        program.config.write_text(lines)
        done = await program.run("--plain", stdin="hello\n", env={"OPENAI_API_KEY": KEY})
        assert model_asked(server) == "gpt-realtime-2"
        assert sent_to(server)[0]["session"]["instructions"] == "Brief."
    assert done.code == 0


async def test_the_config_option_counts_more_than_the_variable(
    program: Program, tmp_path: Path
) -> None:
    program.config.write_text("this is no TOML")
    other = tmp_path / "other.toml"
    other.write_text('model = "local"\n')
    done = await program.run("--plain", "--config", str(other), stdin="hello\n")
    assert done.code == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('modle = "local"\n', ("modle", "model")),
        ("hands_free = 1\n", ("hands_free", "true or false")),
        ("[audio]\nbuffer_ms = 5\n", ("audio.buffer_ms", "20 to 1000")),
        ('[talk]\nvad = "magic"\n', ("talk.vad", "semantic")),
        ('[providers.opnai]\nvoice = "x"\n', ("opnai", "openai")),
        ("model =\n", ("TOML", "line 1")),
    ],
)
async def test_a_wrong_field_is_named(program: Program, text: str, words: tuple[str, str]) -> None:
    program.config.write_text(text)
    done = await program.run("--plain", stdin="hello\n")
    line = done.failed_with_one_line(2)
    assert str(program.config) in line
    assert all(word in line for word in words), line


async def test_a_wrong_secret_is_not_shown(program: Program) -> None:
    program.config.write_text('proxy = "socks5h://jane:canary pass@127.0.0.1:1"\n')
    done = await program.run("--plain", stdin="hello\n")
    assert "canary" not in done.failed_with_one_line(2)


async def test_a_config_that_is_missing_is_told(program: Program) -> None:
    done = await program.run("--plain", "--config", "missing.toml")
    assert "missing.toml" in done.failed_with_one_line(2)


# -- options --------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--bogus", "--mod", "-x"])
async def test_an_unknown_option_is_told(program: Program, option: str) -> None:
    done = await program.run("--plain", option)
    assert (done.code, done.out) == (2, "")
    assert option in done.complaints[-1]


async def test_two_ways_to_take_turns_are_one_too_many(program: Program) -> None:
    done = await program.run("--plain", "--hands-free", "--push-to-talk")
    assert done.code == 2
    assert "--push-to-talk" in done.complaints[-1]


async def test_without_a_terminal_the_way_out_is_told(program: Program) -> None:
    done = await program.run(stdin="hello\n")
    assert "--plain" in done.failed_with_one_line(2)
    assert done.out == ""


async def test_the_version_is_told(program: Program) -> None:
    done = await program.run("--version")
    assert (done.code, done.out) == (0, f"voicechat {__version__}\n")


@pytest.mark.parametrize("has_key", [True, False])
async def test_the_models_are_listed_with_their_keys(program: Program, has_key: bool) -> None:
    env = {"OPENAI_API_KEY": KEY} if has_key else {}
    done = await program.run("models", env=env)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    (row,) = [number for number, line in enumerate(lines) if line.split()[:1] == [MODEL]]
    heads = [line for line in lines[:row] if not line.startswith(" ")]
    assert heads[-1].endswith(": OPENAI_API_KEY is set" if has_key else ": set OPENAI_API_KEY")
    assert "local" in done.out
    assert KEY not in done.out
