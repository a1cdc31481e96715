"""What a person or a script sees of a session; holds no truth of its own."""
