"""The stand-in for chat services refuses what the real ones refuse, and ends when it is told to."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.http_chat import HttpChatServer, Script

_USER = {"role": "user", "content": "Hello"}
_CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.fixture(scope="module")
def server() -> Iterator[HttpChatServer]:
    with HttpChatServer() as server:
        yield server


def _post(url: str, body: Any, **headers: str) -> tuple[int, str]:
    data = json.dumps(body).encode()
    asked = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(asked, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def _chat(server: HttpChatServer, **body: Any) -> tuple[int, str]:
    asked = {"model": "chat-1", "messages": [_USER], "stream": True, **body}
    key = {"Authorization": f"Bearer {server.key}"}
    return _post(f"{server.url}/chat/completions", asked, **key)


def test_chat_is_streamed_and_said_to_be_over(server: HttpChatServer) -> None:
    status, text = _chat(server)
    assert status == 200 and "said:" in text and text.endswith("data: [DONE]\n\n")


def test_chat_without_a_stream_comes_whole(server: HttpChatServer) -> None:
    status, text = _chat(server, stream=False)
    message = json.loads(text)["choices"][0]["message"]
    assert status == 200 and message["content"] == "You said: Hello. "


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"model": "nobody"}, 404),
        ({"model": ""}, 400),
        ({"messages": []}, 400),
        ({"messages": [{"role": "robot", "content": "x"}]}, 400),
        ({"colour": "red"}, 400),
        ({"model": "chat-strict", "max_tokens": 5}, 400),
        ({"model": "chat-small", "tools": [{"type": "function", "function": {"name": "f"}}]}, 400),
        ({"messages": [_USER, {"role": "tool", "tool_call_id": "c", "content": "x"}]}, 400),
        ({"messages": [_USER, {"role": "assistant", "tool_calls": [_CALL]}, _USER]}, 400),
        ({"messages": [_USER, {"role": "assistant", "tool_calls": [_CALL]}]}, 400),
        ({"model": "qwen3-omni-flash", "stream": False, "modalities": ["text"]}, 400),
        ({"model": "gpt-audio-mini", "modalities": ["text", "audio"]}, 400),
        ({"model": "gpt-audio-mini", "modalities": ["text"]}, 400),
        (
            {
                "model": "gpt-audio-mini",
                "modalities": ["text", "audio"],
                "audio": {"voice": "marin", "format": "wav"},
            },
            400,
        ),
    ],
)
def test_wrong_question_is_refused(
    server: HttpChatServer, body: dict[str, Any], status: int
) -> None:
    found, text = _chat(server, **body)
    assert found == status and json.loads(text)["error"]["message"]


def test_wrong_key_is_refused_in_each_services_way(server: HttpChatServer) -> None:
    body = {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}
    assert _post(f"{server.url}/chat/completions", {}, Authorization="Bearer x")[0] == 401
    url = f"{server.gemini_url}/models/gemini-3.8-flash:streamGenerateContent?alt=sse"
    status, text = _post(url, body, **{"x-goog-api-key": "x"})
    assert status == 400 and "API_KEY_INVALID" in text


_HI = {"role": "user", "parts": [{"text": "x"}]}
_ASKED = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}
_SIGNED = {"role": "model", "parts": [{**_ASKED["parts"][0], "thoughtSignature": "AAAA"}]}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "contents is not specified"),
        ({"contents": [_HI], "model": "x"}, "Unknown name"),
        ({"contents": [{"role": "user", "text": "x"}]}, "Extra inputs"),
        ({"contents": [_HI], "generationConfig": {"colour": 1}}, "Extra inputs"),
        ({"contents": [_HI, _ASKED, _HI]}, "thought_signature"),
        ({"contents": [_HI, _SIGNED, _HI]}, "number of function response parts"),
        ({"contents": [_SIGNED, _HI]}, "after a user turn"),
    ],
)
def test_wrong_question_to_gemini_is_refused(
    server: HttpChatServer, body: dict[str, Any], words: str
) -> None:
    url = f"{server.gemini_url}/models/gemini-3.8-flash:streamGenerateContent?alt=sse"
    status, text = _post(url, body, **{"x-goog-api-key": server.key})
    assert status == 400 and words in text


def test_failure_and_script_hold_for_one_question_each(server: HttpChatServer) -> None:
    server.fail_next(503, {"error": {"message": "later"}})
    server.next.append(Script(["Scripted."]))
    assert _chat(server)[0] == 503
    assert "Scripted." in _chat(server)[1]
    assert "said:" in _chat(server)[1]


def test_as_a_process_it_serves_until_its_input_ends() -> None:
    command = [sys.executable, "-m", "tests.fakes.http_chat"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin and child.stdout
        url = json.loads(child.stdout.readline())["url"]
        body = {"model": "chat-1", "messages": [_USER], "stream": True}
        assert _post(f"{url}/chat/completions", body)[0] == 200
        child.stdin.close()
        assert child.wait(20) == 0
