"""Broken conversations with every provider: `python -m tests.bench._reliability_messages 1000000`.

The same conversations as the daily noise tests break, with other seeds and many more of them.
"""

import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.providers.gemini import test_noise
from tests.providers.glm import test_noise as test_glm_noise
from tests.providers.gptlive import test_noise as test_gptlive_noise
from tests.providers.noise import Run, recordings_of
from tests.providers.openai import noise

RUNS: dict[str, Run] = {
    "openai": noise.run,
    "gemini": test_noise.run,
    "glm": test_glm_noise.run,
    "gptlive": test_gptlive_noise.run,
    "qwen": noise.run,
    "xai": noise.run,
    "stepfun": noise.run,
    "azure": noise.run,
    "custom": noise.run,
}


@dataclass(slots=True)
class Outcome:
    """What became of one provider's broken conversations."""

    provider: str
    messages: int = 0
    failures: int = 0
    """Conversations in which something was raised, or a promise broken."""
    slowest_s: float = 0.0
    """Processor time of the longest conversation (some hundred messages)."""
    seconds: float = 0.0

    @property
    def line(self) -> str:
        rate = self.messages / self.seconds if self.seconds else 0.0
        return (
            f"{self.provider:8} {self.messages:>9,} messages, {self.failures} failures, "
            f"{rate:,.0f} messages/s, slowest conversation {self.slowest_s:.2f} s"
        )


def break_many(provider: str, messages: int, first_seed: int = 0) -> Outcome:
    """Break conversations of a provider until so many messages were taken in."""
    found, seed, outcome = recordings_of(provider), first_seed, Outcome(provider)
    began = time.process_time()
    while outcome.messages < messages:
        _break_one(outcome, found[seed % len(found)], seed)
        seed += 1
    outcome.seconds = time.process_time() - began
    return outcome


def _break_one(outcome: Outcome, recording: Path, seed: int) -> None:
    began = time.process_time()
    try:
        outcome.messages += RUNS[outcome.provider](recording, random.Random(seed))
    except Exception as error:
        outcome.failures += 1
        print(f"{outcome.provider}, seed {seed}, {recording.stem}: {error!r}", flush=True)
    outcome.slowest_s = max(outcome.slowest_s, time.process_time() - began)


def main(messages: int, first_seed: int = 0) -> None:
    for provider in RUNS:
        print(break_many(provider, messages, first_seed).line, flush=True)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
