"""Playback: jitter buffer, start level, time stretching; quiet."""
