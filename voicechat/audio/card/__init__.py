"""The sound card: PortAudio streams, ring buffers, device health."""
