"""One live conversation: turns, barge-in, watchdog, cost."""
