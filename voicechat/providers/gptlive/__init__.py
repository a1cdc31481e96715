"""OpenAI GPT-Live: full duplex."""
