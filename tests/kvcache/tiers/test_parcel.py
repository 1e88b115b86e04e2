"""What was packed comes back, also what an older version packed."""

import json
import struct
import zlib

import numpy as np
import pytest

from kvcache.tiers.parcel import from_bytes, pack, to_bytes
from tests.kvcache.fakes import make_manager, tokens


def packed_by_the_first_version(keys: np.ndarray, values: np.ndarray) -> bytes:
    """[layers, kv_heads, tokens, width] each, as version 1 packed them."""
    layers, heads, count, width = keys.shape
    facts = {"session": "a", "tokens": count, "layers": layers, "heads": heads, "dtype": "float32", "encoding": None}
    facts |= {"widths": [width, width], "dims": [width, width]}
    body = keys.tobytes() + values.tobytes()
    rest = {"namespace": "ns", "max_context": 4, "ttl_seconds": None, "run": "r", "number": 7}
    header = json.dumps({"facts": facts, "checksum": zlib.crc32(body), **rest}).encode()
    return struct.pack("<8sII", b"kvparcl1", len(header), zlib.crc32(header)) + header + body


def test_a_parcel_of_the_first_version_is_unpacked() -> None:
    entry = make_manager().get_or_create("a")
    keys = np.arange(2 * 2 * 3 * 4, dtype=np.float32).reshape(2, 2, 3, 4)
    parcel = from_bytes(packed_by_the_first_version(keys, -keys), "ns", "a")
    assert (parcel.number, parcel.max_context, parcel.facts.layers) == (7, 4, 2)
    entry.begin(parcel.contents)
    for layer in range(2):
        np.testing.assert_array_equal(entry.keys(layer), keys[layer])
        np.testing.assert_array_equal(entry.values(layer), -keys[layer])


@pytest.mark.parametrize("cut", [3, 40, -1])
def test_what_is_not_whole_is_refused(cut: int) -> None:
    entry = make_manager().get_or_create("a")
    entry.append(tokens(entry.layout, 2), tokens(entry.layout, 2))
    parcel = pack(entry, run="r", number=1)
    assert parcel is not None
    content = to_bytes(parcel, "ns")
    assert from_bytes(content, "ns", "a").size == parcel.size == 2 * 2 * 64
    with pytest.raises(ValueError, match=r"[Ee]rror: |a header|as they were packed|size"):
        from_bytes(content[:cut], "ns", "a")
    with pytest.raises(ValueError, match="another session"):
        from_bytes(content, "other", "a")


@pytest.mark.parametrize("text", [bytes(24), bytes(12)])
def test_a_text_that_the_tokens_cannot_have_is_refused(text: bytes) -> None:
    entry = make_manager().get_or_create("a")
    entry.append(tokens(entry.layout, 2), tokens(entry.layout, 2))
    parcel = pack(entry, run="r", number=1, text=("tenant", text))
    assert parcel is not None
    with pytest.raises(ValueError, match="a text of more tokens"):
        from_bytes(to_bytes(parcel, ""), "", "a")
