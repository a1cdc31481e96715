"""Single messages to the server: typed words, pictures, tools and their answers.

Source: the Realtime guide on text, image input (base64 data URIs only) and function calling.
"""

import json

from voicechat.events import SendImage, SendToolResult, Tool
from voicechat.providers.audio_fields import encode
from voicechat.providers.json_fields import JsonObject
from voicechat.text.clean import clean


def text_part(words: str) -> JsonObject:
    return {"type": "input_text", "text": clean(words)}


def user_message(item_id: str, content: list[JsonObject]) -> JsonObject:
    """Something the user says at once, as one item of the conversation."""
    item = {"id": item_id, "type": "message", "role": "user", "content": content}
    return {"type": "conversation.item.create", "item": item}


def picture_message(picture: SendImage) -> JsonObject:
    """A picture as an item, behind the words that go with it, if any."""
    url = f"data:{picture.mime};base64,{encode(picture.data)}"
    words = [text_part(picture.text)] if picture.text else []
    return user_message(picture.item_id, [*words, {"type": "input_image", "image_url": url}])


def flat_tool(tool: Tool) -> JsonObject:
    """A function as the Realtime API lists it."""
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }


def nested_tool(tool: Tool) -> JsonObject:
    """A function as the Chat Completions API lists it, and some of the family do here too."""
    flat = flat_tool(tool)
    return {"type": flat.pop("type"), "function": flat}


def tool_output(result: SendToolResult) -> str:
    """The text of a tool's answer; the protocol has no field for its failure."""
    words = clean(result.output)
    return json.dumps({"error": words}, ensure_ascii=False) if result.is_error else words


def tool_answer(call_id: str, output: str) -> JsonObject:
    item = {"type": "function_call_output", "call_id": call_id, "output": output}
    return {"type": "conversation.item.create", "item": item}
