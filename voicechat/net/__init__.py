"""The network: WebSocket, proxies, HTTP CONNECT, TLS, and what their errors mean."""
