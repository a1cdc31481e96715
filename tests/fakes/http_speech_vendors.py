"""What OpenAI, GLM, xAI and Gemini answer to requests for ears and mouths, and what they refuse."""

import base64
import io
import json
import math
import wave
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

RATE = 24_000
MS_PER_CHARACTER = 60
"""How long the tone is that stands for a text."""
PITCH = {"openai": 440, "glm": 550, "xai": 660, "gemini": 770}
"""Hz, so that one hears who spoke."""
_OPENAI_VOICES = "alloy ash ballad coral echo fable onyx nova sage shimmer verse marin cedar"
VOICES = {
    "openai": _OPENAI_VOICES.split(),
    "glm": ["tongtong", "chuichui", "xiaochen", "jam", "kazi", "douji", "luodo"],
    "xai": ["eve", "ara", "leo", "rex", "sal"],
    "gemini": ["Kore", "Puck", "Zephyr", "Charon", "Aoede", "Leda"],
}
_PIECE = 4800
_FILE_BYTES = 25 * 2**20


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status, self.body, self.headers = status, body, headers or {}


@dataclass
class Answer:
    """A success, piece by piece."""

    kind: str
    pieces: Iterator[bytes] | list[bytes]


def answer(server: Any, request: Any) -> Answer:
    """The answer of whichever vendor has this address and model.

    Raises:
        Refused: As the vendor would.
    """
    path = request.path.partition("?")[0]
    if path.startswith("/v1beta/models/"):
        return _gemini(server, request)
    if path == "/v1/audio/transcriptions":
        is_glm = request.form.get("model", b"").startswith(b"glm-")
        return (_glm_ears if is_glm else _openai_ears)(server, request)
    if path == "/v1/audio/speech":
        is_glm = str(request.json.get("model", "")).startswith("glm-")
        return (_glm_mouth if is_glm else _openai_mouth)(server, request)
    if path == "/v1/stt":
        return _xai_ears(server, request)
    if path == "/v1/tts":
        return _xai_mouth(server, request)
    raise Refused(404, b'{"error": {"message": "Unknown request URL"}}')


# -- OpenAI --------------------------------------------------------------------------------------


def _openai_ears(server: Any, request: Any) -> Answer:
    _check_bearer(server, request)
    form = request.form
    unknown = set(form) - {"model", "file", "language", "prompt", "response_format", "temperature"}
    if unknown:
        _refuse(400, f"Unrecognized request argument: {unknown}")
    if not form.get("model", b"").startswith((b"whisper-", b"gpt-")):
        _refuse(404, "The model does not exist", code="model_not_found")
    if len(form["file"]) > _FILE_BYTES:
        _refuse(413, "Maximum content size limit (26214400) exceeded")
    heard = hear(form["file"])
    if heard.seconds < 0.1:
        _refuse(400, "Audio file is too short. Minimum audio length is 0.1 seconds.")
    return _json({"text": heard.words, "usage": {"type": "duration", "seconds": 1}})


def _openai_mouth(server: Any, request: Any) -> Answer:
    _check_bearer(server, request)
    body = request.json
    if not body["model"].startswith(("tts-", "gpt-")):
        _refuse(404, "The model does not exist", code="model_not_found")
    if not 0 < len(body["input"]) <= 4096:
        _refuse(400, "[{'type': 'string_too_long', 'loc': ('body', 'input')}]")
    if body["voice"] not in VOICES["openai"]:
        _refuse(400, f"Invalid value: '{body['voice']}'. Supported values are: 'alloy'…")
    if not 0.25 <= body.get("speed", 1.0) <= 4.0:
        _refuse(400, "speed must be between 0.25 and 4.0")
    assert body["response_format"] == "pcm", "this server has no encoder"
    return Answer("audio/pcm", _sound(server, "openai", body["input"], body.get("speed", 1.0)))


# -- GLM -----------------------------------------------------------------------------------------


