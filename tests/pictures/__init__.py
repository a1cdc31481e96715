"""Pictures: from files of every kind to what a model takes."""
