from __future__ import annotations

from http import HTTPStatus

import pytest

from gates.serve.guard import refusal

HOSTS = ("127.0.0.1:8000", "localhost:8000", "[::1]:8000")
OWN = {"Host": "127.0.0.1:8000"}


def status(
    headers: dict[str, str] | list[tuple[str, str]], method: str = "GET", target: str = "/secret/"
) -> HTTPStatus | None:
    items = list(headers.items()) if isinstance(headers, dict) else headers
    refused = refusal(method, target, items, HOSTS, "secret")
    return refused.status if refused else None


@pytest.mark.parametrize(
    "headers",
    [
        *({"Host": host} for host in HOSTS),
        {"host": "LOCALHOST:8000"},
        OWN | {"Sec-Fetch-Site": "none"},
        OWN | {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8000"},
        OWN | {"Content-Length": "0"},
    ],
)
def test_a_request_of_this_machine_is_answered(headers: dict[str, str]) -> None:
    assert status(headers) is None
    assert status(headers, "HEAD") is None


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, 421),
        ({"Host": ""}, 421),
        ({"Host": "127.0.0.1"}, 421),
        ({"Host": "127.0.0.1:8001"}, 421),
        ({"Host": "evil.example:8000"}, 421),
        ({"Host": "127.0.0.1.evil.example:8000"}, 421),
        ({"Host": "127.0.0.1:8000@evil.example"}, 421),
        ([("Host", "127.0.0.1:8000"), ("Host", "evil.example")], 421),
        ([("Host", "127.0.0.1:8000"), ("Host", "127.0.0.1:8000")], 421),
        (OWN | {"Origin": "http://evil.example"}, 403),
        (OWN | {"Origin": "null"}, 403),
        (OWN | {"Origin": "https://127.0.0.1:8000"}, 403),
        (OWN | {"Origin": "http://127.0.0.1:9000"}, 403),
        (OWN | {"Sec-Fetch-Site": "cross-site"}, 403),
        (OWN | {"Sec-Fetch-Site": "same-site"}, 403),
        (OWN | {"Content-Length": "5"}, 400),
        (OWN | {"Transfer-Encoding": "chunked"}, 400),
    ],
)
def test_a_request_that_another_site_can_cause_is_refused(
    headers: dict[str, str] | list[tuple[str, str]], refused: int
) -> None:
    assert status(headers) == refused


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "X"])
def test_only_reading_is_allowed(method: str) -> None:
    assert status(OWN, method) == 405


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "",
        "/secre/",
        "/secret2/",
        "secret/",
        "x/secret/",
        "http://127.0.0.1:8000/secret/",
        "//secret/",
        "/../secret/",
        "/é",
    ],
)
def test_without_the_secret_there_is_nothing(target: str) -> None:
    assert status(OWN, target=target) == 404
