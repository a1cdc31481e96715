"""OpenAI at its own address, reached through a proxy that leads to a stand-in: who hears, who
speaks, and what the service's own list says of the end of its models."""

import asyncio
import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from tests.e2e.http.vendor import KEY, Vendor
from tests.e2e.plain.program import Outcome, Program
from tests.e2e.providers.family_calls import write_wav
from tests.fakes.ga_signal import read_wav, tone
from tests.fakes.http_chat import Request
from tests.fakes.http_chat_answers import PITCH, Step
from tests.fakes.http_chat_check import Refused
from tests.fakes.http_chat_script import Script
from tests.fakes.http_speech_vendors import hear_pcm
from tests.fakes.leading_proxy import LeadingProxy
from voicechat.app.retirements import FILE, EndsMemory

_PAGE = b"<html><body>WebSockets are not allowed.</body></html>"
MODEL = "gpt-audio-1.5"


class OwnHouse(Vendor):
    """All services of one name; a WebSocket gets a page, and `/audio/speech` is gone."""

    def steps(self, request: Request) -> tuple[str, Script, Iterator[Step]]:
        if request.path.startswith(("/v1/realtime", "/v1/live")):
            raise Refused(403, _PAGE, {"Content-Type": "text/html"})
        if request.path.startswith("/v1/audio/speech"):
            raise Refused(404, {"error": {"message": "Unknown request URL."}})
        return super().steps(request)

    @property
    def lists(self) -> int:
        """How often its list of models was asked for."""
        return sum(request.path == "/v1/models" for request in self.requests)


@pytest.fixture
def house(program: Program) -> Iterator[OwnHouse]:
    with OwnHouse(tls=True) as house:
        program.config.write_text(f'ca_file = "{house.ca_file}"\n')
        yield house


async def ask(program: Program, house: OwnHouse, model: str, *options: str) -> Outcome:
    write_wav(program.home / "q.wav", tone(1200))
    with LeadingProxy(house.port) as proxy:
        spoken = ("--say", "q.wav", "--save-reply", "a.wav")
        wanted = ("--plain", "--json", "--proxy", proxy.url, "--model", model)
        done = await program.run(*wanted, *spoken, *options, env={"OPENAI_API_KEY": KEY})
        assert set(proxy.asked) == {"api.openai.com:443"}
    assert (done.code, done.err) == (0, ""), done.out
    assert KEY not in done.out and program.holds(KEY) == [] and house.keys == {KEY}
    return done


def pitch(program: Program) -> float:
    return hear_pcm(read_wav(program.home / "a.wav")).hertz


@pytest.mark.fault("P35")
@pytest.mark.parametrize("model", ["gpt-realtime-2.1", "gptlive"])
async def test_the_fallback_hears_and_speaks_by_one_model(
    program: Program, house: OwnHouse, model: str
) -> None:
    done = await ask(program, house, model)
    (ready,) = done.of("ready")
    assert (ready["link"], ready["model"]) == ("http", MODEL)
    assert "heard 1.2 s at" in " ".join(event["text"] for event in done.of("reply_text"))
    assert abs(pitch(program) - PITCH["openai"]) < 15
    assert {question.json["model"] for question in house.questions} == {MODEL}
    assert "input_audio" in str(house.questions[0].json["messages"][-1])
    assert house.spoken == [], "nobody asks for what has ended"


@pytest.mark.fault("P35")
async def test_a_chat_models_words_are_read_aloud(program: Program, house: OwnHouse) -> None:
    done = await ask(program, house, "chat/openai/chat-1")
    assert done.of("ready")[0]["model"] == "chat-1"
    answer = " ".join(event["text"] for event in done.of("reply_text")).strip()
    assert "heard 1.2 s at" in answer
    assert abs(pitch(program) - PITCH["openai"]) < 15 and house.spoken == []
    asked = [question.json for question in house.questions]
    assert {body["model"] for body in asked} == {"chat-1", MODEL}
    read = [body["messages"][-1]["content"] for body in asked if body["model"] == MODEL]
    assert " ".join(read).split() == answer.split()
    assert {form.headers["content-type"].partition(";")[0] for form in house.heard} == {
        "multipart/form-data"
    }


