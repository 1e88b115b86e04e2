from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.analysis.sources import ChangedTests, changed_paths, changed_tests
from gates.vcs.git import Git

if TYPE_CHECKING:
    from tests.repository import Repository

BEFORE = """\
import pytest

@pytest.mark.parametrize("n", [1, 2])
def test_one(n):
    '''Says one.'''
    assert n


def test_two():
    helper()


def helper(): ...


class TestBase:
    def setup_method(self): ...

    def test_base(self): ...


class TestDeep(TestBase):
    limit = 1

    def test_deep(self): ...

    class TestInner:
        def test_inner(self): ...


class TestOther:
    @pytest.fixture(autouse=True)
    def _around(self): ...

    @pytest.fixture
    def asked(self): ...

    async def test_other(self): ...


TestMade = make(TestOther)
"""

DEEP = {"TestDeep::test_deep", "TestDeep::TestInner::test_inner", "TestDeep::test_base", "TestDeep::setup_method"}
BASE = {"TestBase::test_base", "TestBase::setup_method"}
OTHER = {"TestOther::test_other", "TestOther::_around", "TestOther::asked", "TestMade::runTest"}
MODULE = {"test_one", "test_two", "helper", *DEEP, *BASE, *OTHER}

EDITS: dict[str, tuple[str, str, set[str]]] = {
    "a body": ("assert n", "assert n > 0", {"test_one"}),
    "a decorator": ("[1, 2]", "[1, 2, 3]", {"test_one"}),
    "a docstring": ("Says one", "Says more", {"test_one"}),
    "a comment": ("    assert n", "    # why\n    assert (n)", set()),
    "lines": ("def helper", "\n\n\ndef helper", set()),
    "what a test calls": ("def helper(): ...", "def helper(): pass", {"helper"}),
    "a new test": ("def helper", "def test_new(): ...\n\ndef helper", {"test_new"}),
    "a name": ("test_two", "test_too", {"test_too"}),
    "an inner test": ("test_inner(self): ...", "test_inner(self): pass", {"TestDeep::TestInner::test_inner"}),
    "an inherited test": (
        "test_base(self): ...",
        "test_base(self): pass",
        {"TestBase::test_base", "TestDeep::test_base"},
    ),
    "a set-up": ("setup_method(self): ...", "setup_method(self): pass", BASE | DEEP),
    "a class's attribute": ("limit = 1", "limit = 2", DEEP),
    "a class's bases": ("TestDeep(TestBase)", "TestDeep(TestBase, Mixin)", DEEP),
    "a class's decorator": ("class TestOther", "@pytest.mark.slow\nclass TestOther", OTHER),
    "a fixture for all of a class": ("_around(self): ...", "_around(self): yield", OTHER),
    "a fixture of a class": ("asked(self): ...", "asked(self): yield", {"TestOther::asked", "TestMade::runTest"}),
    "a mark of the module": ("import pytest\n", "import pytest\npytestmark = pytest.mark.slow\n", MODULE),
    "a set-up of the module": (
        "import pytest\n",
        "import pytest\ndef setup_module(): ...\n",
        {*MODULE, "setup_module"},
    ),
    "a condition around it": ("def helper", "if True:\n    def test_three(): ...\n\ndef helper", {"test_three"}),
    "how it is made": ("make(TestOther)", "make(TestOther, 2)", {"TestMade::runTest"}),
}


@pytest.mark.parametrize(("old", "new", "names"), EDITS.values(), ids=EDITS)
def test_an_edit_changes_the_tests_that_it_is_part_of(
    repository: Repository, old: str, new: str, names: set[str]
) -> None:
    base = repository.commit({"tests/test_a.py": BEFORE, "tests/test_b.py": BEFORE})
    assert old in BEFORE
    repository.write({"tests/test_a.py": BEFORE.replace(old, new)})
    git = Git(repository.root)
    found = changed_tests(git, repository.root, base, ["tests/test_a.py", "tests/test_b.py", "tests/test_none.py"])
    assert found == ChangedTests(functions=frozenset(f"tests/test_a.py::{name}" for name in names))


def test_new_and_unreadable_files_count_as_a_whole(repository: Repository) -> None:
    files = {"test_was_bad.py": "def", "test_is_bad.py": "", "test_deleted.py": "", "test_same.py": "def test(): ..."}
    base = repository.commit(files)
    repository.write({"test_was_bad.py": "", "test_is_bad.py": "def", "test_new.py": "def test_new(): ...\n" * 9})
    (repository.root / "test_deleted.py").unlink()
    found = changed_tests(Git(repository.root), repository.root, base, [*files, "test_new.py"])
    assert found == ChangedTests(
        files=frozenset({"test_was_bad.py", "test_is_bad.py", "test_new.py", "test_deleted.py"})
    )


def test_a_renamed_file_is_compared_with_what_it_was(repository: Repository) -> None:
    base = repository.commit({"tests/test_a.py": BEFORE})
    (repository.root / "tests" / "test_a.py").rename(repository.root / "tests" / "test ä.py")
    repository.write({"tests/test ä.py": BEFORE.replace("assert n", "assert n > 0")})
    found = changed_tests(Git(repository.root), repository.root, base, ["tests/test ä.py"])
    assert found == ChangedTests(functions=frozenset({"tests/test ä.py::test_one"}))


def test_a_project_in_a_subfolder_speaks_of_its_own_paths(repository: Repository) -> None:
    base = repository.commit({"part/test_a.py": BEFORE, "outside.py": "", "part/gone.py": BEFORE})
    repository.commit({"part/test_a.py": BEFORE.replace("assert n", "assert 1"), "outside.py": "x = 1"})
    root = repository.root / "part"
    (root / "gone.py").rename(root / "moved.py")
    repository.write({"part/new.txt": "", "aside/new.txt": ""})
    for git in (Git(root), Git(repository.root)):
        assert changed_tests(git, root, base, ["test_a.py"]).functions == {"test_a.py::test_one"}
        paths = changed_paths(git, root, base)
        assert paths == ("../aside/new.txt", "../outside.py", "gone.py", "moved.py", "new.txt", "test_a.py")


def test_what_is_ignored_has_not_changed_and_nothing_is_touched(repository: Repository) -> None:
    base = repository.commit({".gitignore": "made.py\n", "a.py": ""})
    repository.write({"made.py": "", "a.py": "x = 1"})
    before = repository.bytes()
    assert changed_paths(Git(repository.root), repository.root, base) == ("a.py",)
    assert changed_tests(Git(repository.root), repository.root, base, []) == ChangedTests()
    assert repository.bytes() == before
