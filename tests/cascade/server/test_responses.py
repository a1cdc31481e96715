"""Whole turns with the real process: typed, spoken, cut, cancelled, asked for as text."""

import asyncio

from tests.cascade.peer import Peer, kinds, meet, silence, sound_of, speech, words_of
from tests.cascade.vendor import Vendor
from voicechat.cascade.audio import ms_of
from voicechat.cascade.options import LocalOptions
from voicechat.cascade.process import Endpoint, running
from voicechat.cascade.server.responses import ALOUD

_AUDIO_REPLY = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
]
_LONG = "This sentence is said again and again, so that it lasts. " * 60


async def test_typed_turn_is_echoed_in_sound_and_words_in_the_order_of_the_real_service(
    peer: Peer,
) -> None:
    await peer.type("first")
    events = await peer.type("Hello there.", metadata={"mine": "7"})
    assert kinds(events) == ["conversation.item.added", "conversation.item.done", *_AUDIO_REPLY]
    assert words_of(events) == "Hello there."
    assert ms_of(len(sound_of(events))) > 400
    done = events[-1]["response"]
    assert done["status"] == "completed" and done["metadata"] == {"mine": "7"}
    assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": "Hello there."}]


async def test_first_reply_says_that_it_is_only_the_echo_and_the_second_does_not(
    peer: Peer,
) -> None:
    first, second = words_of(await peer.type("Good day.")), words_of(await peer.type("Again."))
    assert first.startswith("Good day.") and "not an AI" in first and "OPENAI_API_KEY" in first
    assert second == "Again."


async def test_chinese_text_gets_the_notice_in_chinese(peer: Peer) -> None:
    assert "不是人工智能" in words_of(await peer.type("你好，世界。"))


async def test_words_of_each_sentence_come_just_before_its_sound(peer: Peer) -> None:
    await peer.type("first")
    events = await peer.type("One is here. Two is there. Three is gone.")
    order = [kind for kind in kinds(events) if kind.endswith(".delta")]
    pair = ["response.output_audio_transcript.delta", "response.output_audio.delta"]
    assert order == pair * 3


async def test_committed_voice_comes_back_as_the_very_sound_then_the_notice(peer: Peer) -> None:
    await peer.manual()
    spoken = speech()
    events = await peer.speak(silence(600) + spoken + silence(600))
    assert kinds(events)[:3] == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]
    assert words_of(events).startswith("(your own voice,") and "not an AI" in words_of(events)
    again = await peer.speak(spoken)
    assert sound_of(again)[4800:-9600] in spoken and len(sound_of(again)) > len(spoken) * 0.8


async def test_usage_counts_sound_by_time_and_text_by_length(peer: Peer) -> None:
    await peer.manual()
    usage = (await peer.speak(speech()))[-1]["response"]["usage"]
    spoken_ms = ms_of(len(speech()))
    assert usage["input_token_details"]["audio_tokens"] == -(-spoken_ms // 100)
    assert usage["output_token_details"]["audio_tokens"] > spoken_ms // 50
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


async def test_server_vad_finds_the_turn_and_answers_it(peer: Peer) -> None:
    await peer.append(silence(1000) + speech() + silence(1000))
    events = await peer.until("response.done")
    assert kinds(events)[:6] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
    ]
    started, stopped, committed = events[:3]
    assert 600 <= started["audio_start_ms"] <= 1000
    assert stopped["audio_end_ms"] > started["audio_start_ms"] + ms_of(len(speech())) * 0.8
    assert started["item_id"] == stopped["item_id"] == committed["item_id"]
    assert words_of(events).startswith("(your own voice")


async def test_vad_without_create_response_only_commits(peer: Peer) -> None:
    detection = {"type": "server_vad", "create_response": False}
    await peer.update(audio={"input": {"turn_detection": detection}})
    await peer.append(silence(300) + speech() + silence(1000))
    await peer.until("conversation.item.done")
    assert (await peer.ask("response.cancel"))["error"]["code"] == "response_cancel_not_active"


async def test_voice_of_the_user_cuts_the_reply_when_interrupting_is_on(
    vendor: Vendor,
) -> None:
    vendor.pause_before = 2
    async with running(LocalOptions(mind=vendor.url)) as endpoint, meet(endpoint) as peer:
        await peer.start_typed("Talk.")
        await peer.until("response.output_audio.delta")
        await peer.append(silence(200) + speech())
        events = await peer.until("response.done")
        assert "input_audio_buffer.speech_started" in kinds(events)
        done = events[-1]["response"]
        assert done["status"] == "cancelled"
        assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        await asyncio.wait_for(vendor.hung_up.wait(), 20)


