"""The fake of ears and mouths refuses what the real services refuse."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.fakes.http_speech import HttpSpeechServer
from tests.fakes.http_speech_vendors import hear_pcm, tone
from voicechat.cascade.audio import wav


@pytest.fixture
def server() -> Iterator[HttpSpeechServer]:
    with HttpSpeechServer() as server:
        yield server


def _post(server: HttpSpeechServer, path: str, **content: Any) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {server.key}", "x-goog-api-key": server.key}
    headers |= content.pop("headers", {})
    url = f"http://127.0.0.1:{server.port}{path}"
    with httpx2.Client(trust_env=False, timeout=20) as client:
        return client.post(url, headers=headers, **content)


def _hear(server: HttpSpeechServer, file: bytes, path: str = "/v1/stt", **form: str) -> Any:
    files = {"file": ("a.wav", file, "audio/wav")}
    return _post(server, path, data=form, files=files)


def _say(server: HttpSpeechServer, **body: Any) -> httpx2.Response:
    return _post(server, "/v1/audio/speech", json={"response_format": "pcm", **body})


def test_words_say_which_sound_arrived(server: HttpSpeechServer) -> None:
    file = wav(bytes(9600) + tone(1500, 300) + bytes(9600))
    assert _hear(server, file).json()["text"] == "heard 1.5 s at 300 Hz"
    assert server.requests[0].form["file"] == file


def test_sound_is_as_long_as_the_text(server: HttpSpeechServer) -> None:
    answer = _say(server, model="tts-1", input="Ten signs.", voice="alloy")
    assert answer.status_code == 200 and hear_pcm(answer.content).seconds == 0.6


@pytest.mark.parametrize(
    ("form", "file", "status"),
    [
        ({"model": "glm-asr-2512"}, wav(tone(31_000)), 400),
        ({"model": "glm-asr-2512"}, wav(tone(29_000)), 200),
        ({"model": "whisper-1"}, wav(tone(31_000)), 200),
        ({"model": "whisper-1"}, wav(tone(50)), 400),
        ({"model": "whisper-1", "stream_it": "1"}, wav(tone(500)), 400),
        ({"model": "nonsense"}, wav(tone(500)), 404),
        ({"model": "whisper-1"}, b"nonsense", 400),
        ({"model": "whisper-1"}, wav(bytes(26 * 2**20)), 413),
    ],
)
def test_recordings_are_refused_as_by_the_real_ones(
    server: HttpSpeechServer, form: dict[str, str], file: bytes, status: int
) -> None:
    assert _hear(server, file, "/v1/audio/transcriptions", **form).status_code == status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"model": "tts-1", "input": "Hi", "voice": "tongtong"}, 400),
        ({"model": "tts-1", "input": "x" * 4097, "voice": "alloy"}, 400),
        ({"model": "tts-9000", "input": "Hi", "voice": "alloy"}, 200),
        ({"model": "nonsense", "input": "Hi", "voice": "alloy"}, 404),
        ({"model": "glm-tts", "input": "x" * 1025, "stream": True}, 400),
        ({"model": "glm-tts", "input": "Hi", "stream": True, "voice": "alloy"}, 400),
        ({"model": "glm-tts", "input": "Hi", "stream": True, "speed": 3}, 400),
        ({"model": "glm-tts", "input": "Hi", "stream": True}, 200),
        ({"model": "tts-1"}, 400),
    ],
)
def test_texts_are_refused_as_by_the_real_ones(
    server: HttpSpeechServer, body: dict[str, Any], status: int
) -> None:
    assert _say(server, **body).status_code == status


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/audio/speech", 401),
        ("/v1/tts", 401),
        ("/v1beta/models/gemini-3.8-flash-tts:streamGenerateContent?alt=sse", 400),
        ("/v1/elsewhere", 404),
    ],
)
def test_wrong_key_opens_nothing(server: HttpSpeechServer, path: str, status: int) -> None:
    headers = {"Authorization": "Bearer wrong", "x-goog-api-key": "wrong"}
    body = {"model": "tts-1", "input": "Hi", "voice": "alloy"}
    assert _post(server, path, json=body, headers=headers).status_code == status


def test_failures_come_in_the_order_they_were_ordered_in(server: HttpSpeechServer) -> None:
    server.fail_next(503)
    server.fail_next(429, headers={"Retry-After": "7"})
    first, second, third = (_hear(server, wav(tone(500))) for _ in range(3))
    assert [first.status_code, second.status_code, third.status_code] == [503, 429, 200]
    assert second.headers["retry-after"] == "7"
