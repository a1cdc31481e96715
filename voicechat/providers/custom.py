"""A server of one's own, or a gateway, that speaks OpenAI's realtime language more or less.

It needs an address.  What such servers leave out (an answer to the settings, ids, the end of items)
is forgiven by the dialect itself; here stands longer patience, because models warm up first.
"""

from collections.abc import Mapping
from typing import ClassVar

from voicechat.errors import ConfigError
from voicechat.providers.base import Profile
from voicechat.providers.openai.dialect import OpenAIDialect
from voicechat.providers.openai.errors import Codebook
from voicechat.providers.openai.response_state import ResponseTimeouts
from voicechat.providers.openai.session_update import Shape
from voicechat.text.phrase import phrase

_USUAL = Codebook()


class CustomDialect(OpenAIDialect):
    """One session."""

    profile: ClassVar[Profile] = Profile(
        name="custom",
        title=phrase("Your server"),
        url="wss://SERVER/v1/realtime?model={model}",
        default_model="default",
        needs_url=True,
        max_session_s=24 * 3600.0,
        pong_s=60.0,  # Small servers answer nothing while their model works.
        text_input="unsure",
        images=True,
        tools=True,
    )
    transcription_models: ClassVar[Mapping[Shape, str]] = {"ga": "whisper-1", "beta": "whisper-1"}
    codes: ClassVar[Codebook] = Codebook(
        key=_USUAL.key | {"unauthorized", "forbidden", "authentication_error", "invalid_token"},
        model=_USUAL.model | {"model_load_error"},
        benign_words=(*_USUAL.benign_words, "truncat", "cancellation failed"),
    )
    takes_past_items: ClassVar[bool] = False
    tells_rates: ClassVar[bool] = False
    patience: ClassVar[ResponseTimeouts] = ResponseTimeouts(
        opening_s=60.0, request_s=60.0, delta_s=60.0
    )
    money_page: ClassVar[str] = ""

    def url(self) -> str:
        """The address of the server.

        Raises:
            ConfigError: the user did not give one.
        """
        if not self.settings.url:
            raise ConfigError(
                phrase("There is no address for a server of your own"),
                phrase("Use --url, or set url in [providers.custom]"),
            )
        return super().url()


DIALECT = CustomDialect
