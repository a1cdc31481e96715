"""An HTTP proxy that leads everybody to one port of this machine, wherever they wanted to go.

So a stand-in can be reached by the name of the service that it stands in for.
"""

import select
import socket

from tests.fakes.http_thread import Handler, HttpThread, Listener


class LeadingProxy(HttpThread):
    """`with` it: `asked` holds `host:port` of every CONNECT."""

    def __init__(self, target: int) -> None:
        super().__init__()
        self.asked: list[str] = []
        noted = self

        class Leading(Handler):
            def do_CONNECT(self) -> None:
                noted.asked.append(self.path)
                self.close_connection = True
                with socket.create_connection(("127.0.0.1", target)) as far:
                    self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    _relay(self.connection, far)

        self._server = Listener(("127.0.0.1", 0), Leading)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def _relay(near: socket.socket, far: socket.socket) -> None:
    """Bytes both ways, until either side is at its end."""
    other = {near: far, far: near}
    while True:
        for ready in select.select([near, far], [], [])[0]:
            data = ready.recv(2**16)
            if not data:
                return
            other[ready].sendall(data)
