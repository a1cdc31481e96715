"""Commands that list things and end."""
