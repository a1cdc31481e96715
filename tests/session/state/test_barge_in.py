"""Which sounds of the user interrupt a reply, without a clock."""

import pytest

from voicechat.events import (
    Event,
    InputFailed,
    InputTranscript,
    SpeechStarted,
    SpeechStopped,
    TurnCommitted,
)
from voicechat.session.state.barge_in import LONGEST_FILLER_S, WAIT_S, Act, BargeInFilter, has_words

A, B = "item_a", "item_b"


class Call:
    """Events at times, and what they called for."""

    def __init__(self, *, is_replying: bool = True) -> None:
        self.rule = BargeInFilter()
        self.is_replying = is_replying

    def at(self, now: float, *events: Event) -> list[Act]:
        acts = [*self.rule.tick(now)]
        for event in events:
            acts += self.rule.on_event(event, now, is_replying=self.is_replying)
        return acts


def said(text: str, item_id: str = A, *, final: bool = True) -> InputTranscript:
    return InputTranscript(item_id, text, final=final)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "...",
        "Mm-hmm.",
        "mhm",
        "Mmm",
        "Uh-huh!",
        "uhuh",
        "um",
        "Hmm?",
        "Oh.",
        "Ah, ah",
        "嗯。",
        "嗯嗯",
        "哦，嗯",
        "呃……",
        "うん",
        "음",
        "ähm",
        "[cough]",
        "(coughs)",
        "（咳嗽）",
        "*laughs* mm",
        "♪",
    ],
)
def test_listening_noises_are_no_words(text: str) -> None:
    assert not has_words(text)


@pytest.mark.parametrize(
    "text",
    [
        "Stop",
        "no",
        "mm, wait",
        "um what",
        "yes",
        "等一下",
        "嗯，不对",
        "好",
        "4",
        "ちょっと",
        "hum a song",
    ],
)
def test_everything_else_is_words(text: str) -> None:
    assert has_words(text)


def test_words_cut_the_reply_and_are_answered() -> None:
    call = Call()
    assert call.at(0, SpeechStarted(A)) == ["duck"]
    assert call.at(0.8, SpeechStopped(A), TurnCommitted(A)) == []
    assert call.at(1.2, said("Wait a moment")) == ["cut", "go_on", "answer"]
    assert call.at(9) == []


def test_a_listening_noise_lets_the_reply_go_on_and_is_not_answered() -> None:
    call = Call()
    assert call.at(0, SpeechStarted(A)) == ["duck"]
    assert call.at(0.4, SpeechStopped(A), TurnCommitted(A)) == []
    assert call.at(0.9, said("Mm-hmm.")) == ["go_on"]
    assert call.at(9) == []


def test_a_cough_without_any_words_lets_the_reply_go_on_after_a_second() -> None:
    call = Call()
    call.at(0, SpeechStarted(A))
    call.at(0.3, SpeechStopped(A), TurnCommitted(A))
    assert call.at(0.3 + WAIT_S - 0.1) == []
    assert call.rule.is_undecided
    assert call.at(0.3 + WAIT_S) == ["go_on"]
    assert not call.rule.is_undecided


def test_words_that_come_after_the_reply_went_on_still_cut_it() -> None:
    call = Call()
    call.at(0, SpeechStarted(A))
    call.at(0.3, SpeechStopped(A), TurnCommitted(A))
    assert call.at(2) == ["go_on"]
    assert call.at(2.5, said("Stop")) == ["cut", "answer"]


def test_words_before_the_turn_is_committed_cut_at_once_and_are_answered_then() -> None:
    call = Call()
    call.at(0, SpeechStarted(A))
    assert call.at(0.5, said("mm", final=False)) == []
    assert call.at(0.7, said("wait", final=False)) == ["cut", "go_on"]
    assert call.at(1.0, SpeechStopped(A), TurnCommitted(A)) == ["answer"]
    assert call.at(1.3, said("mm wait")) == []


