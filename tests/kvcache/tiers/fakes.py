"""A store that does what a test tells it."""

import threading
from collections.abc import Callable

from kvcache import KVCacheManager, KVLayout
from tests.kvcache.fakes import tokens

LAYOUT = KVLayout(layers=2, kv_heads=2, head_dim=4, value_dim=3, max_context=8)


class FakeStore:
    """Keeps bytes in a dictionary; `fault` is called before every step, and may raise or wait."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.fault: Callable[[str], None] = lambda _: None
        self.steps: list[str] = []
        self.closed = False

    def get(self, key: str) -> bytes | None:
        self._step("get")
        return self.kept.get(key)

    def put(self, key: str, content: bytes) -> None:
        self._step("put")
        self.kept[key] = content

    def delete(self, key: str) -> None:
        self._step("delete")
        self.kept.pop(key, None)

    def close(self) -> None:
        self.closed = True

    def _step(self, action: str) -> None:
        self.steps.append(action)
        self.fault(action)


class Gate:
    """A fault that waits until a test opens it."""

    def __init__(self, *actions: str) -> None:
        self.actions = actions
        self.open = threading.Event()
        self.reached = threading.Event()

    def __call__(self, action: str) -> None:
        if action in self.actions:
            self.reached.set()
            assert self.open.wait(20)


def lost(*actions: str) -> Callable[[str], None]:
    """A fault that raises."""

    def fault(action: str) -> None:
        if action in actions:
            raise ConnectionError(action)

    return fault


def small_manager(blocks: int = 2, layout: KVLayout = LAYOUT, ttl: float | None = None) -> KVCacheManager:
    return KVCacheManager(layout, capacity_bytes=blocks * layout.block_bytes, ttl_seconds=ttl)


def add(manager: KVCacheManager, name: str, count: int, fill: float) -> None:
    """Append `count` tokens that are all `fill`."""
    made = tokens(LAYOUT, count, fill)
    manager.get_or_create(name).append(made, made[..., :3])


def filling(manager: KVCacheManager, name: str) -> list[float] | None:
    """What the tokens of a session are filled with, after checking that each has one number in keys and values; None without one."""
    entry = manager.get(name)
    if entry is None:
        return None
    found = []
    for key, value in zip(entry.key(), entry.value(), strict=True):
        numbers = {*key.ravel().tolist(), *value.ravel().tolist()}
        assert len(numbers) == 1, numbers
        found.append(numbers.pop())
    return found
