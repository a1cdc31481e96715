"""The terminal: driver, keyboard protocols, graphics."""
