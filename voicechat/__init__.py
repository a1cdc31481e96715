"""Talk to realtime AI models from your terminal."""

__version__ = "0.5.0"
