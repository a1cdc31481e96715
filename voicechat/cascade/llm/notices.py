"""What the built-in parts say for themselves, in the language of the conversation."""

import re
from collections.abc import Mapping

_CHINESE = re.compile("[\u3400-\u9fff]")

ECHO: Mapping[str, str] = {
    "en": "This is only the built-in echo, not an AI. To talk to a real model, set"
    " OPENAI_API_KEY or start Ollama; see: voicechat models.",
    "zh": "这只是内置的回声，不是人工智能。要和真正的模型对话，请设置 OPENAI_API_KEY"
    " 或启动 Ollama；详见 voicechat models。",
}
OWN_VOICE: Mapping[str, str] = {
    "en": "(your own voice, {:.1f} s)",
    "zh": "（你自己的声音，{:.1f} 秒）",
}


def say(notice: Mapping[str, str], language: str, text: str) -> str:
    """The notice in the language (ISO 639-1) of the conversation, or of the user's text."""
    is_chinese = language.startswith("zh") or _CHINESE.search(text)
    return notice["zh" if is_chinese else "en"]
