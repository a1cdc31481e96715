"""A sound file as the user's turn, and the spoken answer as a file."""

import asyncio
import stat
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.e2e.plain.program import KEY, Program, kinds_sent_to, sent_to
from tests.fakes.ga_script import GREETING, SCRIPTS, Reply
from tests.fakes.ga_server import GaServer, decode_track
from tests.fakes.ga_signal import ms_of, read_wav, silence, timecode, tone

TONE_HZ = 440
SPOKEN = ("--save-reply", "reply.wav")


def encoded(sound: NDArray[np.float64], kind: str) -> tuple[int, int, bytes]:
    """WAVE format tag, bytes of a sample, and the samples."""
    match kind:
        case "u8":
            return 1, 1, (sound * 127 + 128).astype(np.uint8).tobytes()
        case "s16":
            return 1, 2, (sound * 32767).astype("<i2").tobytes()
        case "s24":
            wide = (sound * 8388607).astype("<i4").tobytes()
            return 1, 3, b"".join(wide[at : at + 3] for at in range(0, len(wide), 4))
        case _:
            return 3, 4, sound.astype("<f4").tobytes()


def write_tone(path: Path, rate: int, channels: int, kind: str, seconds: float = 1.0) -> None:
    """A WAV made by hand, as the format's specification has it."""
    mono = 0.3 * np.sin(2 * np.pi * TONE_HZ * np.arange(round(rate * seconds)) / rate)
    tag, width, data = encoded(np.repeat(mono, channels), kind)
    step = width * channels
    numbers = ((tag, 2), (channels, 2), (rate, 4), (rate * step, 4), (step, 2), (width * 8, 2))
    form = b"".join(number.to_bytes(size, "little") for number, size in numbers)
    chunks = b"fmt " + len(form).to_bytes(4, "little") + form
    chunks += b"data" + len(data).to_bytes(4, "little") + data
    path.write_bytes(b"RIFF" + (len(chunks) + 4).to_bytes(4, "little") + b"WAVE" + chunks)


