"""Notices of a call, where they are really made, in the Chinese interface."""

from tests.front.chinese import in_chinese
from voicechat.audio.card.portaudio import KINDS
from voicechat.session.state.watchdog import ANSWER_S, Watchdog


def test_a_notice_of_the_call_is_told_in_chinese() -> None:
    watchdog = Watchdog("OpenAI")
    watchdog.asked(0.0)
    notice = watchdog.look(ANSWER_S, -20.0)
    assert notice is not None
    assert in_chinese(notice.message) == "OpenAI 在 20 秒内没有回答，可能过载；按 F5 再问一次"


def test_a_device_has_a_chinese_name() -> None:
    assert [in_chinese(name) for name in KINDS.values()] == ["麦克风", "扬声器"]