def _glm_ears(server: Any, request: Any) -> Answer:
    _check_bearer(server, request, code="1000")
    form = request.form
    if len(form["file"]) > _FILE_BYTES:
        _refuse(400, "文件大小超过限制", code="1214")
    heard = hear(form["file"])
    if heard.seconds > 30:
        _refuse(400, "音频时长不能超过30秒", code="1214")
    return _json({"id": "1", "model": form["model"].decode(), "text": heard.words})


def _glm_mouth(server: Any, request: Any) -> Answer:
    _check_bearer(server, request, code="1000")
    body = request.json
    if not 0 < len(body["input"]) <= 1024:
        _refuse(400, "input 长度不能超过1024", code="1214")
    if body.get("voice", "tongtong") not in VOICES["glm"]:
        _refuse(400, "voice 参数非法", code="1214")
    if not 0.5 <= body.get("speed", 1.0) <= 2.0:
        _refuse(400, "speed 参数非法", code="1214")
    if body.get("stream") and body.get("response_format", "pcm") != "pcm":
        _refuse(400, "流式仅支持pcm", code="1214")
    assert body["stream"] and body.get("encode_format", "base64") == "base64"
    return Answer("text/event-stream", _glm_events(server, body))


def _glm_events(server: Any, body: dict[str, Any]) -> Iterator[bytes]:
    rate = server.glm_rate
    sound = _sound(server, "glm", body["input"], body.get("speed", 1.0), rate)
    for place, pcm in enumerate(sound):
        delta = {"role": "assistant", "content": base64.b64encode(pcm).decode()}
        delta |= {"return_sample_rate": rate, "return_format": "pcm"}
        yield _event({"id": "1", "choices": [{"index": place, "delta": delta}]})
    yield _event({"id": "1", "choices": [{"index": 0, "finish_reason": "stop", "delta": {}}]})
    yield b"data: [DONE]\n\n"


# -- xAI -----------------------------------------------------------------------------------------


def _xai_ears(server: Any, request: Any) -> Answer:
    _check_bearer(server, request)
    form = request.form
    if not form or list(form)[-1] != "file":
        _refuse(400, "The file must come after all other fields")
    if form.get("format") == b"true" and "language" not in form:
        _refuse(400, "format needs language")
    heard = hear(form["file"])
    return _json({"text": heard.words, "language": "en", "duration": heard.seconds, "words": []})


def _xai_mouth(server: Any, request: Any) -> Answer:
    _check_bearer(server, request)
    body = request.json
    if not 0 < len(body["text"]) <= 15_000 or not body.get("language"):
        _refuse(400, "text and language are required")
    if body.get("voice_id", "eve") not in VOICES["xai"]:
        _refuse(404, "Voice not found")
    wanted = body.get("output_format", {})
    assert wanted == {"codec": "pcm", "sample_rate": RATE}, "this server has no encoder"
    return Answer("audio/pcm", _sound(server, "xai", body["text"], body.get("speed", 1.0)))


# -- Gemini --------------------------------------------------------------------------------------


def _gemini(server: Any, request: Any) -> Answer:
    if request.headers.get("x-goog-api-key") != server.key:
        _refuse(400, "API key not valid. Please pass a valid API key.", code="INVALID_ARGUMENT")
    model, _, method = request.path.removeprefix("/v1beta/models/").partition(":")
    if method != "streamGenerateContent?alt=sse":
        _refuse(404, "this server only streams", code="NOT_FOUND")
    return (_gemini_mouth if model.endswith("-tts") else _gemini_ears)(server, request)


def _gemini_ears(server: Any, request: Any) -> Answer:
    parts = request.json["contents"][-1]["parts"]
    sounds = [part["inlineData"] for part in parts if "inlineData" in part]
    if len(request.body) > 20_000_000 or len(sounds) != 1 or sounds[0]["mimeType"] != "audio/wav":
        _refuse(400, "Request contains an invalid argument.", code="INVALID_ARGUMENT")
    words = hear(base64.b64decode(sounds[0]["data"], validate=True)).words
    half = len(words) // 2
    texts: list[dict[str, Any]] = [{"text": "Somebody speaks.", "thought": True}]
    texts += [{"text": words[:half]}, {"text": words[half:] + "\n"}]
    return Answer("text/event-stream", [_candidate(part) for part in texts] + [_LAST])


