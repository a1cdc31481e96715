"""What counts as silence in the model's stream, which never stops: it holds zeros while it listens.

The rule: only what nobody would hear is silence; a quiet end of a word is none.
"""

from voicechat.providers.audio_fields import peak

LOUDEST_SILENCE = 160
"""|sample| of PCM16 below which a sound is silence: -46 dB of full scale."""


def is_silent(pcm: bytes) -> bool:
    """Whether nothing can be heard in PCM16 little-endian; a whole number of samples."""
    return peak(pcm) < LOUDEST_SILENCE
