"""An ordinary chat model by the real program: at the user's own address, and at a provider's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.plain.program import Program
from tests.fakes.http_chat import HttpChatServer, Request

ENVIRON = {"OPENAI_API_KEY": "sk-not-for-this-server"}


@pytest.fixture
def program(tmp_path: Path) -> Program:
    program = Program(tmp_path)
    program.config.write_text('[local]\nmouth = "none"\n')
    return program


@pytest.fixture
def server() -> Iterator[HttpChatServer]:
    with HttpChatServer() as server:
        yield server


def questions(server: HttpChatServer) -> list[Request]:
    """What the chat model was asked."""
    posts = [request for request in server.requests if request.method == "POST"]
    return [request for request in posts if "/audio/" not in request.path]


def add(program: Program, section: str) -> None:
    program.config.write_text(program.config.read_text() + section)


async def test_a_server_of_ones_own_gets_no_key_that_was_not_meant_for_it(
    program: Program,
) -> None:
    with HttpChatServer(key="") as server:
        asked = ("--plain", "--model", "chat/chat-1", "--url", server.url)
        done = await program.run(*asked, stdin="hello\n", env=ENVIRON)
        assert (done.code, done.out.strip()) == (0, "You said: hello."), done.err
        assert questions(server)
        assert not any("sk-not" in str(request.headers) for request in server.requests)


async def test_the_servers_own_key_is_sent_as_the_config_says(
    program: Program, server: HttpChatServer
) -> None:
    add(program, f'[providers.chat]\nhttp_url = "{server.url}"\napi_key_env = "MINE"\n')
    asked = ("--plain", "--model", "chat/chat-1")
    done = await program.run(*asked, stdin="hello\n", env={**ENVIRON, "MINE": server.key})
    assert (done.code, done.out.strip()) == (0, "You said: hello."), done.err
    assert {request.headers["authorization"] for request in server.requests} == {
        f"Bearer {server.key}"
    }


async def test_a_chat_models_name_alone_finds_its_language_and_key(
    program: Program, server: HttpChatServer
) -> None:
    add(program, f'[providers.gemini]\nhttp_url = "{server.gemini_url}"\n')
    asked = ("--plain", "--model", "gemini-3.8-flash")
    done = await program.run(*asked, stdin="hello\n", env={"GEMINI_API_KEY": server.key})
    assert (done.code, done.out.strip()) == (0, "You said: hello."), done.err
    assert all(request.headers["x-goog-api-key"] == server.key for request in server.requests)
    assert {request.path.partition(":")[0] for request in questions(server)} == {
        "/v1beta/models/gemini-3.8-flash"
    }


async def test_a_missing_key_is_one_line_with_the_variable_and_the_page(program: Program) -> None:
    done = await program.run("--plain", "--model", "glm-4.7-flash", stdin="hello\n")
    line = done.failed_with_one_line(2)
    assert "ZHIPUAI_API_KEY" in line and "https://" in line
