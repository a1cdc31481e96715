"""The transcript widget: layout, wrapping, painting."""
