"""Language models (LLM) of a cascade."""
