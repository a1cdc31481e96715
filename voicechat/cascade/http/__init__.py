"""HTTP services of a cascade: transport, retries, server-sent events, refusals."""
