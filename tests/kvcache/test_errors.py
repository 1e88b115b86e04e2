import pickle

import pytest

from kvcache import errors
from kvcache.errors import KVCacheError, OutOfBoundsError, OutOfMemoryError

KINDS = sorted(
    (kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, KVCacheError)),
    key=lambda kind: kind.__name__,
)
PLAIN_KINDS = [pytest.param(kind, id=kind.__name__) for kind in KINDS if kind is not OutOfMemoryError]


@pytest.mark.parametrize("kind", PLAIN_KINDS)
def test_every_kind_says_what_was_expected_and_what_came(kind: type[KVCacheError]) -> None:
    error = kind("view", expected="a range inside [0, 64)", got=(60, 70), remedy="ask for less")
    assert (error.subject, error.expected, error.got) == ("view", "a range inside [0, 64)", (60, 70))
    assert str(error) == "view: expected a range inside [0, 64), got (60, 70) (ask for less)"


@pytest.mark.parametrize("kind", PLAIN_KINDS)
def test_every_kind_survives_pickling_with_its_fields(kind: type[KVCacheError]) -> None:
    error = pickle.loads(pickle.dumps(kind("view", expected="1", got=2)))
    assert type(error) is kind
    assert str(error) == "view: expected 1, got 2"


def test_out_of_memory_says_how_much_was_needed_free_and_largest() -> None:
    error = OutOfMemoryError("allocate", needed=100, free=80, largest=40, capacity=200)
    again = pickle.loads(pickle.dumps(error))
    for each in (error, again):
        assert (each.needed, each.free, each.largest, each.capacity) == (100, 80, 40, 200)
    assert "100 free bytes in one piece, got 40 (80 of 200 bytes are free" in str(again)


def test_errors_are_caught_as_the_built_in_ones_they_resemble() -> None:
    with pytest.raises(MemoryError):
        raise OutOfMemoryError("allocate", needed=1, free=0, largest=0, capacity=1)
    with pytest.raises(IndexError):
        raise OutOfBoundsError("view", expected="0", got=1)
