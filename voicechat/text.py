"""Foreign words made safe for a terminal and a file."""