def test_speech_longer_than_any_noise_cuts_without_words() -> None:
    call = Call()
    call.at(0, SpeechStarted(A))
    assert call.at(LONGEST_FILLER_S - 0.1) == []
    assert call.at(LONGEST_FILLER_S) == ["cut", "go_on"]
    assert call.at(4, SpeechStopped(A), TurnCommitted(A)) == ["answer"]
    assert call.at(5, said("")) == []


def test_what_nobody_talks_over_is_answered_at_once() -> None:
    call = Call(is_replying=False)
    assert call.at(0, SpeechStarted(A)) == []
    assert call.at(1, SpeechStopped(A)) == []
    assert call.at(1.1, TurnCommitted(A)) == ["answer"]
    assert call.at(1.2, TurnCommitted(A)) == []
    call.is_replying = True
    assert call.at(1.6, said("Hello")) == []


def test_a_noise_at_the_very_end_of_a_reply_is_an_answer_to_it() -> None:
    call = Call()
    call.at(0, SpeechStarted(A))
    call.at(0.4, SpeechStopped(A), TurnCommitted(A))
    call.is_replying = False
    assert call.at(0.8, said("嗯")) == ["cut", "go_on", "answer"]


def test_nothing_at_all_is_never_answered() -> None:
    call = Call()
    call.at(0, SpeechStarted(A))
    call.at(0.4, SpeechStopped(A), TurnCommitted(A))
    call.is_replying = False
    assert call.at(0.8, said("[noise]")) == ["go_on"]


def test_what_could_not_be_written_down_is_no_interruption() -> None:
    call = Call()
    call.at(0, SpeechStarted(A))
    call.at(0.4, SpeechStopped(A), TurnCommitted(A))
    assert call.at(0.6, InputFailed(A, "too noisy")) == ["go_on"]


def test_two_noises_in_a_row_duck_once_and_both_are_waited_for() -> None:
    call = Call()
    assert call.at(0, SpeechStarted(A)) == ["duck"]
    call.at(0.3, SpeechStopped(A), TurnCommitted(A))
    assert call.at(0.6, SpeechStarted(B)) == []
    assert call.at(0.8, said("mm")) == []
    call.at(0.9, SpeechStopped(B), TurnCommitted(B))
    assert call.at(1.2, said("stop", B)) == ["cut", "go_on", "answer"]


def test_the_words_of_an_earlier_noise_do_not_speak_for_a_later_one() -> None:
    call = Call()
    call.at(0, SpeechStarted(A))
    call.at(0.3, SpeechStopped(A), TurnCommitted(A))
    call.at(0.6, SpeechStarted(B))
    assert call.at(0.8, said("stop", A)) == ["cut", "go_on", "answer"]
    call.at(0.9, SpeechStopped(B), TurnCommitted(B))
    assert call.at(1.1, said("now", B)) == ["cut", "answer"]


def test_providers_that_name_the_item_late_or_never_are_understood() -> None:
    call = Call()
    call.at(0, SpeechStarted())
    call.at(0.3, SpeechStopped())
    assert call.at(0.4, TurnCommitted(A), said("stop")) == ["cut", "go_on", "answer"]


def test_dropping_gives_the_loudness_back_and_forgets() -> None:
    call = Call()
    call.at(0, SpeechStarted(A))
    assert call.rule.drop() == ["go_on"]
    assert call.rule.drop() == []
    assert call.at(0.4, SpeechStopped(A), TurnCommitted(A), said("stop")) == []


def test_typed_or_spoken_events_of_others_change_nothing() -> None:
    call = Call()
    assert call.at(0, said("stop", "msg_1"), TurnCommitted("x"), SpeechStopped("y")) == []


def test_a_provider_that_never_ends_its_turns_costs_no_memory() -> None:
    call = Call(is_replying=False)
    for n in range(1000):
        call.at(n, SpeechStarted(f"item_{n}"))
    assert len(call.rule._open) <= 16
