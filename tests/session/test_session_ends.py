"""What a session does about the end of its line, with real links to a stand-in for the service."""

import asyncio
import json
import time
from dataclasses import replace

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.fakes.ga_script import GREETING, SCRIPTS
from tests.session.test_session import call
from voicechat.connection.state.backoff import MOST_SHORT, Retries
from voicechat.connection.state.outcome import MOST
from voicechat.connection.supervisor import LOOK_S
from voicechat.connection.target import Target
from voicechat.errors import RefusedError, SessionOverError, TooBigError, VoiceChatError
from voicechat.events import Notice, ProviderFailed, ReplyFinished, ReplyText, SessionReady
from voicechat.net import websocket
from voicechat.providers.base import Settings
from voicechat.providers.gemini.dialect import GeminiDialect
from voicechat.providers.openai.dialect import OpenAIDialect


@pytest.mark.fault("N07")
@pytest.mark.parametrize(
    ("script", "words"), [("bad_key", "Incorrect API key"), ("bad_model", "model")]
)
async def test_a_refusal_after_the_handshake_is_tried_once_and_told_in_the_servers_words(
    script: str, words: str
) -> None:
    async with call(script, stay=True, comes_back=True) as one:
        await one.wait_for(lambda: one.session.problem)
        assert isinstance(one.session.problem, RefusedError)
        assert words in str(one.session.problem) and "code 3" not in str(one.session.problem)
        [failed] = one.of(ProviderFailed)
        assert failed.message.rstrip(".") in str(one.session.problem)
        assert one.session.retry_in_s is None and one.server.attempts == 1
        assert not one.of(SessionReady), "it was never connected"