async def test_voice_of_the_user_leaves_the_reply_alone_when_interrupting_is_off(
    vendor: Vendor,
) -> None:
    vendor.pause_before = 2
    async with running(LocalOptions(mind=vendor.url)) as endpoint, meet(endpoint) as peer:
        detection = {"type": "server_vad", "interrupt_response": False}
        await peer.update(audio={"input": {"turn_detection": detection}})
        await peer.start_typed("Talk.")
        await peer.until("response.output_audio.delta")
        await peer.append(silence(200) + speech() + silence(1000))
        refused = (await peer.until("error"))[-1]["error"]
        assert refused["code"] == "conversation_already_has_active_response"
        vendor.go_on.set()
        assert (await peer.until("response.done"))[-1]["response"]["status"] == "completed"


async def test_cancel_ends_the_reply_at_once_and_the_next_one_may_begin(peer: Peer) -> None:
    await peer.start_typed(_LONG)
    await peer.until("response.output_audio.delta")
    await peer.send("response.cancel")
    await peer.send("response.create")
    cancelled = await peer.until("response.done")
    assert kinds(cancelled)[-6:] == _AUDIO_REPLY[-6:]
    done = cancelled[-1]["response"]
    assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert done["output"][0]["status"] == "incomplete"
    assert words_of(cancelled) != _LONG
    created = await peer.next()
    assert created["type"] == "response.created"
    rest = await peer.until("response.output_audio.delta")
    assert {event["response_id"] for event in rest if "response_id" in event} == {
        created["response"]["id"]
    }


async def test_second_response_is_refused_and_names_the_first(peer: Peer) -> None:
    await peer.start_typed(_LONG)
    first = (await peer.until("response.created"))[-1]["response"]["id"]
    error = (await peer.ask("response.create"))["error"]
    assert error["code"] == "conversation_already_has_active_response"
    assert first in error["message"]


async def test_truncated_reply_loses_its_sound_and_its_transcript(peer: Peer) -> None:
    done = (await peer.type("A sentence to be cut."))[-1]["response"]
    item_id = done["output"][0]["id"]
    where = {"item_id": item_id, "content_index": 0}
    too_far = await peer.ask("conversation.item.truncate", **where, audio_end_ms=900_000)
    assert "is already shorter than 900000ms" in too_far["error"]["message"]
    told = await peer.ask(
        "conversation.item.truncate", "conversation.item.truncated", **where, audio_end_ms=250
    )
    assert told["audio_end_ms"] == 250
    got = await peer.ask(
        "conversation.item.retrieve", "conversation.item.retrieved", item_id=item_id
    )
    part = got["item"]["content"][0]
    assert part["transcript"] is None and len(part["audio"]) == 250 * 48 * 4 // 3


async def test_mind_remembers_only_the_sentences_that_were_heard(vendor: Vendor) -> None:
    vendor.words = ["First sentence. ", "Second sentence. ", "Third."]
    async with (
        running(LocalOptions(mind=vendor.url, mouth="espeak-ng")) as endpoint,
        meet(endpoint) as peer,
    ):
        item_id = (await peer.type("Talk."))[-1]["response"]["output"][0]["id"]
        where = {"item_id": item_id, "content_index": 0, "audio_end_ms": 300}
        await peer.ask("conversation.item.truncate", "conversation.item.truncated", **where)
        await peer.type("And?")
        said = [message["content"] for message in vendor.asked[-1].json()["messages"]]
        assert said == [ALOUD, "Talk.", "First sentence. ", "And?"]


async def test_a_mind_of_words_is_told_that_it_is_heard_and_only_then(vendor: Vendor) -> None:
    async with running(LocalOptions(mind=vendor.url)) as endpoint, meet(endpoint) as peer:
        await peer.update(instructions="Be brief.")
        await peer.type("Aloud.")
        await peer.type("In letters.", output_modalities=["text"])
        told = [
            asked.json()["messages"][0]["content"]
            for asked in vendor.asked
            if asked.path.endswith("completions")
        ]
        assert told == [f"Be brief.\n\n{ALOUD}", "Be brief."]


