"""No screen: lines in, lines or JSON events out."""
