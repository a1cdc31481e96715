"""State machines of a connection; quiet: no I/O, no clock, no task."""
