"""Texts of files of several trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gates.vcs.git import Git
from gates.vcs.texts import texts_of

if TYPE_CHECKING:
    from tests.repository import Repository


def test_files_are_read_from_each_tree_that_has_them_whatever_they_are_called(repository: Repository) -> None:
    (repository.root / "bytes").write_bytes(b"\0\1")
    before = repository.commit({"a.toml": "missing\n", "grüße b.toml": "é", "sub/c.toml": ""})
    after = repository.commit({"a.toml": "x = 1"})
    names = ["a.toml", "grüße b.toml", "sub/c.toml", "sub", "bytes", "none", "", "line\nend"]
    assert texts_of(Git(repository.root), ((before, names), (after, ["a.toml"]))) == [
        {"a.toml": "missing\n", "grüße b.toml": "é", "sub/c.toml": ""},
        {"a.toml": "x = 1"},
    ]
    assert texts_of(Git(repository.root / "sub"), ((before, ["c.toml", "a.toml"]),)) == [{"c.toml": ""}]
    assert texts_of(Git(repository.root), ((before, []),)) == [{}]
