"""An ordinary chat model by voice, with a real sound server: heard, written, spoken, cut."""

import re

import pytest

from tests.e2e.http.gateway import Gateway
from tests.e2e.http.vendor import KEY, Vendor
from tests.e2e.voice.conftest import Stage, Voice
from tests.e2e.voice.listening import is_quiet, loud_ms
from tests.e2e.voice.service import server
from tests.fakes.http_chat import Script
from tests.fakes.pulse import wait_until
from tests.fakes.terminal import Terminal, check_after

# Speech, since a steady tone may be taken for noise; a busy machine stretches it.
pytestmark = [pytest.mark.sound, pytest.mark.terminal]

PARTS = '[providers.chat]\nears_model = "whisper-1"\nmouth_model = "tts-1"\napi_key_env = "MINE"\n'
FIRST, SECOND = "This is the first sentence. ", "And here is the second one."
MS_PER_CHARACTER = 60
"""How long the stand-in's mouth is about one."""


def call(stage: Stage, vendor: Vendor, *options: str) -> Terminal:
    """The program on the line to a chat model of the user's own, its microphone open."""
    (stage.home / "config.toml").write_text(PARTS)
    wanted = ("--model", "chat/chat-1", "--url", vendor.url, "--voice", "alloy", *options)
    terminal = stage.start(*wanted, MINE=KEY)
    ready = "LIVE, hands-free" if "--hands-free" in options else "- ready"
    terminal.wait_for(lambda text: ready in text and "connected" in text and " mic " in text, 60)
    return terminal


def leave(terminal: Terminal, stage: Stage) -> None:
    files = [stage.home / "data"]
    check_after(terminal, leave=lambda: terminal.press("ctrl+q"), canaries=[KEY], files=files)


def test_the_first_sentence_sounds_while_the_model_still_writes(
    stage: Stage, vendor: Vendor, voice: Voice
) -> None:
    vendor.script = Script([FIRST, SECOND], pause_before=1)
    terminal = call(stage, vendor)
    with stage.pulse.record_loudspeaker() as played:
        terminal.press("space")
        terminal.wait_for("LIVE: Space sends")
        stage.pulse.play_to_microphone(voice("good morning everybody"))
        terminal.press("space")
        terminal.wait_for(lambda text: re.search(r"You: heard \d\.\d s at", text))
        spoken_ms = len(FIRST.strip()) * MS_PER_CHARACTER
        wait_until(lambda: loud_ms(played.pcm) > spoken_ms - 100, "the first sentence", 30)
        (question,) = vendor.questions
        assert not question.done.is_set() and vendor.spoken == [FIRST.strip()]
        assert "the second one" not in terminal.screen_text()
        vendor.go_on.set()
        whole_ms = spoken_ms + len(SECOND) * MS_PER_CHARACTER
        wait_until(lambda: loud_ms(played.pcm) > whole_ms - 200, "the second sentence", 30)
    assert re.match(r"heard \d\.\d s at", question.json["messages"][-1]["content"])
    screen = terminal.wait_for(f"AI: {FIRST}{SECOND}")
    assert screen.index("You: heard") < screen.index("AI: This") and "cut at" not in screen
    assert vendor.keys == {KEY}
    leave(terminal, stage)


def test_the_users_voice_silences_it_and_ends_the_request(
    stage: Stage, vendor: Vendor, voice: Voice
) -> None:
    vendor.next.append(Script([f"{FIRST}{SECOND} " * 2, "Never said."], pause_before=1))
    terminal = call(stage, vendor, "--hands-free")
    with stage.pulse.record_loudspeaker() as played:
        stage.pulse.play_to_microphone(voice("good morning everybody"))
        wait_until(lambda: loud_ms(played.pcm) > 1000, "a second of the answer", 30)
        first = vendor.questions[0]
        assert not first.hung_up.is_set() and not first.done.is_set()
        stage.pulse.play_to_microphone(voice("wait a moment please"))
        assert first.hung_up.wait(20) and not first.done.is_set()
        terminal.wait_for("[cut at", 30)
        terminal.wait_for("AI: You said: heard", 60)
        wait_until(lambda: is_quiet(played.pcm, 400), "the end of the second answer", 30)
        answers_ms = loud_ms(played.pcm)
    whole_ms = len(f"{FIRST}{SECOND} " * 2) * MS_PER_CHARACTER
    assert answers_ms < whole_ms, "the first answer was played to its end"
    asked = [one["content"] for one in vendor.questions[1].json["messages"]]
    assert sum(text.startswith("heard ") for text in asked) == 2
    assert "Never said" not in str(asked), "what was not heard was not said"
    assert "Never said" not in terminal.screen_text()
    leave(terminal, stage)


