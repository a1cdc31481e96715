"""Alibaba Qwen-Omni realtime."""
