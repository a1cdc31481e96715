"""OpenAI Realtime, and the family that speaks its protocol."""
