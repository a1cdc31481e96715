"""Speech to text (STT) of a cascade."""
