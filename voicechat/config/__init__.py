"""Configuration: schema, file and environment."""
