"""What holds for every member of OpenAI's family when the real program talks to its stand-in."""

import wave
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.plain.program import KEY, Outcome, Program
from tests.fakes.ga_script import GREETING, SCRIPTS, Script
from tests.fakes.ga_server import GaServer, decode_track
from tests.fakes.ga_signal import ms_of, read_wav, tone

SPOKEN_MS = 1200

QUICK = ("--plain", "--no-save")


@dataclass(frozen=True, slots=True)
class Member:
    """One provider: its stand-in, and how it is called."""

    server: type[GaServer]
    model: str
    key_env: str
    options: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    async def call(
        self, program: Program, server: GaServer, *options: str, stdin: str = "hello\n"
    ) -> Outcome:
        """Run the program without a screen against the stand-in."""
        return await program.run(
            *QUICK,
            *("--model", self.model, "--url", server.url),
            *self.options,
            *options,
            stdin=stdin,
            env={self.key_env: KEY, **self.env},
        )

    async def answers_a_typed_line(
        self, program: Program, script: Script | str = "normal"
    ) -> GaServer:
        """One line is asked and answered, and nobody has anything to complain of."""
        async with self.server(script, api_key=KEY) as server:
            done = await self.call(program, server)
        assert (done.code, done.err) == (0, ""), (done.err, server.violations)
        assert done.out == GREETING + "\n"
        assert server.violations == []
        assert len(server.log.of("response.create")) == 1
        return server

    async def answers_a_spoken_turn(self, program: Program) -> GaServer:
        """A WAV is heard whole, and the spoken answer arrives whole."""
        question, answer = program.home / "q.wav", program.home / "a.wav"
        write_wav(question, tone(SPOKEN_MS))
        async with self.server(SCRIPTS["burst"], api_key=KEY) as server:
            options = ("--say", str(question), "--save-reply", str(answer))
            done = await self.call(program, server, *options, stdin="")
        assert done.code == 0, (done.err, server.violations)
        assert server.violations == []
        (stretch,) = decode_track(read_wav(answer))
        assert stretch.duration_ms == 4000
        return server

    async def says_that_the_key_is_bad(self, program: Program) -> str:
        """A wrong key ends the program with one line and code 1."""
        async with self.server("normal", api_key="another-key-0123456789") as server:
            done = await self.call(program, server)
        line = done.failed_with_one_line(1)
        assert KEY not in line and not server.sessions
        return line


def hears_all(server: GaServer) -> bool:
    """Whether the turn of `answers_a_spoken_turn` came at the right rate."""
    return abs(ms_of(len(server.session.ears.received)) - SPOKEN_MS) < 150


def write_wav(path: Path, pcm: bytes) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(pcm)
