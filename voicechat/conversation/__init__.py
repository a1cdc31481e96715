"""A conversation: its items in memory, and its journal on disk."""
