from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import gates.readers.formats
from gates.readers.formats import beginning_of, kind_of, unexpected, whole

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("beginning", "kind"),
    [
        (b"\xef\xbb\xbf <!DOCTYPE HTML>", "an HTML page"),
        (b"\x1f\x8b\x08", "compressed by gzip"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"version https://git-lfs.github.com/spec/v1", "a git LFS pointer; its content was not fetched"),
        (b"TAP version 13", "TAP"),
        (b"hello", ""),
        (b"", ""),
    ],
)
def test_a_file_is_known_by_its_first_bytes(beginning: bytes, kind: str) -> None:
    assert kind_of(beginning) == kind


def test_the_error_of_a_wrong_file_names_what_it_is_where_that_is_known() -> None:
    assert str(unexpected(b"PK\x03\x04", "LCOV")) == "is a ZIP archive, not LCOV"
    assert str(unexpected(b"hello", "LCOV")) == "is not LCOV"


def test_a_mark_and_white_space_in_front_are_no_content(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"\xef\xbb\xbf\r\n {}")
    assert (beginning_of(file), whole(file)) == (b"{}", b"\r\n {}")
    file.write_bytes(b"\xef\xbb\xbf\n")
    with pytest.raises(ValueError, match="is empty"):
        beginning_of(file)


def test_what_would_fill_the_memory_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates.readers.formats, "MOST", 1 << 20)
    file = tmp_path / "file"
    file.write_bytes(b" " * (1 << 20))
    assert len(whole(file)) == 1 << 20
    file.write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(ValueError, match="is larger than 1 MiB"):
        whole(file)
