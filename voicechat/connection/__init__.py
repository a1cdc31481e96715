"""Connections to a model, one after another: dial, keepalive, reconnect, renewal, fallback."""
