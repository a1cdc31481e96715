"""Speech services of vendors, as parts of a cascade."""
