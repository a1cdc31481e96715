"""The model that comes with voicechat: OpenAI's dialect, spoken by a process of this machine.

Its address and token come with the process (`voicechat.cascade.process`); the address below is
the one to start it at by hand.
"""

from typing import ClassVar

from voicechat.providers.base import Profile, Settings
from voicechat.providers.json_fields import JsonObject, table, text
from voicechat.providers.openai.dialect import OpenAIDialect
from voicechat.text.phrase import from_json, phrase


class LocalDialect(OpenAIDialect):
    """Differs in facts, and in what the model is told of the past."""

    profile: ClassVar[Profile] = Profile(
        name="local",
        title=phrase("Local (built in)"),
        url="ws://127.0.0.1:8766/v1/realtime?model={model}",
        default_model="local",
        max_session_s=24 * 3600.0,
        pong_s=120.0,  # It is on this machine: if it is slow, so is everything.
    )

    def decode(self, message: str | bytes) -> JsonObject | str:
        """Its errors carry our own message keys beside the English: the phrases are made again."""
        content = super().decode(message)
        if isinstance(content, str):
            return content
        for path in (("error",), ("response", "status_details", "error")):
            error = table(content, *path)
            if "phrase" in error:
                error["message"] = from_json(error["phrase"], text(error, "message"))
        return content

    def briefing(self) -> Settings:
        """Whoever thinks here only writes: another part speaks, so nothing is said of speech."""
        return self.settings


DIALECT = LocalDialect
