"""A session is found by its text, of whatever class that is."""

import enum
from collections.abc import Callable

import numpy as np
import pytest

from kvcache import KVCacheManager
from tests.kvcache.fakes import make_manager, one_token


class Who(enum.StrEnum):
    ALICE = "alice"


class Old(str, enum.Enum):  # noqa: UP042 - of another kind than StrEnum
    ALICE = "alice"


class Odd(str):
    """Neither hashes nor compares nor shows itself as its text does."""

    __slots__ = ()

    def __hash__(self) -> int:
        return 7

    def __eq__(self, other: object) -> bool:
        return other is self

    def __str__(self) -> str:
        return "odd"


NAMES = [
    pytest.param(name, id=type(name).__name__)
    for name in ("alice", np.str_("alice"), Who.ALICE, Old.ALICE, Odd("alice"))
]
TOKEN = one_token(make_manager().layout)
CALLS: dict[str, Callable[[KVCacheManager, str], object]] = {
    "get": lambda manager, name: manager.get(name) is not None,
    "get_or_create": lambda manager, name: manager.get_or_create(name).token_count == 1,
    "append": lambda manager, name: manager.append(name, TOKEN, TOKEN) == 2,
    "contains": lambda manager, name: name in manager,
    "evict": lambda manager, name: manager.evict(name),
}


@pytest.mark.parametrize("call", [pytest.param(call, id=name) for name, call in CALLS.items()])
@pytest.mark.parametrize("asked", NAMES)
@pytest.mark.parametrize("made", NAMES)
def test_it_is_found_again(made: str, asked: str, call: Callable[[KVCacheManager, str], object]) -> None:
    manager = make_manager()
    entry = manager.get_or_create(made)
    assert type(entry.session_id) is str
    assert [type(name) for name in manager.sessions()] == [str]
    entry.append(TOKEN, TOKEN)
    assert call(manager, asked)


@pytest.mark.parametrize(
    "name", [pytest.param(name, id=type(name).__name__) for name in (7, None, b"alice", ["alice"])]
)
def test_what_is_no_text_is_in_no_manager(name: object) -> None:
    assert name not in make_manager()
