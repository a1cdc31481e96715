"""What a new line is told before it greets."""

import asyncio

from tests.connection.test_connection import Plain
from tests.tools.bench import environment
from voicechat.audio.engine import Engine
from voicechat.config.schema import McpSection, ToolSection
from voicechat.connection.handover import TOOLS_WAIT_S, apply_environment, apply_history
from voicechat.conversation.conversation import Conversation
from voicechat.providers.base import HistoryEntry, Settings
from voicechat.providers.openai.dialect import OpenAIDialect
from voicechat.tools import Toolbox


def test_the_past_is_told_without_what_no_model_has_got_yet() -> None:
    dialect, conversation = OpenAIDialect(Settings("m", instructions="Be kind.")), Conversation()
    conversation.typed("msg_1", "hello")
    conversation.typed("msg_2", "are you there?")
    apply_history(dialect, conversation, {"msg_2"}, hands_free=True, handle="h")
    told = dialect.settings
    assert told.history == (HistoryEntry("user", "hello"),)
    assert told.hands_free and told.resume == "h" and told.instructions == "Be kind."


async def test_tools_are_offered_to_those_who_can_call_them() -> None:
    toolbox = Toolbox({"clock": ToolSection(("date",))}, {}, environment())
    able = OpenAIDialect(Settings("m"))
    engine = Engine(None)
    await engine.run(lambda chunk: None)
    await asyncio.wait_for(apply_environment(able, engine, toolbox), 20)
    assert [tool.name for tool in able.settings.tools] == ["clock"]
    assert not able.settings.text_only, "no sound was asked for: that is for the settings to say"


async def test_who_can_call_no_tools_does_not_wait_for_them() -> None:
    section = McpSection(command=("sleep", "60"))
    unable = Plain(Settings("m"))
    engine = Engine(None)
    await engine.run(lambda chunk: None)
    toolbox = Toolbox({}, {"slow": section}, environment())
    await asyncio.wait_for(apply_environment(unable, engine, toolbox), TOOLS_WAIT_S / 2)
    assert unable.settings.tools == ()
