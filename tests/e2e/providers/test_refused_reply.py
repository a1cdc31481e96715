"""A reply that the server refuses ends the question at once, whichever server it is."""

import pytest

from tests.e2e.plain.program import Program
from tests.e2e.providers.family_calls import Member
from tests.fakes.azure_server import AzureServer
from tests.fakes.ga_server import GaServer
from tests.fakes.qwen_server import QwenServer
from tests.fakes.stepfun_server import StepfunServer
from tests.fakes.xai_server import XaiServer

MEMBERS = {
    "openai": Member(GaServer, "gpt-realtime-2.1", "OPENAI_API_KEY"),
    "azure": Member(AzureServer, "azure/my-voice", "AZURE_OPENAI_API_KEY"),
    "qwen": Member(QwenServer, "qwen3.5-omni-flash-realtime", "DASHSCOPE_API_KEY"),
    "stepfun": Member(StepfunServer, "stepaudio-2.5-realtime", "STEPFUN_API_KEY"),
    "xai": Member(XaiServer, "grok-voice-latest", "XAI_API_KEY"),
}


@pytest.mark.parametrize("provider", MEMBERS)
async def test_a_refused_reply_is_told_as_the_failure_it_is(
    program: Program, provider: str
) -> None:
    member = MEMBERS[provider]
    async with member.server("refused_replies") as server:
        done = await member.call(program, server, "--json")
    assert done.code == 1
    [ended] = done.of("reply_done")
    assert (ended["status"], ended["code"]) == ("failed", "server_error")
    assert done.complaints == ["voicechat: The model is not well."]
    assert server.violations == []
