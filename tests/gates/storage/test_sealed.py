from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.storage.sealed import read_sealed, write_sealed

if TYPE_CHECKING:
    from pathlib import Path

KEPT = b'{"a": [1, "\xc3\xa9"]}'


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_sealed(tmp_path / "x.json", KEPT)
    assert read_sealed(tmp_path / "x.json") == KEPT


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b"1", b"2"),
        lambda data: data[:-2],
        lambda data: data + b" ",
        lambda _: KEPT,
        lambda _: b"",
        lambda data: data.replace(b"sha256:", b"sha256:0", 1),
    ],
    ids=["edited", "cut", "longer", "without a seal", "empty", "another seal"],
)
def test_what_was_changed_is_refused(tmp_path: Path, change: object) -> None:
    path = tmp_path / "x.json"
    write_sealed(path, KEPT)
    path.write_bytes(change(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(ValueError, match="changed since gates wrote it"):
        read_sealed(path)


@pytest.mark.parametrize("place", ["y.json", "other/x.json"])
def test_a_file_in_the_place_of_another_is_refused(tmp_path: Path, place: str) -> None:
    write_sealed(tmp_path / "x.json", KEPT)
    (tmp_path / "other").mkdir()
    (tmp_path / place).write_bytes((tmp_path / "x.json").read_bytes())
    with pytest.raises(ValueError, match="changed since gates wrote it"):
        read_sealed(tmp_path / place)


def test_what_it_is_about_must_be_asked_for(tmp_path: Path) -> None:
    write_sealed(tmp_path / "x.json", KEPT, "one")
    with pytest.raises(ValueError, match="changed since gates wrote it"):
        read_sealed(tmp_path / "x.json", "other")
