"""Serve the site over HTTP, on the loopback addresses of this machine only.

One request per connection (HTTP/1.0), a bounded number of them at a time, and of a bounded size.
"""

from __future__ import annotations

import secrets
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, BinaryIO

from gates.portable.errors import EnvironmentProblem
from gates.serve.guard import METHODS, refusal
from gates.serve.pages import policy
from gates.serve.site import Answer, Site, refused

CONNECTIONS = 32
"""How many are served at a time; further ones are closed. A browser also opens some in advance."""

SECONDS = 10.0
"""To wait for the next part of a request, and for an answer to be taken."""

BYTES = 16_384
"""Of the request line and all headers."""

HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every answer, besides its policy."""


class _Bounded:
    """The beginning of a request, up to a number of bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, BYTES

    def readline(self, most: int = -1) -> bytes:
        """A line; an empty one, as at the end, when there are too many bytes."""
        line = self._file.readline(min(self._left, most) if most >= 0 else self._left)
        self._left -= len(line)
        return line if line.endswith(b"\n") else b""

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: _Server
    timeout = SECONDS
    server_version, sys_version = "gates", ""

    def setup(self) -> None:
        """Limit what is read."""
        super().setup()
        self.rfile: Any = _Bounded(self.rfile)

    def parse_request(self) -> bool:
        """Parse the request, and refuse it or answer it: all methods take the same way."""
        if super().parse_request():
            self._respond()
        return False  # nothing is left to do

    def _respond(self) -> None:
        own = self.server.own
        path = self.path.split("?", 1)[0]
        why = refusal(self.command, path, self.headers.items(), own.hosts, own.secret)
        if why is None and path == f"/{own.secret}":
            return self._send(Answer(HTTPStatus.PERMANENT_REDIRECT, b"", policy()), Location=f"/{own.secret}/")
        answer = refused(*why) if why else own.site.answer(path.removeprefix(f"/{own.secret}/"))
        if answer.status == HTTPStatus.OK and self.headers.get("If-None-Match") == answer.tag:
            answer = Answer(HTTPStatus.NOT_MODIFIED, b"", answer.policy)
        return self._send(answer)

    def _send(self, answer: Answer, **more: str) -> None:
        self.send_response(answer.status)
        known = {**HEADERS, "Content-Security-Policy": answer.policy, **more}
        if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
            known["Allow"] = ", ".join(METHODS)
        if answer.status == HTTPStatus.OK:
            known["ETag"] = answer.tag
        if answer.status != HTTPStatus.NOT_MODIFIED:
            known |= {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(answer.body))}
        for name, value in known.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Refuse what is no request at all, without repeating any of it."""
        self.requestline, self.request_version, self.command = "", "HTTP/1.0", ""
        self._send(
            refused(HTTPStatus(code), "This is no request that can be answered", "Open the address in a browser.")
        )

    def log_message(self, *_: object) -> None:
        """Say nothing: requests are not interesting."""


class _Server(socketserver.ThreadingTCPServer):
    """Listens on one address."""

    allow_reuse_address = True
    daemon_threads, block_on_close = True, False
    request_queue_size = CONNECTIONS

    def __init__(self, host: str, port: int, own: Server) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.own = own
        super().__init__((host, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread, unless there are too many."""
        if not self.own.places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.own.places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went away; another error is a bug, whose traceback is shown."""
        import sys

        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Server:
    """Listens on 127.0.0.1, and on ::1 where that exists.

    Attributes:
        address: of the first page.
        hosts: `host:port`, in each form.
        secret: the first part of every path, so that other users of this machine cannot read the runs.
    """

    def __init__(
        self, site: Site, port: int = 0, secret: Callable[[], str] = lambda: secrets.token_urlsafe(12)
    ) -> None:
        """Listen, but do not answer yet.

        Args:
            site: what is served.
            port: to listen on; 0 for a free one.
            secret: makes the secret.

        Raises:
            EnvironmentProblem: the port is taken.
        """
        self.site, self.secret = site, secret()
        self.places = threading.BoundedSemaphore(CONNECTIONS)
        try:
            first = _Server("127.0.0.1", port, self)
        except (OSError, OverflowError) as error:
            raise EnvironmentProblem(
                f"cannot listen: {getattr(error, 'strerror', '') or error}",
                place=f"127.0.0.1:{port}",
                remedy="name another port, or none: then a free one is chosen",
            ) from error
        self.port: int = first.server_address[1]
        self._servers = [first]
        with suppress(OSError):  # no IPv6 here, or another program has this port there
            self._servers.append(_Server("::1", self.port, self))
        self.hosts = tuple(f"{host}:{self.port}" for host in ("127.0.0.1", "localhost", "[::1]"))
        self.address = f"http://{self.hosts[0]}/{self.secret}/"

    @contextmanager
    def answering(self, pause: float = 0.1) -> Iterator[None]:
        """Answer requests meanwhile; at the end, the ports are free again.

        Args:
            pause: seconds between two looks whether this is the end.
        """
        threads = [
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": pause}, daemon=True)
            for server in self._servers
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            for server in self._servers:
                server.shutdown()
            self.close()

    def close(self) -> None:
        """Stop listening."""
        for server in self._servers:
            server.server_close()
