"""Every realtime dialect as data: its stand-in, how it is called, and what its protocol can say."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tests.e2e.plain.program import Outcome, Program
from tests.fakes import ga_script, gemini_script, glm_script, gptlive_script
from tests.fakes.azure_server import AzureServer
from tests.fakes.custom_server import CustomServer
from tests.fakes.ga_server import GaServer
from tests.fakes.gemini_server import GeminiServer
from tests.fakes.glm_server import GlmServer
from tests.fakes.gptlive_server import GptLiveServer
from tests.fakes.qwen_server import QwenServer
from tests.fakes.stepfun_server import StepfunServer
from tests.fakes.xai_server import XaiServer

JsonObject = dict[str, Any]
KEY = "0123456789abcdef0123456789abcdef.CANARYCANARYCANA"
"""Of a form that every provider takes; must never be seen anywhere but in the environment."""
LONG_MS = 8000
TOOL = "clock"

_GA = ga_script.SCRIPTS["normal"]
_GA_TOOL = (ga_script.Reply(tool=TOOL), ga_script.Reply(audio_ms=200))
_GA_LONG = (ga_script.Reply(audio_ms=LONG_MS), ga_script.Reply("Yes.", audio_ms=300))


@dataclass(frozen=True, slots=True)
class Scripts:
    """What a family's stand-in does."""

    typed: Any
    """It answers typed lines."""
    long: Any
    """Its first answer lasts `LONG_MS`, the second is short."""
    tool: Any
    """It calls `TOOL`, and its answer afterwards tells what the tool said."""


