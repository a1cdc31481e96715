"""Sound as PCM16 little-endian mono: arithmetic, buffers, and the one door to the sound card."""
