"""Which resampler holds back least: `python -m tests.bench.resampling`.

Sound goes in by 10 ms, as a sound card gives it.  For each converter and pair of rates:

* delay: how long the sound that has gone in is held back, mean and worst (ms);
* CPU: of one core, per second of sound (ms);
* gain of a tone at 9.6 kHz, and of one above the new Nyquist frequency, folded back (dB).

soxr is measured where it is installed; the product does not need it.
"""

import importlib.util
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Process = Callable[[Any], Any]
RATES = [(48_000, 24_000), (44_100, 24_000), (24_000, 48_000), (24_000, 16_000)]
SECONDS = 10


def converters() -> dict[str, Callable[[int, int], Process]]:
    found = {
        "samplerate sinc_fastest": libsamplerate("sinc_fastest"),
        "samplerate sinc_medium": libsamplerate("sinc_medium"),
        "the product's": product,
    }
    if importlib.util.find_spec("soxr"):
        found |= {f"soxr {quality}": soxr(quality) for quality in ("LQ", "HQ")}
    return found


def libsamplerate(quality: str) -> Callable[[int, int], Process]:
    import samplerate

    def make(source: int, target: int) -> Process:
        engine = samplerate.Resampler(quality, channels=1)
        return lambda block: engine.process(block, target / source)

    return make


def soxr(quality: str) -> Callable[[int, int], Process]:
    stream = importlib.import_module("soxr").ResampleStream

    def make(source: int, target: int) -> Process:
        engine = stream(source, target, 1, dtype="float32", quality=quality)
        return lambda block: engine.resample_chunk(block)

    return make


def product(source: int, target: int) -> Process:
    from voicechat.audio.pcm import to_pcm, to_samples
    from voicechat.audio.resample import Resampler

    engine = Resampler(source, target)
    return lambda block: to_samples(engine.process(to_pcm(block * 32768))) / 32768


def tone(rate: int, hertz: float) -> Any:
    turns = np.arange(rate * SECONDS) * hertz / rate
    return (np.sin(turns * 2 * np.pi) * 0.5).astype(np.float32)


def blocks(sound: Any, rate: int) -> list[Any]:
    size = rate // 100
    return [sound[at : at + size] for at in range(0, len(sound) - size + 1, size)]


def delays_ms(process: Process, source: int, target: int) -> list[float]:
    given = got = 0.0
    delays = []
    for block in blocks(tone(source, 1000), source):
        given += len(block) / source
        got += len(process(block)) / target
        delays.append((given - got) * 1000)
    return delays[20:]


def cpu_ms(process: Process, source: int) -> float:
    sound = blocks(tone(source, 1000), source)
    began = time.process_time()
    for block in sound:
        process(block)
    return (time.process_time() - began) * 1000 / SECONDS


def gain_db(process: Process, source: int, hertz: float) -> float:
    heard = np.concatenate([process(block) for block in blocks(tone(source, hertz), source)])
    middle = np.asarray(heard, np.float64)[len(heard) // 4 : -len(heard) // 4]
    return float(20 * np.log10(np.sqrt(np.mean(middle**2)) / (0.5 / np.sqrt(2)) + 1e-9))


def main() -> None:
    print(f"{'':26}{'rates':>15}{'delay ms':>18}{'CPU ms/s':>10}{'9.6 kHz':>10}{'folded':>10}")
    for name, make in converters().items():
        for source, target in RATES:
            delays = delays_ms(make(source, target), source, target)
            cpu = cpu_ms(make(source, target), source)
            high = gain_db(make(source, target), source, min(9600, target * 0.4))
            folded = gain_db(make(source, target), source, target * 0.6)
            told = f"{folded:.1f}" if target < source else "-"
            print(
                f"{name:26}{source:>7} {target:>7}{np.mean(delays):>10.2f} /{max(delays):>6.2f}"
                f"{cpu:>10.2f}{high:>10.2f}{told:>10}"
            )


if __name__ == "__main__":
    main()
