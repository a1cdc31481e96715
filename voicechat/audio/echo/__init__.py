"""Acoustic echo cancellation: delay search, canceller, leak gate."""