@pytest.mark.fault("N07")
async def test_what_came_before_the_end_is_read_although_we_were_writing() -> None:
    refused = {"code": "insufficient_quota", "message": "There is no credit left at all."}

    async def refuse(connection: ServerConnection) -> None:
        """Refuse and hang up in a single write; in the same moment the user says something."""
        await connection.send(json.dumps({"type": "session.created", "session": {}}))
        await connection.recv()
        await connection.send(json.dumps({"type": "session.updated", "session": {}}))
        await one.wait_for_phase("ready")
        connection.protocol.send_text(json.dumps({"type": "error", "error": refused}).encode())
        connection.protocol.send_close(4000, "")
        connection.transport.write(b"".join(connection.protocol.data_to_send()))
        asyncio.get_running_loop().call_soon(one.session.say, "Hello?")
        await connection.wait_closed()

    async with call(start=False) as one, serve(refuse, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        one.settings = replace(one.settings, url=f"ws://127.0.0.1:{port}/")
        dialect = OpenAIDialect(one.settings)
        link = websocket.connect(dialect.url(), dialect.headers(), proxy=None)
        one.session.lines._change(Target(dialect, lambda: link, "model"))
        one.start(stay=True)
        await one.wait_for(lambda: one.session.problem)
        assert one.of(ProviderFailed), "the server's words were lost behind a broken line"
        assert "no credit left" in str(one.session.problem)


@pytest.mark.fault("N28")
async def test_a_renewed_session_knows_what_was_said() -> None:
    script = replace(SCRIPTS["expired"], expire_after_ms=0)
    async with call(script, stay=True, comes_back=True) as one:
        await one.answer("one")
        await one.server.control({"do": "expire"})
        await one.wait_for(lambda: len(one.of(SessionReady)) == 2)
        await one.answer("two")
        items = one.server.log.of("conversation.item.create", conn=1)
        texts = [item["item"]["content"][0]["text"] for item in items]
        assert texts == ["one", GREETING, "two"]
        assert [notice.code for notice in one.of(Notice)] == ["renewed"]
        assert not one.of(VoiceChatError)


@pytest.mark.fault("N28")
async def test_a_session_that_may_not_stay_is_renewed_as_well() -> None:
    async with call("normal", comes_back=True) as one:
        await one.wait_for_phase("ready")
        await one.server.control({"do": "expire"})
        await one.wait_for(lambda: len(one.of(SessionReady)) == 2)
        await one.answer("hello")


@pytest.mark.fault("N31")
async def test_a_service_whose_sessions_are_always_over_is_left_alone() -> None:
    script = replace(SCRIPTS["expired"], expire_after_ms=1, faulty_connections=None)
    async with call(script, stay=True) as one:
        one.session.lines._outage.retries = Retries(lambda: 0.0)
        await one.wait_for(lambda: one.session.problem and one.session.retry_in_s is None)
        await one.wait_for(lambda: one.of(VoiceChatError))
        assert one.server.attempts == MOST_SHORT
        assert "maximum duration" in str(one.session.problem)


@pytest.mark.fault("N27")
async def test_a_message_that_was_too_big_is_not_sent_to_the_next_line() -> None:
    async with call("silent", stay=True, comes_back=True) as one:
        await one.wait_for_phase("ready")
        one.session.say("much too long")
        await one.wait_for(lambda: one.server.log.of("response.create", conn=0))
        await one.server.control({"do": "script", "name": "normal"})
        await one.server.control({"do": "close", "code": 1009, "reason": "too big"})
        await one.wait_for(lambda: len(one.of(SessionReady)) == 2)
        await one.answer("short")
        assert isinstance(one.of(VoiceChatError)[0], TooBigError)
        assert len(one.of(ReplyFinished)) == 1
        asked = one.server.log.of("response.create", conn=1)
        assert len(asked) == 1, "the message that ended the line was asked again"


@pytest.mark.fault("P01")
async def test_a_server_of_another_protocol_is_told_and_left() -> None:
    async with call("normal", stay=True, comes_back=True) as one:
        await one.wait_for_phase("ready")
        for number in range(MOST):
            await one.server.control({"do": "send_text", "text": f"OK {number}"})
        await one.wait_for(lambda: one.session.problem)
        assert "another protocol" in str(one.session.problem)
        assert one.server.attempts == 1 and one.session.retry_in_s is None


@pytest.mark.fault("P01")
async def test_noise_between_good_messages_ends_nothing() -> None:
    async with call("non_json", stay=True) as one:
        await one.answer("one")
        await one.answer("two")
        assert one.session.problem is None


@pytest.mark.fault("N31")
async def test_a_server_that_always_says_that_it_ends_soon_is_not_dialled_for_ever() -> None:
    async with call("normal", stay=True, comes_back=True) as one:
        await one.wait_for_phase("ready")
        for _ in range(14):
            one.session.redial()
        ready = len(one.of(SessionReady))
        await one.wait_for(lambda: len(one.of(SessionReady)) > ready)
        attempts = one.server.attempts
        one.session.lines._renewal.ending(0.0, 0.0)
        await asyncio.sleep(2 * LOOK_S)  # It has looked.
        await one.answer("still here")
        assert one.server.attempts == attempts
        assert not [notice for notice in one.of(Notice) if notice.code == "renewed"]


@pytest.mark.fault("P22")
async def test_a_reply_that_fails_for_want_of_money_ends_the_call_for_good() -> None:
    async with call("failed_quota", stay=True, comes_back=True) as one:
        one.session.say("hello")
        await one.wait_for(lambda: one.session.problem)
        [finished] = one.of(ReplyFinished)
        assert finished.status == "failed" and finished.message
        assert isinstance(one.session.problem, RefusedError)
        assert one.session.retry_in_s is None and one.server.attempts == 1


@pytest.mark.fault("P22")
async def test_a_reply_that_fails_for_the_moment_is_told_and_the_call_goes_on() -> None:
    async with call("failed_rate_limit", stay=True) as one:
        await one.answer("one")
        [failed] = one.of(ReplyFinished)
        assert failed.status == "failed" and failed.message
        await one.answer("two")
        assert one.session.problem is None and one.of(ReplyFinished)[-1].status == "completed"


@pytest.mark.fault("N29")
async def test_a_session_that_cannot_be_taken_up_is_asked_for_twice_and_begun_anew() -> None:
    handles: list[str | None] = []

    async def serve_gemini(connection: ServerConnection) -> None:
        setup = json.loads(await connection.recv())["setup"]
        handles.append(setup["sessionResumption"].get("handle"))
        if handles[-1] is None:
            await connection.send('{"setupComplete": {}}')
            given = {"newHandle": "handle-1", "resumable": True}
            await connection.send(json.dumps({"sessionResumptionUpdate": given}))
        if handles[-1] is not None or len(handles) == 1:
            await connection.close(1011, "Internal error occurred.")
        await connection.wait_closed()

    async with (
        call(start=False, comes_back=True) as one,
        serve(serve_gemini, "127.0.0.1") as server,
    ):
        port = next(iter(server.sockets)).getsockname()[1]
        settings = Settings("gemini-3.8-live", "any-key", url=f"ws://127.0.0.1:{port}/")

        def line() -> Target:
            dialect = GeminiDialect(settings)
            link = websocket.connect(dialect.url(), dialect.headers(), proxy=None)
            return Target(dialect, lambda: link, "gemini-3.8-live")

        one.session.lines._dial = line
        one.session.lines._change(line())
        one.start(stay=True)
        await one.wait_for(lambda: len(one.of(SessionReady)) == 2)
        assert handles == [None, "handle-1", "handle-1", None]


@pytest.mark.fault("N28")
async def test_who_waits_for_an_answer_is_told_that_the_session_ended_in_the_middle_of_it() -> None:
    async with call("long_reply") as one:
        one.session.say("hello")
        await one.wait_for(lambda: len("".join(text.text for text in one.of(ReplyText))) > 60)
        await one.server.control({"do": "expire"})
        with pytest.raises(SessionOverError, match="maximum duration"):
            await asyncio.wait_for(one.running, 20)
        assert not one.of(Notice)


@pytest.mark.fault("N30")
async def test_a_renewal_that_cannot_wait_tells_that_the_answer_is_incomplete() -> None:
    async with call("long_reply", stay=True) as one:
        one.session.say("hello")
        await one.wait_for(lambda: one.of(ReplyText))
        one.session.lines._renewal.ending(time.monotonic(), 1.0)
        await one.wait_for(lambda: len(one.of(SessionReady)) == 2)
        (end,) = one.of(ReplyFinished)
        assert (end.status, end.code) == ("incomplete", "renewed") and "renewed" in end.message


@pytest.mark.fault("N28")
@pytest.mark.parametrize("left", ["0s", "50s"])
async def test_a_session_that_the_service_will_end_soon_is_renewed_in_a_pause(left: str) -> None:
    lines = 0

    async def serve_gemini(connection: ServerConnection) -> None:
        nonlocal lines
        lines += 1
        await connection.recv()
        await connection.send('{"setupComplete": {}}')
        if lines == 1:
            await connection.send(json.dumps({"goAway": {"timeLeft": left}}))
        await connection.wait_closed()

    async with call(start=False) as one, serve(serve_gemini, "127.0.0.1") as server:
        port = next(iter(server.sockets)).getsockname()[1]
        settings = Settings("gemini-3.8-live", "any-key", url=f"ws://127.0.0.1:{port}/")

        def line() -> Target:
            dialect = GeminiDialect(settings)
            link = websocket.connect(dialect.url(), dialect.headers(), proxy=None)
            return Target(dialect, lambda: link, "gemini-3.8-live")

        one.session.lines._dial = line
        one.session.lines._change(line())
        one.start(stay=True)
        await one.wait_for(lambda: len(one.of(SessionReady)) == 2)
        assert not one.of(VoiceChatError) and lines == 2
