"""State machines of a session; quiet: no I/O, no clock, no task."""
