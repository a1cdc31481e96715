"""Ways through the air: what the virtual loudspeaker emits comes to the virtual microphone.

    with echo_path(pulse, delay_ms=60, gain_db=-10):
        ...                           # what `speaker` emits comes to `mic` as well

    share_air(pulse)                  # before the program under test starts

`echo_path` has the delay that is wanted, and a resampler in it which follows the server's clocks;
on a busy machine it stumbles and grows late.  With `share_air` the program plays straight into the
sink that the microphone listens to, so that the echo is as exact as the server itself, and as loud
as the sound.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.fakes.pulse import PulseServer, wait_until


def share_air(pulse: PulseServer) -> None:
    """Programs that start from now on play where the microphone listens, and nowhere else."""
    pulse.control("set-default-sink", "mic_sink")


def _volume(gain_db: float) -> str:
    """PulseAudio's volumes are cubic."""
    return f"{round(65536 * 10 ** (gain_db / 60))}"


@contextmanager
def echo_path(pulse: PulseServer, delay_ms: int = 60, gain_db: float = -10.0) -> Iterator[None]:
    """Loudspeaker to microphone, so much later (beside the buffers) and so much softer."""
    words = ("source=speaker.monitor", "sink=mic_sink", f"latency_msec={delay_ms}")
    module = pulse.control("load-module", "module-loopback", *words, "source_dont_move=1")
    try:
        wait_until(lambda: bool(_input_of(pulse, module)), "the way through the air")
        pulse.control("set-sink-input-volume", _input_of(pulse, module), _volume(gain_db))
        yield
    finally:
        pulse.control("unload-module", module)


def _input_of(pulse: PulseServer, module: str) -> str:
    """The stream into the microphone that a module made; empty: not yet."""
    rows = pulse.control("list", "short", "sink-inputs").splitlines()
    for number in [row.split("\t")[0] for row in rows]:
        if f"Owner Module: {module}\n" in _details(pulse, number):
            return number
    return ""


def _details(pulse: PulseServer, number: str) -> str:
    blocks = pulse.control("list", "sink-inputs").split("Sink Input #")
    return next((block for block in blocks if block.startswith(f"{number}\n")), "")