_GA_SCRIPTS = Scripts(
    _GA,
    replace(_GA, replies=_GA_LONG, pace=3.0),
    replace(_GA, replies=_GA_TOOL, recalls=True, pace=0.0),
)
_GLM_SCRIPTS = Scripts(
    glm_script.SCRIPTS["text_answers"],
    replace(
        glm_script.SCRIPTS["slow"],
        replies=(glm_script.Reply(audio_ms=LONG_MS), glm_script.Reply("Yes.", audio_ms=300)),
    ),
    replace(
        glm_script.SCRIPTS["recall"],
        replies=(glm_script.Reply(calls=(glm_script.Call(TOOL),)), glm_script.Reply()),
    ),
)
_GEMINI_SCRIPTS = Scripts(
    gemini_script.SCRIPTS["normal"],
    replace(
        gemini_script.SCRIPTS["real_time"],
        answers=(
            gemini_script.Answer(audio_ms=LONG_MS),
            gemini_script.Answer("Yes.", audio_ms=300),
        ),
        pace=3.0,
    ),
    replace(
        gemini_script.SCRIPTS["normal"],
        answers=(gemini_script.Answer(tool=TOOL, audio_ms=200),),
        recalls=True,
    ),
)
_GPTLIVE_SCRIPTS = Scripts(
    gptlive_script.SCRIPTS["normal"],
    gptlive_script.SCRIPTS["long"],
    replace(
        gptlive_script.SCRIPTS["tool"], calls=(TOOL,), arguments='{"zone": "UTC"}', recalls=True
    ),
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One provider, at its stand-in."""

    server: Any
    model: str
    key_env: str
    scripts: Scripts = _GA_SCRIPTS
    config: str = ""
    cut_by: tuple[str, ...] = ()
    """What the client says when a voice cuts a reply: all that this protocol can be told."""
    warns: bool = False
    """Whether the user is told that the model will believe that all was heard."""
    yields: bool = False
    """Whether the model falls silent by itself, so that nobody measures where."""
    shows_picture: str = ""
    """The kind of message with a picture in it; empty: the model sees none."""
    reads: bool = True
    """Whether typed lines are sent to it."""
    env: Mapping[str, str] = field(default_factory=dict)

    @asynccontextmanager
    async def serving(self, script: Any) -> AsyncIterator[Any]:
        """Its stand-in, which must have had nothing to complain of."""
        async with self.server(script, api_key=KEY) as server:
            yield server
            assert server.violations == []

    def options(self, server: Any) -> tuple[str, ...]:
        return ("--plain", "--json", "--model", self.model, "--url", server.url)

    def environ(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        return {self.key_env: KEY, **self.env, **(extra or {})}

    def configure(self, program: Program, *sections: str) -> None:
        program.config.write_text("\n".join((self.config, *sections)))

    async def run(self, program: Program, server: Any, *options: str, stdin: str = "") -> Outcome:
        """The program from its start to its end."""
        wanted = (*self.options(server), *options)
        done = await program.run(*wanted, stdin=stdin, env=self.environ())
        assert KEY not in done.out + done.err and program.holds(KEY) == []
        assert "Traceback" not in done.err and "internal error" not in done.err
        return done


_TRUNCATE = ("conversation.item.truncate",)
_CANCEL = ("response.cancel",)
_ITEM = "conversation.item.create"

DIALECTS = {
    "openai": Dialect(
        GaServer, "gpt-realtime-2.1", "OPENAI_API_KEY", cut_by=_TRUNCATE, shows_picture=_ITEM
    ),
    "azure": Dialect(
        AzureServer,
        "azure/my-voice",
        "AZURE_OPENAI_API_KEY",
        cut_by=_TRUNCATE,
        shows_picture=_ITEM,
    ),
    "custom": Dialect(
        CustomServer,
        "custom/kitchen",
        "MY_KEY",
        config='[providers.custom]\napi_key_env = "MY_KEY"',
        cut_by=_TRUNCATE,
        shows_picture=_ITEM,
    ),
    "xai": Dialect(
        XaiServer, "xai/grok-voice-latest", "XAI_API_KEY", cut_by=(*_CANCEL, *_TRUNCATE)
    ),
    "stepfun": Dialect(
        StepfunServer,
        "stepfun/stepaudio-2.5-realtime",
        "STEPFUN_API_KEY",
        cut_by=_CANCEL,
        warns=True,
    ),
    "qwen": Dialect(
        QwenServer,
        "qwen/qwen3.5-omni-flash-realtime",
        "DASHSCOPE_API_KEY",
        cut_by=_CANCEL,
        warns=True,
        shows_picture="input_image_buffer.append",
    ),
    "glm": Dialect(
        GlmServer,
        "glm/glm-realtime-flash",
        "ZHIPUAI_API_KEY",
        _GLM_SCRIPTS,
        cut_by=_CANCEL,
        warns=True,
        shows_picture="input_audio_buffer.append_video_frame",
    ),
    "gemini": Dialect(
        GeminiServer,
        "gemini",
        "GEMINI_API_KEY",
        _GEMINI_SCRIPTS,
        warns=True,
        shows_picture="clientContent",
    ),
    "gptlive": Dialect(
        GptLiveServer,
        "gpt-live-1",
        "OPENAI_API_KEY",
        _GPTLIVE_SCRIPTS,
        yields=True,
        reads=False,
    ),
}


def received(server: Any) -> list[JsonObject]:
    """The entries of what the client sent, in order."""
    found: list[JsonObject] = server.log.directions("in")
    return found


def kinds(server: Any) -> list[str]:
    return [entry["type"] for entry in received(server)]


def hears(server: Any) -> bool:
    """Whether sound has come."""
    return any(
        kind.endswith(("audio_buffer.append", "audio", "audio.append")) for kind in kinds(server)
    )


class Listener:
    """Follows the program's events while it runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.events: list[JsonObject] = []
        self._process = process
        self._task = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.events.append(json.loads(line))

    def of(self, name: str) -> list[JsonObject]:
        return [event for event in self.events if event["event"] == name]

    async def end(self) -> None:
        """Until the program has said everything; it must be ending."""
        await asyncio.wait_for(self._task, 30)


async def until(holds: Any, what: str, seconds: float = 40.0) -> None:
    """Poll until a condition holds.  AssertionError with `what` when it does not in time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not holds():
        assert loop.time() < end, f"{what} did not happen within {seconds:g} s"
        await asyncio.sleep(0.02)
