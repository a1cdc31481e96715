"""How one chat service wants some fields to be, as far as its host or its refusals tell.

Rule: pure.  A refusal that names a field is a lesson, learnt once; the question is asked again.
"""

import re
from dataclasses import dataclass
from typing import Any

_NO_TOOLS = re.compile(
    r"(?i)not support\w* (the )?(tool|function)|(tool|function)\w*( calls?| calling| use| choice)?"
    r"\W{0,3}(is|are)? ?(not support|unsupported|requires)"
)
_NO_PICTURES = re.compile(r"(?i)image|picture|vision|multi-?modal|图片|图像|must be a string")
_OPENAI = ("openai.com", "azure.com")
_GLM = ("bigmodel.cn", "z.ai")
"""Their models think for seconds before each answer unless told not to; a talk cannot wait."""


@dataclass(slots=True)
class ChatWays:
    """What is known of one service and model."""

    host: str
    limit_name: str = "max_tokens"
    takes_tools: bool = True
    sees: bool = True
    thinks: bool = True
    """Whether it may be told not to think."""
    counts: bool = True
    """Whether it may be asked how many tokens an answer cost."""

    def __post_init__(self) -> None:
        if self.host.endswith(_OPENAI):
            self.limit_name = "max_completion_tokens"
        self.thinks = self.host.endswith(_GLM)

    def extras(self, max_tokens: int | None) -> dict[str, Any]:
        """Fields that differ from service to service."""
        fields: dict[str, Any] = {}
        if max_tokens is not None:
            fields[self.limit_name] = max_tokens
        if self.thinks:
            fields["thinking"] = {"type": "disabled"}
        if self.counts:
            fields["stream_options"] = {"include_usage": True}
        return fields

    def learn(self, refusal: str, body: dict[str, Any]) -> bool:
        """Whether the refusal of this body says how to ask better; each lesson comes once."""
        if self.limit_name == "max_tokens" in body and "max_completion_tokens" in refusal:
            self.limit_name = "max_completion_tokens"
        elif "stream_options" in body and "stream_options" in refusal:
            self.counts = False
        elif "thinking" in body and "thinking" in refusal:
            self.thinks = False
        elif "tools" in body and _NO_TOOLS.search(refusal):
            self.takes_tools = False
        else:
            return False
        return True

    def is_about_pictures(self, refusal: str, body: dict[str, Any]) -> bool:
        """Whether it refused because it was shown a picture."""
        return "image_url" in str(body["messages"]) and bool(_NO_PICTURES.search(refusal))