async def test_text_is_answered_without_sound_when_asked_so(peer: Peer) -> None:
    await peer.update(output_modalities=["text"])
    events = await peer.type("Only letters.")
    assert kinds(events)[2:] == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    item_id = events[-1]["response"]["output"][0]["id"]
    where = {"item_id": item_id, "content_index": 0, "audio_end_ms": 0}
    refused = await peer.ask("conversation.item.truncate", **where)
    assert refused["error"]["code"] == "unsupported_content_type"


async def test_one_response_alone_may_be_text(peer: Peer) -> None:
    assert not sound_of(await peer.type("Letters.", output_modalities=["text"]))
    assert sound_of(await peer.type("Sound."))


async def test_out_of_band_response_leaves_the_conversation_alone(peer: Peer) -> None:
    aside = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}]
    await peer.send("response.create", response={"conversation": "none", "input": aside})
    events = await peer.until("response.done")
    assert "conversation.item.added" not in kinds(events)
    assert events[-1]["response"]["conversation_id"] is None
    assert words_of(events).startswith("x")
    item_id = events[-1]["response"]["output"][0]["id"]
    gone = await peer.ask("conversation.item.retrieve", item_id=item_id)
    assert gone["error"]["code"] == "item_retrieve_invalid_item_id"


async def test_without_a_mouth_typed_words_are_answered_in_text() -> None:
    options = LocalOptions(mind="echo", mouth="none")
    async with running(options) as endpoint, meet(endpoint) as peer:
        events = await peer.type("Silent.")
        assert "response.output_text.done" in kinds(events) and not sound_of(events)
        await peer.manual()
        voice = await peer.speak(speech())
        assert sound_of(voice) and words_of(voice).startswith("(your own voice")


async def test_first_sound_comes_before_the_mind_has_finished_writing(vendor: Vendor) -> None:
    vendor.pause_before = 2
    async with running(LocalOptions(mind=vendor.url)) as endpoint, meet(endpoint) as peer:
        await peer.start_typed("Morning.")
        early = await peer.until("response.output_audio.delta")
        assert words_of(early) == "Good morning. " and not vendor.go_on.is_set()
        vendor.go_on.set()
        late = await peer.until("response.done")
        assert words_of(late) == "How are you?"


async def test_failure_of_the_mind_is_a_failed_response_and_the_session_lives(
    vendor: Vendor,
) -> None:
    vendor.status, vendor.error = 401, "bad key sk-hidden-key"
    options = LocalOptions(mind=vendor.url, mind_key="sk-hidden-key", mind_model="m")
    async with running(options) as endpoint, meet(endpoint) as peer:
        done = (await peer.type("Hello."))[-1]["response"]
        error = done["status_details"]["error"]
        assert done["status"] == "failed" and error["code"] == "local_model_refused"
        assert "401" in error["message"] and "sk-hidden" not in error["message"]
        vendor.status = 200
        assert (await peer.type("Hello."))[-1]["response"]["status"] == "completed"


async def test_sentences_before_a_failure_are_still_said(vendor: Vendor) -> None:
    vendor.broken_stream = "out of luck"
    async with running(LocalOptions(mind=vendor.url)) as endpoint, meet(endpoint) as peer:
        events = await peer.type("Hello.")
        done = events[-1]["response"]
        assert words_of(events) == "Good morning. How are you?" and sound_of(events)
        assert done["status"] == "failed"
        assert "out of luck" in done["status_details"]["error"]["message"]


async def test_answer_at_the_token_limit_is_incomplete(vendor: Vendor) -> None:
    vendor.finish_reason = "length"
    async with (
        running(LocalOptions(mind=vendor.url, mouth="espeak-ng")) as endpoint,
        meet(endpoint) as peer,
    ):
        done = (await peer.type("Hello.", max_output_tokens=5))[-1]["response"]
        assert done["status"] == "incomplete"
        assert done["status_details"]["reason"] == "max_output_tokens"
        assert vendor.asked[-1].json()["max_tokens"] == 5


async def test_client_that_does_not_read_stops_neither_itself_nor_others(echo: Endpoint) -> None:
    async with meet(echo, max_queue=4) as lazy, meet(echo) as busy:
        await lazy.start_typed(_LONG)
        assert (await busy.type("Quick."))[-1]["response"]["status"] == "completed"
        assert (await lazy.until("response.done"))[-1]["response"]["status"] == "completed"
