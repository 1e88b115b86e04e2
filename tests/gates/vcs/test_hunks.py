from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.portable.errors import EnvironmentProblem
from gates.vcs.git import Git
from gates.vcs.hunks import FileDifference, Hunk, differences

if TYPE_CHECKING:
    from tests.repository import Repository


def test_files_that_differ_are_told_whatever_they_are_called(repository: Repository) -> None:
    lines = "".join(f"{number}\n" for number in range(1, 20))
    repository.commit({"a.py": "a\nb\nc\nd\n", 'x "y\n.py': lines, "gone.py": "1\n2\n", "same.py": "1\n"})
    (repository.root / "bin").write_bytes(b"\0\1")
    (repository.root / "link").symlink_to("a.py")
    before = repository.commit({})
    (repository.root / "link").unlink()
    (repository.root / 'x "y\n.py').rename(repository.root / "ü.py")
    (repository.root / "gone.py").unlink()
    (repository.root / "bin").write_bytes(b"\0\2")
    after = repository.commit(
        {"a.py": "a\n++\n--\nd", "ü.py": f"0\n{lines}", "new.py": "diff --git a/x b/x\n", "link": "file\n"}
    )
    found = {each.after or each.before: each for each in differences(Git(repository.root), before, after)}
    assert found == {
        "a.py": FileDifference("a.py", "a.py", (Hunk(2, ("b", "c", "d"), 2, ("++", "--", "d")),)),
        "bin": FileDifference("bin", "bin"),
        "gone.py": FileDifference("gone.py", "", (Hunk(1, ("1", "2"), 0, ()),)),
        "link": FileDifference("link", "link", (Hunk(1, ("a.py",), 0, ()), Hunk(0, (), 1, ("file",)))),
        "new.py": FileDifference("", "new.py", (Hunk(0, (), 1, ("diff --git a/x b/x",)),)),
        "ü.py": FileDifference('x "y\n.py', "ü.py", (Hunk(0, (), 1, ("0",)),)),
    }
    with pytest.raises(EnvironmentProblem, match="git failed"):
        differences(Git(repository.root), before, "0" * 40)


def test_paths_begin_at_the_project_which_may_lie_below_the_repository(repository: Repository) -> None:
    before = repository.commit({"sub/a.py": "a\n", "other.py": "a\n"})
    after = repository.commit({"sub/a.py": "b\n", "other.py": "b\n"})
    (only,) = differences(Git(repository.root / "sub"), before, after)
    assert only.after == "a.py"


edits = st.lists(st.sampled_from(["keep", "remove", "add", "change"]), max_size=30)


@given(edits)
def test_a_line_that_both_have_is_found_again(edits: list[str]) -> None:
    """The hunks of a made-up difference, as git would group them."""
    base = head = 0
    expected: dict[int, int] = {}
    hunks: list[Hunk] = []
    removed: list[str] = []
    added: list[str] = []

    def close() -> None:
        if removed or added:
            first = base - len(removed) + bool(removed)
            hunks.append(Hunk(first, tuple(removed), head - len(added) + bool(added), tuple(added)))
            removed.clear()
            added.clear()

    for edit in edits:
        if edit == "keep":
            close()
            base, head = base + 1, head + 1
            expected[head] = base
            continue
        if edit in {"remove", "change"}:
            base += 1
            removed.append("x")
        if edit in {"add", "change"}:
            head += 1
            expected[head] = 0
            added.append("x")
    close()
    file = FileDifference("a", "a", tuple(hunks))
    assert {line: file.back(line) for line in expected} == expected
    assert [line for line, _ in file.added()] == [line for line, same in expected.items() if not same]
