"""A provider's whole house over HTTPS: chat, speech to text and text to speech at one address.

It is the stand-in for chat services, which hands what is about speech to the stand-in for that.
"""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.fakes import http_speech_vendors as speech
from tests.fakes.http_chat import HttpChatServer, Request
from tests.fakes.http_chat_answers import Step
from tests.fakes.http_chat_check import Refused
from tests.fakes.http_chat_script import Script
from tests.fakes.http_speech import Request as SpeechRequest

KEY = "sk-canary-0123456789abcdefCANARY"
"""Must never be seen anywhere but in the environment."""
_SPEECH = ("/v1/audio/", "/v1/stt", "/v1/tts")
_GEMINI_SPEECH = ("gemini-3.5-flash-lite", "-tts")


class Vendor(HttpChatServer):
    """See `HttpChatServer`; `spoken` and `heard` hold what its mouth and its ears were asked."""

    def __init__(self, key: str = KEY, *, tls: bool = False) -> None:
        super().__init__(key, tls=tls)
        self.silent, self.glm_rate = False, 24_000
        self.deaf_with = 0
        """Status of its ears' answers instead of words; 200: there are none in it."""
        self.deaf_words = "Out of order."

    def steps(self, request: Request) -> tuple[str, Script, Iterator[Step]]:
        if self._failures or not _is_about_speech(request):
            return super().steps(request)
        if self.deaf_with and request.path.endswith("/transcriptions"):
            said = {"error": {"message": self.deaf_words}}
            raise Refused(self.deaf_with, {"text": ""} if self.deaf_with == 200 else said)
        asked = SpeechRequest(request.path, request.headers, request.body)
        try:
            answer = speech.answer(self, asked)
        except speech.Refused as refused:
            raise Refused(refused.status, refused.body, refused.headers) from None
        except (AssertionError, LookupError, ValueError) as error:
            text = f"This request is not what such a service is sent: {error!r}"
            raise Refused(400, {"error": {"message": text}}) from None
        return answer.kind, Script(), (Step(piece) for piece in answer.pieces)

    @property
    def questions(self) -> list[Request]:
        """What the chat service was asked, in order."""
        posts = (request for request in self.requests if request.method == "POST")
        return [request for request in posts if not _is_about_speech(request)]

    @property
    def spoken(self) -> list[str]:
        """What its mouth was given to say."""
        asked = (json.loads(one.body) for one in self.requests if one.path.endswith("/speech"))
        return [body["input"] for body in asked]

    @property
    def heard(self) -> list[Request]:
        """What its ears were given to write down."""
        return [one for one in self.requests if one.path.endswith("/transcriptions")]

    @property
    def keys(self) -> set[str]:
        """Every key that was ever shown to it."""
        names = ("authorization", "api-key", "x-goog-api-key")
        shown = (one.headers.get(name, "") for one in self.requests for name in names)
        return {key.removeprefix("Bearer ") for key in shown if key}


def _is_about_speech(request: Request) -> bool:
    path = urlsplit(request.path).path
    model = path.removeprefix("/v1beta/models/").partition(":")[0]
    return path.startswith(_SPEECH) or (model != path and model.endswith(_GEMINI_SPEECH))
