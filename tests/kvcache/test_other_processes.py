"""Every public object in a forked child, and in a spawned one, works or says that it does not."""

import multiprocessing
import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import kvcache
from kvcache import paged
from kvcache.errors import ClosedError
from kvcache.integrations.states import StateStore
from tests.kvcache.fakes import make_manager, one_token
from tests.kvcache.test_copies import CLASSES, PROTOCOLS, UNIQUE, WAYS, samples


def _table() -> paged.PageTable:
    table = paged.PageTable(paged.PagePool(8), page=4)
    table.extend(5)
    return table


def _known() -> tuple[paged.PageIndex, paged.Match]:
    pool = paged.PagePool(8)
    index = paged.PageIndex(pool, page=4)
    index.store(pool.get(2), [1, 2, 3, 4, 5])
    return index, index.match([1, 2, 3, 9])


OTHERS: dict[str, Callable[[], Any]] = {
    "PagePool": lambda: paged.PagePool(8),
    "PageTable": _table,
    "PageIndex": lambda: _known()[0],
    "StateStore": lambda: StateStore(4096),
    "Match": lambda: _known()[1],
    "BlockStored": lambda: paged.BlockStored((b"1",), None, (1, 2), 4, lora_name="a"),
    "BlockRemoved": lambda: paged.BlockRemoved((b"1",)),
    "AllBlocksCleared": paged.AllBlocksCleared,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", OTHERS)
def test_a_copy_is_right_or_refused(name: str, way: str) -> None:
    thing = OTHERS[name]()
    if name in {"PagePool", "PageTable", "PageIndex", "StateStore"}:
        with pytest.raises(TypeError, match=f"{name} objects cannot be copied or pickled"):
            WAYS[way](thing)
    elif isinstance(thing, paged.Match):
        made = WAYS[way](thing)
        assert (made.pages.tolist(), made.tokens, made.tail) == (thing.pages.tolist(), thing.tokens, thing.tail)
    else:
        assert WAYS[way](thing) == thing


def _append(entry: kvcache.KVCacheEntry) -> bool:
    token = one_token(entry.layout)
    return entry.append(token, token) == len(entry)


def _refused(call: Callable[[], object], error: type[Exception]) -> bool:
    try:
        call()
    except error:
        return True
    return False


def _one_session() -> kvcache.KVCacheManager:
    manager = make_manager()
    _append(manager.get_or_create("a"))
    return manager


USES: dict[str, Callable[[Any], object]] = {
    "Allocator": lambda thing: thing.deallocate(thing.allocate(64)) is None,
    "Arena": lambda thing: thing.view(0, 64, "u1").sum() == 0,
    "FileStore": lambda thing: thing.get("0" * 40) is None,
    "JsonLinesSink": lambda thing: _refused(lambda: thing(make_manager().snapshot()), ValueError),
    "KVCacheEntry": _append,
    "KVCacheManager": lambda thing: _append(thing.get_or_create("child")),
    "MappedSession": lambda thing: len(thing) == 0 and thing.keys(0).shape[1] == 0,
    "MemoryPool": lambda thing: thing.deallocate(thing.allocate(64)) is None,
    "PageIndex": lambda thing: thing.match([1, 2, 3, 4, 7]).tokens == 4,
    "PagePool": lambda thing: thing.drop(thing.get(3)) is None,
    "PageTable": lambda thing: thing.extend(1) is not thing,
    "PrefixIndex": lambda thing: thing.longest([1]) is None,
    "SharedReader": lambda thing: thing.session("a") is not None,
    "SharedSession": lambda thing: thing.keys(0).shape[1] == 0,
    "SharedWriter": lambda thing: _refused(lambda: thing.publish(_one_session(), "a"), ClosedError),
    "Snapshot": lambda thing: len(thing.session("a")) == 0,
    "StateStore": lambda thing: thing.check() is None,
    "Tier": lambda thing: thing.get("nobody") is None or True,
}
"""What a child does with what it has inherited; true where that is right."""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_uses_every_object_or_is_told_that_it_cannot(tmp_path: Path) -> None:
    things = samples(tmp_path) | {name: make() for name, make in OTHERS.items()}
    used = {name for name in things if name in UNIQUE or name in {"PagePool", "PageTable", "PageIndex", "StateStore"}}
    assert used == set(USES)
    wrong = tmp_path / "wrong"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        for name, use in USES.items():
            try:
                problem = "" if use(things[name]) else f"{name}: not right\n"
            except ClosedError:
                problem = "" if name == "Tier" else f"{name}: closed\n"
            except BaseException as error:  # noqa: BLE001 - the parent says it
                problem = f"{name}: {error!r}\n"
            with wrong.open("a") as file:
                file.write(problem)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert wrong.read_text() == ""
    assert all(USES[name](things[name]) for name in ("KVCacheManager", "KVCacheEntry", "MemoryPool", "PagePool"))


def _kinds(things: dict[str, object]) -> dict[str, str]:
    """In the spawned child: what came, as text."""
    return {name: re.sub(r" at 0x\w+", "", repr(thing)) for name, thing in things.items()}


@pytest.mark.slow  # a process is what it shows
def test_a_spawned_child_gets_every_object_that_can_be_copied(tmp_path: Path) -> None:
    things = {
        name: thing for name, thing in samples(tmp_path).items() if name in CLASSES and name not in UNIQUE | PROTOCOLS
    }
    things = {name: thing for name, thing in things.items() if "Sink" not in name}  # they tell where they are
    things |= {name: make() for name, make in OTHERS.items() if name.startswith(("Block", "All", "Match"))}
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_kinds, (things,)) == _kinds(things)
    assert len(things) > 30
