"""A real server keeps sessions; stopped in the middle it is a miss, and back again it is used again.

Needs the extra `redis`, and Debian's `redis-server` or `valkey-server`; without them these tests are skipped.
"""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kvcache import Tier
from kvcache.tiers.parcel import key_of
from tests.kvcache.tiers.fakes import add, filling, small_manager

pytest.importorskip("redis", reason="the extra `redis` is not installed")

from kvcache.tiers.redis import RedisStore

SERVER = shutil.which("redis-server") or shutil.which("valkey-server")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(SERVER is None, reason="neither redis-server nor valkey-server is installed"),
]


class Server:
    """A server on loopback, without files."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = [str(SERVER), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        command += ["--dir", str(self.folder), "--maxmemory", "3mb", "--maxmemory-policy", "noeviction"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert self.process.poll() is None
                time.sleep(0.01)  # it tells nobody when it listens
            else:
                return
        raise AssertionError("the server does not listen")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    made.start()
    yield made
    made.stop()


def test_a_server_that_is_stopped_in_the_middle_is_a_miss_and_used_again_when_it_is_back(server: Server) -> None:
    manager = small_manager()
    with Tier(manager, RedisStore(server.url), time_limit=5.0, failures=2, cooldown=0.05) as tier:
        for number in range(4):
            add(manager, f"s{number}", 2, float(number))  # the first two have to go
        assert tier.flush(10)
        assert tier.get("s0") is not None
        assert filling(manager, "s0") == [0.0, 0.0]
        assert tier.flush(10)
        server.stop()
        for number in range(4, 8):
            assert tier.get(f"s{number - 3}") is None or number == 7  # the last one is in memory
            add(manager, f"s{number}", 1, float(number))
        assert tier.flush(10)
        figures = tier.statistics()
        assert figures.failed
        assert figures.opened
        server.start()
        end = time.monotonic() + 20
        while not tier.statistics().stored > figures.stored:
            assert time.monotonic() < end
            for name in ("again", "and again"):
                manager.evict(name)
                add(manager, name, 2, 9.0)
            manager.get_or_create("room")
            assert tier.flush(10)
        assert tier.get("again") is not None or tier.get("and again") is not None
        manager.check()


def test_a_server_that_is_full_or_damages_what_it_keeps_is_a_miss(server: Server) -> None:
    manager, store = small_manager(), RedisStore(server.url, seconds=100.0)
    with Tier(manager, store, time_limit=5.0, namespace="model") as tier:
        add(manager, "a", 2, 1.0)
        assert tier.spill() == 1
        assert tier.flush(10)
        key = key_of("model", "a")
        content = store.get(key)
        assert content is not None
        store.put(key, content[:-1] + b"\xff")
        for name in ("x", "y"):
            manager.get_or_create(name)
        assert tier.get("a") is None
        assert tier.statistics().damaged == 1
        with pytest.raises(Exception, match=r"maxmemory|OOM"):
            store.put(key, b"x" * 4_000_000)
        with pytest.raises(ValueError, match="more than"):
            store.put(key, bytes(513 * 1024 * 1024))
        assert store.get(key) is None