def _gemini_mouth(server: Any, request: Any) -> Answer:
    body = request.json
    settings = body["generationConfig"]
    voice = settings["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"]
    if settings["responseModalities"] != ["AUDIO"] or voice not in VOICES["gemini"]:
        _refuse(400, "Request contains an invalid argument.", code="INVALID_ARGUMENT")
    words = body["contents"][0]["parts"][0]["text"]
    return Answer("text/event-stream", _gemini_events(server, words))


def _gemini_events(server: Any, words: str) -> Iterator[bytes]:
    for pcm in _sound(server, "gemini", words, 1.0):
        data = base64.b64encode(pcm).decode()
        kind = f"audio/L16;codec=pcm;rate={RATE}"
        yield _candidate({"inlineData": {"mimeType": kind, "data": data}})
    yield _LAST


def _candidate(part: dict[str, Any]) -> bytes:
    content = {"role": "model", "parts": [part]}
    return _event({"candidates": [{"content": content, "index": 0}], "responseId": "r1"})


# -- sound ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Heard:
    """What is in a WAV file."""

    seconds: float
    """Of the whole file."""
    loud_s: float
    """From the first loud sample to the last."""
    hertz: float
    """How often the loud part crosses zero upwards."""

    @property
    def words(self) -> str:
        """Deterministic: to a tenth of a second, and to ten hertz."""
        return f"heard {self.loud_s:.1f} s at {round(self.hertz, -1):.0f} Hz"


def hear(file: bytes) -> Heard:
    """Measure a WAV file of PCM16 mono.

    Raises:
        Refused: It is none.
    """
    try:
        with wave.open(io.BytesIO(file)) as sound:
            shape = (sound.getnchannels(), sound.getsampwidth())
            rate = sound.getframerate()
            samples = array("h", sound.readframes(sound.getnframes()))
    except (wave.Error, EOFError, ValueError):
        shape = (0, 0)
    if shape != (1, 2):
        _refuse(400, "Invalid file format.")
    return _measure(samples, rate)


def hear_pcm(pcm: bytes) -> Heard:
    """The same for bare PCM16 mono at 24 kHz."""
    return _measure(array("h", pcm), RATE)


def _measure(samples: "array[int]", rate: int) -> Heard:
    loud = [at for at, sample in enumerate(samples) if abs(sample) > 500]
    if not loud:
        return Heard(len(samples) / rate, 0.0, 0.0)
    part = samples[loud[0] : loud[-1] + 1]
    rises = sum(a < 0 <= b for a, b in zip(part, part[1:], strict=False))
    loud_s = len(part) / rate
    return Heard(len(samples) / rate, loud_s, rises / loud_s)


def tone(ms: int, hertz: int = 440, rate: int = RATE) -> bytes:
    """PCM16 mono."""
    step = 2 * math.pi * hertz / rate
    samples = (round(9000 * math.sin(at * step)) for at in range(rate * ms // 1000))
    return array("h", samples).tobytes()


def _sound(server: Any, vendor: str, words: str, speed: float, rate: int = RATE) -> Iterator[bytes]:
    """The tone for a text, piece by piece."""
    if server.silent:
        return
    pcm = tone(round(len(words) * MS_PER_CHARACTER / speed), PITCH[vendor], rate)
    yield from (pcm[at : at + _PIECE] for at in range(0, len(pcm), _PIECE))


# -- HTTP ----------------------------------------------------------------------------------------


def _check_bearer(server: Any, request: Any, code: str = "invalid_api_key") -> None:
    if server.key and request.headers.get("authorization") != f"Bearer {server.key}":
        _refuse(401, "Incorrect API key provided.", code=code)


def _refuse(status: int, message: str, **more: str) -> NoReturn:
    raise Refused(status, json.dumps({"error": {"message": message, **more}}).encode())


def _json(value: dict[str, Any]) -> Answer:
    return Answer("application/json", [json.dumps(value).encode()])


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\r\n\r\n"


_LAST = _event({"candidates": [{"finishReason": "STOP", "index": 0}], "usageMetadata": {}})
