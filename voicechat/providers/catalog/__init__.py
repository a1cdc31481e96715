"""The catalog: models, prices, keys, retirement dates, speech services."""