async def test_so_are_they_where_openai_is_named_as_ones_own_server(
    program: Program, house: OwnHouse
) -> None:
    with program.config.open("a") as config:
        config.write('voice = "marin"\n[providers.chat]\napi_key_env = "OPENAI_API_KEY"\n')
    done = await ask(program, house, "chat/chat-1", "--url", "https://api.openai.com/v1")
    assert "heard 1.2 s at" in " ".join(event["text"] for event in done.of("reply_text"))
    assert abs(pitch(program) - PITCH["openai"]) < 15 and house.spoken == []


# -- the service's own list -----------------------------------------------------------------------


async def call_until_listed(program: Program, house: OwnHouse, model: str) -> list[dict[str, Any]]:
    """A call that is up; its events until the list was read, and until it is told where it is."""
    events: list[dict[str, Any]] = []
    with LeadingProxy(house.port) as proxy:
        wanted = ("--plain", "--json", "--proxy", proxy.url, "--model", model)
        async with program.running(*wanted, env={"OPENAI_API_KEY": KEY}) as process:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(b"hello\n")
            await process.stdin.drain()
            async with asyncio.timeout(40):
                while not any(event["event"] == "reply_done" for event in events):
                    events.append(json.loads(await process.stdout.readline()))
                while not EndsMemory(program.data).read().lists:
                    await asyncio.sleep(0.02)
            process.stdin.close()
            async with asyncio.timeout(40):
                while line := await process.stdout.readline():
                    events.append(json.loads(line))
    return events


def told(events: list[dict[str, Any]], code: str) -> list[str]:
    return [
        event["text"] for event in events if event["event"] == "notice" and event["code"] == code
    ]


@pytest.mark.fault("P36", "P37")
async def test_the_end_in_the_services_list_is_told_once_and_then_its_successor_taken(
    program: Program, house: OwnHouse
) -> None:
    today = date.today()
    soon = (today + timedelta(20)).isoformat()
    house.ends = {"gpt-audio-mini": soon, "tts-1": "no date", "whisper-1": None}
    model = "chat/openai/gpt-audio-mini"
    events = await call_until_listed(program, house, model)
    lists = house.lists
    record = json.loads((program.data / FILE).read_text())
    entry = record["lists"]["api.openai.com"]
    assert entry == {"checked": today.isoformat(), "ends": {"gpt-audio-mini": soon}}
    events += await call_until_listed(program, house, model)
    announced = [words for words in told(events, "model_ends") if soon in words]
    assert len(announced) == 1 and "gpt-audio-1.5" in announced[0], events
    done = await ask(program, house, model)
    assert told(done.events, "model_ends") == [] and house.lists - lists <= 2, (
        "each call asks whether the service is there, and for its ends once a day"
    )
    entry["ends"]["gpt-audio-mini"] = today.isoformat()
    (program.data / FILE).write_text(json.dumps(record))
    done = await ask(program, house, model)
    assert done.of("ready")[0]["model"] == "gpt-audio-1.5"
    assert len([words for words in told(done.events, "model") if "was switched off" in words]) == 1


@pytest.mark.fault("P36")
async def test_the_list_of_models_shows_the_ends(program: Program) -> None:
    day = (date.today() + timedelta(40)).isoformat()
    ends = {"gpt-realtime-2": day, "whisper-1": day}
    lists = {"api.openai.com": {"checked": day, "ends": ends}}
    program.data.mkdir(parents=True)
    (program.data / FILE).write_text(json.dumps({"version": 1, "told": [], "lists": lists}))
    program.config.write_text('[providers.openai]\nears_model = "whisper-1"\n')
    done = await program.run("models", "--json", env={"OPENAI_API_KEY": KEY})
    rows = {row["name"]: row for row in json.loads(done.out)}
    assert (rows["gpt-realtime-2"]["status"], rows["gpt-realtime-2"]["shutdown"]) == (
        "retiring",
        day,
    )
    assert rows["gpt-realtime-2.1"]["helpers"] == [
        f"whisper-1 is switched off on {day}; its successor is gpt-transcribe"
    ]
    assert rows["gemini-3.1-flash-live-preview"]["status"] == "doubtful"
    assert rows["gpt-audio-1.5"]["price"]["audio_out"] == 64.0
    text = (await program.run("models", env={"OPENAI_API_KEY": KEY})).out
    assert f"is switched off on {day}" in text and "may be gone since 2026-11-17" in text
    assert f" whisper-1 is switched off on {day}; its successor is gpt-transcribe" in text
