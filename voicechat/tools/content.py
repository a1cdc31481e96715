"""What a server of tools answered, as text: a model that hears and speaks reads nothing else."""

import json
from typing import TYPE_CHECKING, Any

from voicechat.tools.offer import Answer, cut_bytes

if TYPE_CHECKING:
    from mcp.types import CallToolResult


def read_result(result: "CallToolResult") -> Answer:
    """Texts joined; pictures, sounds and files named by kind and size.

    The structured content counts only where there is no other (specification, Tools, Structured
    Content: a server puts the same into a text).
    """
    parts = [_describe(block) for block in result.content]
    if not parts and result.structured_content is not None:
        parts = [json.dumps(result.structured_content, ensure_ascii=False)]
    text = "\n".join(part for part in parts if part)
    return Answer(cut_bytes(text.encode("utf-8", "replace")), bool(result.is_error))


def _describe(block: Any) -> str:
    match block.type:
        case "text":
            return str(block.text)
        case "image":
            return f"[a picture, {block.mime_type}, {_size(block.data)}]"
        case "audio":
            return f"[a sound, {block.mime_type}, {_size(block.data)}]"
        case "resource_link":
            return f"[a link: {block.name}, {block.uri}]"
        case "resource":
            return _describe_resource(block.resource)
        case other:
            return f"[something of the kind {other}]"


def _describe_resource(resource: Any) -> str:
    text = getattr(resource, "text", None)
    if text is not None:
        return str(text)
    kind = resource.mime_type or "unknown kind"
    return f"[a file: {resource.uri}, {kind}, {_size(getattr(resource, 'blob', ''))}]"


def _size(base64: str) -> str:
    return f"{-(-len(base64) * 3 // 4 // 1024)} kB"