def write_pcm(path: Path, pcm: bytes) -> None:
    """PCM16 mono at 24 kHz as a WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(pcm)


def is_the_tone(pcm: bytes) -> bool:
    """Whether what the service received is the tone, as loud as it was."""
    sound = np.frombuffer(pcm, "<i2").astype(np.float64)
    spectrum = np.abs(np.fft.rfft(sound))
    hz = float(np.fft.rfftfreq(sound.size, 1 / 24_000)[int(np.argmax(spectrum))])
    loudness = float(np.sqrt(np.mean(sound**2))) / (0.3 * 32767 / np.sqrt(2))
    return abs(hz - TONE_HZ) < 3 and 0.9 < loudness < 1.1


FORMS = [
    (8000, 1, "u8"),
    (8000, 2, "s16"),
    (16000, 1, "s16"),
    (16000, 2, "f32"),
    (24000, 2, "s24"),
    (44100, 2, "s16"),
    (44100, 1, "s24"),
    (48000, 1, "f32"),
    (48000, 2, "u8"),
]


@pytest.mark.parametrize(("rate", "channels", "kind"), FORMS)
async def test_a_file_of_any_form_is_heard_as_it_is(
    program: Program, rate: int, channels: int, kind: str
) -> None:
    write_tone(program.home / "say.wav", rate, channels, kind)
    async with GaServer() as server:
        done = await program.call(server, "--say", "say.wav", stdin="")
        kinds, received = kinds_sent_to(server), bytes(server.session.ears.received)
    assert (done.code, done.err, done.out) == (0, "", GREETING + "\n")
    assert kinds[-4:] == [
        "input_audio_buffer.clear",
        "input_audio_buffer.append",
        "input_audio_buffer.commit",
        "response.create",
    ]
    assert abs(ms_of(len(received)) - 1000) < 20
    assert is_the_tone(received)


async def test_a_file_in_the_services_own_form_is_heard_to_the_sample(program: Program) -> None:
    write_pcm(program.home / "say.wav", timecode(7, 1234))
    async with GaServer() as server:
        done = await program.call(server, "--push-to-talk", "--say", "say.wav", stdin="")
        assert bytes(server.session.ears.received) == timecode(7, 1234)
    assert done.code == 0


async def test_a_long_file_is_heard_whole(program: Program) -> None:
    """Longer than what is kept while the line is made."""
    write_pcm(program.home / "say.wav", timecode(7, 40_000))
    async with GaServer() as server:
        done = await program.call(server, "--say", "say.wav", stdin="")
        assert bytes(server.session.ears.received) == timecode(7, 40_000)
    assert done.code == 0


@pytest.mark.parametrize(("rate", "channels", "kind"), [(8000, 1, "u8"), (44100, 2, "f32")])
async def test_hands_free_the_service_finds_the_turn(
    program: Program, rate: int, channels: int, kind: str
) -> None:
    write_tone(program.home / "say.wav", rate, channels, kind)
    async with GaServer() as server:
        done = await program.call(server, "--hands-free", "--say", "say.wav", "--json", stdin="")
        sent = sent_to(server)
    assert done.code == 0
    assert sent[0]["session"]["audio"]["input"]["turn_detection"]["type"] == "server_vad"
    assert {m["type"] for m in sent} <= {"session.update", "input_audio_buffer.append"}
    names = [event["event"] for event in done.events]
    assert names.index("speech_started") < names.index("speech_stopped")
    assert names.index("speech_stopped") < names.index("reply_done")
    assert [e["text"] for e in done.of("reply_text")] == [GREETING]


async def test_hands_free_a_speaker_who_pauses_is_answered_to_the_end(program: Program) -> None:
    write_pcm(program.home / "say.wav", tone(600) + silence(1200) + tone(600))
    replies = (Reply("First."), Reply("Second."))
    async with GaServer(replace(SCRIPTS["normal"], replies=replies, pace=1.0)) as server:
        options = ("--hands-free", "--say", "say.wav", *SPOKEN)
        done = await program.call(server, *options, stdin="")
        ends = [m["response"]["status"] for m in server.log.of("response.done", "out")]
    assert done.code == 0
    assert ends == ["cancelled", "completed"]
    assert done.out.splitlines()[-1] == "Second."


async def test_hands_free_a_file_without_a_voice_is_told(program: Program) -> None:
    write_pcm(program.home / "say.wav", silence(300))
    async with GaServer() as server:
        done = await program.call(server, "--hands-free", "--say", "say.wav", stdin="")
    assert "heard nobody speak" in done.failed_with_one_line()


async def test_a_turn_too_short_to_be_one_is_told(program: Program) -> None:
    write_pcm(program.home / "say.wav", tone(50))
    async with GaServer() as server:
        done = await program.call(server, "--say", "say.wav", stdin="")
        kinds = kinds_sent_to(server)
    assert "input_audio_buffer.commit" not in kinds and "response.create" not in kinds
    assert "too short" in done.failed_with_one_line()


async def test_the_built_in_model_plays_a_spoken_turn_back(program: Program) -> None:
    write_pcm(program.home / "say.wav", timecode(3, 1500))
    done = await program.run("--say", "say.wav", *SPOKEN)
    assert (done.code, done.err) == (0, "")
    reply = read_wav(program.home / "reply.wav")[: 24_000 * 2 * 2]
    heard = decode_track(reply, range(3, 4), longest_ms=2000)
    assert sum(stretch.duration_ms for stretch in heard) > 1000


async def test_words_of_the_spoken_turn_are_kept(program: Program) -> None:
    write_pcm(program.home / "say.wav", tone(500))
    async with GaServer() as server:
        done = await program.call(server, "--say", "say.wav", *SPOKEN, "--json", stdin="")
    assert done.code == 0
    (user,) = done.of("user")
    assert (user["text"], user["spoken"]) == (server.script.user_text, True)
    said, answered = program.journal()
    assert (said["role"], said["text"], said["spoken"]) == ("user", user["text"], True)
    assert (answered["role"], answered["text"]) == ("assistant", GREETING)


@pytest.mark.parametrize("content", [None, b"", b"no sound at all", b"RIFF\0\0\0\0WAVEfmt "])
async def test_a_bad_file_is_told_before_anybody_is_called(
    program: Program, content: bytes | None
) -> None:
    if content is not None:
        (program.home / "say.wav").write_bytes(content)
    async with GaServer() as server:
        done = await program.call(server, "--say", "say.wav", stdin="")
        assert server.attempts == 0
    assert "say.wav" in done.failed_with_one_line(2)


# -- the answer as a file -------------------------------------------------------------------------


@pytest.mark.parametrize("script", ["normal", "burst", "odd_deltas", "short_reply", "two_items"])
async def test_the_reply_is_saved_to_the_sample(program: Program, script: str) -> None:
    async with GaServer(script) as server:
        done = await program.call(server, *SPOKEN)
        plan = server.script.replies[0]
    assert (done.code, done.err) == (0, "")
    path = program.home / "reply.wav"
    sound = b"".join(timecode(index, plan.audio_ms) for index in range(plan.items))
    assert read_wav(path) == sound
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_replies_to_several_lines_stand_in_one_file(program: Program) -> None:
    replies = (Reply(audio_ms=500), Reply(audio_ms=700))
    async with GaServer(replace(SCRIPTS["burst"], replies=replies)) as server:
        done = await program.call(server, *SPOKEN, stdin="one\ntwo\n")
    assert done.code == 0
    assert read_wav(program.home / "reply.wav") == timecode(0, 500) + timecode(1, 700)


@pytest.mark.fault("D06")
async def test_a_kill_in_the_middle_leaves_a_readable_file(program: Program) -> None:
    path = program.home / "reply.wav"
    async with GaServer("real_time") as server:
        options = program.call_options(server, *SPOKEN)
        async with program.running(*options, env={"OPENAI_API_KEY": KEY}) as process:
            assert process.stdin
            process.stdin.write(b"hello\n")
            await process.stdin.drain()
            await server.wait_for(lambda: path.exists() and path.stat().st_size > 48_000)
            process.kill()
            await process.wait()
    sound = read_wav(path)
    assert len(sound) >= 47_000
    assert timecode(0, 4000).startswith(sound)


async def test_a_place_that_cannot_be_written_is_told(program: Program) -> None:
    async with GaServer() as server:
        done = await program.call(server, "--save-reply", "no/such/folder/reply.wav")
    assert "no/such/folder/reply.wav" in done.failed_with_one_line()


async def test_two_programs_speak_at_once(program: Program, tmp_path: Path) -> None:
    """Nothing is shared: no port, no file, no lock."""
    (tmp_path / "other").mkdir()
    other = Program(tmp_path / "other")
    first, second = await asyncio.gather(
        program.run("--plain", *SPOKEN, stdin="one\n"),
        other.run("--plain", *SPOKEN, stdin="two\n"),
    )
    assert (first.code, second.code) == (0, 0)
    assert (first.out.splitlines()[0], second.out.splitlines()[0]) == ("one", "two")