def test_typing_over_an_answer_ends_its_request_too(stage: Stage, vendor: Vendor) -> None:
    vendor.next.append(Script([f"{FIRST}{SECOND} " * 2, "Never said."], pause_before=1))
    terminal = call(stage, vendor)
    with stage.pulse.record_loudspeaker() as played:
        terminal.type_text("tell me")
        terminal.press("enter")
        wait_until(lambda: loud_ms(played.pcm) > 600, "some of the answer", 30)
        terminal.press("esc")
        first = vendor.questions[0]
        assert first.hung_up.wait(20) and not first.done.is_set()
        terminal.wait_for("[cut at")
        wait_until(lambda: is_quiet(played.pcm, 400), "silence")
        terminal.type_text("and now?")
        terminal.press("enter")
        terminal.wait_for("AI: You said: and now?.", 30)
    leave(terminal, stage)


def test_what_is_said_goes_over_http_and_over_the_websocket_once_that_is_open(
    stage: Stage, vendor: Vendor, voice: Voice
) -> None:
    """Spoken while the way is still looked for, then over HTTP, then over the WebSocket."""
    (stage.home / "config.toml").write_text(
        f'[providers.openai]\nhttp_url = "{vendor.url}"\nchat_model = "chat-1"\n'
        'ears_model = "whisper-1"\nmouth_model = "tts-1"\n'
    )
    with server(stage.home) as service, Gateway("silent", service.port) as gateway:
        options = ("--model", "gpt-realtime-2.1", "--url", gateway.url, "--hands-free")
        terminal = stage.start(*options, OPENAI_API_KEY=KEY)
        terminal.wait_for(lambda text: "LIVE, hands-free" in text and "connecting" in text, 60)
        with stage.pulse.record_loudspeaker() as played:
            stage.pulse.play_to_microphone(voice("good morning everybody"))
            assert "connecting" in terminal.screen_text() and not vendor.requests
            screen = terminal.wait_for("AI: You said: heard", 90)
            wait_until(lambda: loud_ms(played.pcm) > 1000, "the answer", 30)
            assert "▒▒ HTTP ▒▒" in screen and len(vendor.questions) == 1
            gateway.open()
            terminal.press("f5")
            terminal.wait_for(lambda text: "works again" in text and "HTTP ▒▒" not in text)
            stage.pulse.play_to_microphone(voice("good evening everybody"))
            terminal.wait_for("AI: Good to hear you.", 30)
            screen = terminal.wait_for(lambda text: "< listening" in text and "me." in text, 30)
        service.check_manners()
    rows = ("You: heard", "AI: You said: heard", "You: This is what", "AI: Good to hear you.")
    assert [screen.count(row) for row in rows] == [1] * 4, screen
    assert len(vendor.questions) == 1
    leave(terminal, stage)


@pytest.mark.parametrize(
    ("language", "row", "why"),
    [
        ("en", "You: (not understood)", "I cannot hear yet: set [local] ears. Typed messages work"),
        ("zh", "（没听清）", "我还听不见：请设置 [local] ears。打字可以用"),
    ],
)
def test_a_turn_that_nobody_can_hear_says_so_on_its_row_and_why(
    stage: Stage, vendor: Vendor, voice: Voice, language: str, row: str, why: str
) -> None:
    (stage.home / "config.toml").write_text(
        f'[ui]\nlanguage = "{language}"\n[local]\nears = "none"\nmouth = "none"\n'
        '[providers.chat]\napi_key_env = "MINE"\n'
    )
    wanted = ("--model", "chat/chat-1", "--url", vendor.url)
    terminal = stage.start(*wanted, MINE=KEY)
    terminal.wait_for(lambda text: "connected" in text or "已连接" in text, 60)
    terminal.press("space")
    terminal.wait_for("LIVE")
    stage.pulse.play_to_microphone(voice("good morning everybody"))
    terminal.press("space")
    screen = terminal.wait_for(why, 30)
    assert row in screen and vendor.questions == []
    leave(terminal, stage)
