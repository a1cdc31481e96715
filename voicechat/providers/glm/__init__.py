"""Zhipu GLM-Realtime."""
