"""Text to speech (TTS) of a cascade."""
