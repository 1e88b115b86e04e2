"""Keep sessions in Redis or Valkey; needs the extra `redis`."""

from __future__ import annotations

from typing import Any

import redis

from kvcache.values import Unique

LONGEST = 512 * 1024 * 1024
"""Bytes of a value, by Redis's own limit."""


class RedisStore(Unique):
    """Keeps sessions on a server, which several processes and machines can share; give each model its own namespace.

    Args:
        url: of the server, such as `redis://127.0.0.1:6379/0`; `rediss://` and `unix://` as well.
        seconds: how long the server keeps a session; None: until it wants the room (its `maxmemory-policy`).
        time_limit: seconds that it may take to connect, and to send or receive a piece.
    """

    def __init__(self, url: str, *, seconds: float | None = None, time_limit: float = 0.5) -> None:
        self._milliseconds = None if seconds is None else max(1, int(seconds * 1000))
        self._client = redis.Redis.from_url(
            url, socket_timeout=time_limit, socket_connect_timeout=time_limit, retry=None, protocol=2
        )

    def get(self, key: str) -> bytes | None:
        """What was put under the key, or None.

        Raises:
            redis.RedisError: the server is away, or says no.
        """
        found: Any = self._client.get(f"kvcache:{key}")
        return found if found is None else bytes(found)

    def put(self, key: str, content: bytes) -> None:
        """Keep bytes.

        Raises:
            redis.RedisError: the server is away, full, or says no.
            ValueError: more bytes than a value can have.
        """
        if len(content) > LONGEST:
            raise ValueError(f"{len(content)} bytes are more than the {LONGEST} of a value")
        self._client.set(f"kvcache:{key}", content, px=self._milliseconds)

    def delete(self, key: str) -> None:
        """Keep nothing under the key.

        Raises:
            redis.RedisError: the server is away, or says no.
        """
        self._client.delete(f"kvcache:{key}")

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()
