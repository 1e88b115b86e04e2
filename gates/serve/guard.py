"""Decide whether a request is answered: only reading, only from this machine, and only for those who know the address.

A page of another site can make a browser on this machine send requests, and a name of that site can point to this machine
(DNS rebinding). Such requests name another host, another origin, or are marked by the browser.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Sequence
from http import HTTPStatus
from typing import NamedTuple

METHODS = ("GET", "HEAD")

OPEN_AGAIN = "Open the address that `gates serve` printed."


class Refusal(NamedTuple):
    """Why a request is not answered, and what to do."""

    status: HTTPStatus
    what: str
    remedy: str = OPEN_AGAIN


def refusal(
    method: str, target: str, headers: Sequence[tuple[str, str]], hosts: Collection[str], secret: str
) -> Refusal | None:
    """The reason to refuse a request; None for none.

    Args:
        method: of HTTP.
        target: as in the request line.
        headers: names and values.
        hosts: the server's own `host:port`, in each form.
        secret: the first part of every path.
    """
    if method not in METHODS:
        return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "Runs can only be read here", "Nothing was changed.")
    fields: dict[str, list[str]] = {}
    for name, value in headers:
        fields.setdefault(name.lower(), []).append(value.strip())
    if [host.lower() for host in fields.get("host", [])] not in [[host] for host in hosts]:
        return Refusal(HTTPStatus.MISDIRECTED_REQUEST, "The request was meant for another host")
    foreign = {*fields.get("origin", [])} - {f"http://{host}" for host in hosts}
    if foreign or {*fields.get("sec-fetch-site", [])} - {"same-origin", "none"}:
        return Refusal(HTTPStatus.FORBIDDEN, "The request comes from a page of another site")
    if fields.get("content-length", ["0"]) != ["0"] or "transfer-encoding" in fields:
        return Refusal(HTTPStatus.BAD_REQUEST, "The request has a body", "Nothing can be sent here.")
    start, given, _ = (*target.split("/", 2), "", "")[:3]
    if start or not hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode()):
        return Refusal(HTTPStatus.NOT_FOUND, "There is nothing at this address")
    return None
