"""Requests as bytes, to a server in this process."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from gates.portable.errors import EnvironmentProblem
from gates.serve.server import BYTES, HEADERS, Server
from gates.serve.site import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gates.serve.site import Site


class Pages:
    """A site of one page, which may wait."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.entered = threading.Semaphore(0)

    def answer(self, path: str) -> Answer:
        self.asked.append(path)
        self.entered.release()
        self.go_on.wait()
        return Answer(HTTPStatus.OK, b"<p>page</p>", "default-src 'none'")


@pytest.fixture
def pages() -> Pages:
    return Pages()


def serving(pages: Pages, port: int = 0) -> Server:
    site: Site = pages  # type: ignore[assignment]
    return Server(site, port, secret=lambda: "secret")


@pytest.fixture
def server(pages: Pages) -> Iterator[Server]:
    server = serving(pages)
    with server.answering(0.01):
        yield server


def send(server: Server, data: bytes, host: str = "127.0.0.1") -> tuple[int, dict[str, str], bytes]:
    """The status, the headers and the body of the answer; status 0 for none."""
    with socket.create_connection((host, server.port), timeout=30) as connection:
        connection.sendall(data)
        try:
            found = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        except ConnectionResetError:  # it was closed before everything was read
            found = b""
    head, _, body = found.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    return int([*first.split(), "0", "0"][1]), dict(line.split(": ", 1) for line in lines), body


def request(server: Server, line: str = "GET /secret/ HTTP/1.1", *headers: str, host: str | None = None) -> bytes:
    known = host if host is not None else server.hosts[0]
    return "\r\n".join([line, f"Host: {known}", *headers, "", ""]).encode("latin-1")


def test_the_page_comes_with_headers_that_allow_nothing_else(server: Server) -> None:
    status, headers, body = send(server, request(server))
    assert (status, body) == (200, b"<p>page</p>")
    assert headers["Content-Security-Policy"] == "default-src 'none'"
    assert HEADERS.items() <= headers.items()
    assert headers["Content-Length"] == "11"


def test_an_unchanged_page_is_not_sent_again(server: Server) -> None:
    tag = send(server, request(server))[1]["ETag"]
    status, _, body = send(server, request(server, "GET /secret/ HTTP/1.1", f"If-None-Match: {tag}"))
    assert (status, body) == (304, b"")


def test_a_head_request_has_no_body(server: Server) -> None:
    status, headers, body = send(server, request(server, "HEAD /secret/ HTTP/1.1"))
    assert (status, headers["Content-Length"], body) == (200, "11", b"")


def test_both_addresses_of_this_machine_answer(server: Server) -> None:
    assert send(server, request(server, host=server.hosts[1]))[0] == 200
    if len(server._servers) == 2:
        assert send(server, request(server, host=server.hosts[2]), "::1")[0] == 200


def test_without_its_slash_the_address_leads_to_the_page(server: Server) -> None:
    status, headers, _ = send(server, request(server, "GET /secret HTTP/1.1"))
    assert (status, headers["Location"]) == (308, "/secret/")


@pytest.mark.parametrize(
    ("line", "headers", "host", "refused"),
    [
        ("GET /secret/ HTTP/1.1", [], "evil.example", 421),
        ("GET /secret/ HTTP/1.1", ["Origin: http://evil.example"], None, 403),
        ("GET /secret/ HTTP/1.1", ["Sec-Fetch-Site: cross-site"], None, 403),
        ("POST /secret/ HTTP/1.1", ["Content-Length: 3"], None, 405),
        ("DELETE /secret/runs/one HTTP/1.1", [], None, 405),
        ("GET / HTTP/1.1", [], None, 404),
        ("GET /runs/one HTTP/1.1", [], None, 404),
        ("GET /secret/../../etc/passwd HTTP/9.9", [], None, 505),
        ("GET http://evil.example/secret/ HTTP/1.1", [], None, 404),
    ],
)
def test_a_refused_request_reaches_no_page(
    server: Server, pages: Pages, line: str, headers: list[str], host: str | None, refused: int
) -> None:
    status, found, body = send(server, request(server, line, *headers, host=host))
    assert status == refused
    assert "secret" not in body.decode()
    assert HEADERS.items() <= found.items()
    assert "default-src 'none'" in found["Content-Security-Policy"]
    assert pages.asked == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00",
        b"GET\r\n\r\n",
        b"GET /secret/ HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /secret/\r\n\r\n",
        b"GET /secret/ HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"GET /" + b"a" * (2 * BYTES) + b" HTTP/1.1\r\n\r\n",
        b"GET /secret/ HTTP/1.1\r\nX: " + b"a" * (2 * BYTES) + b"\r\nHost: %s\r\n\r\n",
    ],
    ids=["nothing", "empty", "tls", "no target", "bad header", "http/0.9", "many headers", "long line", "long header"],
)
def test_nonsense_reaches_no_page_and_the_server_goes_on(server: Server, pages: Pages, data: bytes) -> None:
    # It may be refused before all of it was sent.
    with suppress(OSError), socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(data.replace(b"%s", server.hosts[0].encode()))
        connection.shutdown(socket.SHUT_WR)
    assert send(server, request(server))[0] == 200
    assert pages.asked == [""]


def test_a_browser_that_goes_away_disturbs_nothing(
    server: Server, pages: Pages, capfd: pytest.CaptureFixture[str]
) -> None:
    pages.go_on.clear()
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(request(server))
        pages.entered.acquire()
    pages.go_on.set()
    assert send(server, request(server))[0] == 200
    assert capfd.readouterr().err == ""


def test_too_many_connections_are_closed_and_later_ones_are_answered(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gates.serve.server.CONNECTIONS", 2)
    server = serving(pages)
    pages.go_on.clear()
    with server.answering(0.01):
        busy = [socket.create_connection(("127.0.0.1", server.port), timeout=30) for _ in range(2)]
        for connection in busy:
            connection.sendall(request(server))
            pages.entered.acquire()
        assert send(server, request(server))[0] == 0
        pages.go_on.set()
        for connection in busy:
            while connection.recv(1 << 16):
                pass
            connection.close()
        server.places.acquire(timeout=30)
        server.places.release()
        assert send(server, request(server))[0] == 200


def test_a_taken_port_is_refused_with_what_to_do(server: Server, pages: Pages) -> None:
    with pytest.raises(EnvironmentProblem, match="cannot listen") as refused:
        serving(pages, server.port)
    assert "name another port" in str(refused.value)


def test_two_servers_have_their_own_ports_and_secrets(server: Server, pages: Pages) -> None:
    site: Site = pages  # type: ignore[assignment]
    other, third = Server(site), Server(site)
    try:
        assert len({server.port, other.port, third.port}) == 3
        assert other.secret != third.secret
        assert len(other.secret) >= 16
    finally:
        other.close()
        third.close()


def test_at_the_end_the_port_is_free_again(pages: Pages) -> None:
    server = serving(pages)
    with server.answering(0.01):
        pass
    serving(pages, server.port).close()
