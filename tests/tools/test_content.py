"""Answers of servers, of every kind that the protocol knows."""

import base64

from mcp.types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from voicechat.tools.content import read_result
from voicechat.tools.offer import Answer

DATA = base64.b64encode(bytes(5000)).decode()


def test_texts_are_joined_and_all_else_is_named() -> None:
    result = CallToolResult(
        content=[
            TextContent(text="one"),
            ImageContent(data=DATA, mime_type="image/png"),
            AudioContent(data=DATA, mime_type="audio/wav"),
            ResourceLink(name="notes", uri="file:///notes"),
            EmbeddedResource(resource=TextResourceContents(uri="file:///a", text="two")),
            EmbeddedResource(resource=BlobResourceContents(uri="file:///b", blob=DATA)),
            TextContent(text=""),
        ]
    )
    assert read_result(result).output.splitlines() == [
        "one",
        "[a picture, image/png, 5 kB]",
        "[a sound, audio/wav, 5 kB]",
        "[a link: notes, file:///notes]",
        "two",
        "[a file: file:///b, unknown kind, 5 kB]",
    ]


def test_structured_content_counts_only_alone() -> None:
    structured = {"city": "Tromsø"}
    alone = CallToolResult(content=[], structured_content=structured)
    assert read_result(alone) == Answer('{"city": "Tromsø"}')
    both = CallToolResult(content=[TextContent(text="cold")], structured_content=structured)
    assert read_result(both) == Answer("cold")
    assert read_result(CallToolResult(content=[])) == Answer("")


def test_an_error_stays_one() -> None:
    result = CallToolResult(content=[TextContent(text="no disk")], is_error=True)
    assert read_result(result) == Answer("no disk", is_error=True)


def test_a_long_answer_is_cut() -> None:
    output = read_result(CallToolResult(content=[TextContent(text="ü" * 20_000)])).output
    assert output.startswith("ü" * 8000) and output.endswith("longer than 16 kB]")
    assert len(output.encode()) < 16_500
