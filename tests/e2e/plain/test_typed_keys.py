"""Keys among the lines of stdin: nobody can be asked, so they are not sent and kept nowhere."""

import pytest

from tests.e2e.plain.program import Program, sent_to
from tests.fakes.ga_server import GaServer

PASTED = "sk-proj-CanaryPasted0123456789AbCdEf"
GLM = "0123456789abcdef0123456789abcdef.CanaryGlmKey4711"
BARE = "Zk3Xq9LmT7vBn2RwYc5HdJ8sKf4GpA6e"

LINES = {
    PASTED: "[providers.openai], or into OPENAI_API_KEY",
    f"//my key is {PASTED}": "[providers.openai], or into OPENAI_API_KEY",
    f"/image cat.png {PASTED}": "[providers.openai], or into OPENAI_API_KEY",
    f"/screen {PASTED[:12]}\u200b{PASTED[12:]}": "[providers.openai], or into OPENAI_API_KEY",
    f"我的密钥是{GLM}。": "[providers.glm], or into ZHIPUAI_API_KEY",
    f"DASHSCOPE_API_KEY={BARE}": "[providers.qwen], or into DASHSCOPE_API_KEY",
    BARE: "[providers.openai], or into OPENAI_API_KEY",
    f"gsk_{BARE}": "it looks like a key, which belongs into the config file",
}


@pytest.mark.fault("S15")
@pytest.mark.parametrize("options", [(), ("--json",)], ids=["plain", "json"])
async def test_a_key_is_not_sent_and_the_other_lines_are_answered(
    options: tuple[str, ...], program: Program
) -> None:
    async with GaServer("normal") as server:
        stdin = "\n".join(["hello", *LINES, "and goodbye"]) + "\n"
        trace = ("--trace", str(program.home / "trace.jsonl"))
        outcome = await program.call(server, *options, *trace, stdin=stdin)
        asked = [
            part["text"]
            for message in sent_to(server)
            if message["type"] == "conversation.item.create"
            for part in message["item"]["content"]
        ]
    assert outcome.code == 1 and asked == ["hello", "and goodbye"]
    for told in LINES.values():
        assert told in outcome.err
    for secret in (PASTED, GLM, BARE):
        assert program.holds(secret) == [] and secret not in program.config.read_text()
        assert secret not in outcome.out + outcome.err
    if options:
        notices = [event for event in outcome.of("notice") if event["code"] == "key_not_sent"]
        assert len(notices) == len(LINES)
