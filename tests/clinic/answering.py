"""A web server that answers as a test wants it to, over a real connection."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from vmcore.settings import WebArchive


@dataclass
class Answering:
    """What is answered to every request: a status, headers, and pieces of a body; and what was asked."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: tuple[bytes, ...] = ()
    asked: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def archive(self) -> WebArchive:
        """It, as an archive."""
        return WebArchive(name="web", url=self.url)


@contextmanager
def answering(certificate: Path | None = None) -> Iterator[Answering]:
    """A server on this machine; with a certificate and its key in one file it is encrypted."""
    told = Answering()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            told.asked.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.end_headers()  # without a length the body ends with the connection
            for piece in told.body:
                try:
                    self.wfile.write(piece)
                except OSError:
                    return

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    told.url = f"http{'s' if certificate else ''}://127.0.0.1:{server.server_address[1]}/dicom-web"
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
