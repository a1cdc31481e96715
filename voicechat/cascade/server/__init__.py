"""The cascade's server: OpenAI Realtime's protocol over its parts."""
