"""An HTTP proxy that lets nobody through, and notes where everybody wanted to go."""

from tests.fakes.http_thread import Handler, HttpThread, Listener


class ClosedProxy(HttpThread):
    """`with` it: `asked` holds `host:port` of every CONNECT, `heads` all of its headers."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.heads: list[str] = []
        noted = self

        class Noting(Handler):
            def do_CONNECT(self) -> None:
                noted.asked.append(self.path)
                noted.heads.append(str(self.headers))
                self.write_whole(403, b"", {"Connection": "close"})

        self._server = Listener(("127.0.0.1", 0), Noting)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"
