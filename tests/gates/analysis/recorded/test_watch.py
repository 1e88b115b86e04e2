"""Only tests whose code differs are recorded, and their code is whatever they use of the test tree."""

from __future__ import annotations

import pytest

from gates.analysis.recorded.watch import choose

BASE = {
    "tests/conftest.py": "import pytest\n\n@pytest.fixture\ndef db():\n    assert 1\n    return 1\n\n@pytest.fixture\ndef other(): ...\n",
    "tests/helpers.py": "from tests.deep import below\n\ndef check(x):\n    below(x)\n\ndef unused(): ...\n",
    "tests/deep.py": "def below(x):\n    assert x\n",
    "tests/test_a.py": (
        "import pytest\nfrom tests.helpers import check, unused\nCASES = [1]\nFILE = 'cases.json'\n\n"
        "def test_plain():\n    assert True\n\ndef test_helped():\n    check(1)\n\ndef test_db(db):\n    assert db\n\n"
        "@pytest.mark.parametrize('x', CASES)\ndef test_cases(x):\n    assert x\n\ndef test_file():\n    assert FILE\n\n"
        "class TestBase:\n    def setup_method(self): ...\n    def test_one(self):\n        assert 1\n\n"
        "class TestMore(TestBase):\n    limit = 3\n    def test_two(self):\n        assert self.limit\n"
    ),
    "tests/test_b.py": "def test_b():\n    assert True\n",
}
A = "tests/test_a.py"


def changed(path: str, before: str, after: str) -> set[str]:
    """The tests that are recorded after one replacement."""
    head = {**BASE, path: BASE[path].replace(before, after)}
    assert head != BASE or before == after
    sides = choose(
        {name: text.encode() for name, text in BASE.items()},
        {name: text.encode() for name, text in head.items()},
        [path],
    )
    assert sides[0].tests == sides[1].tests
    return {test.replace(f"{A}::", "") for test in sides[1].tests}


@pytest.mark.parametrize(
    ("path", "before", "after", "tests"),
    [
        (A, "    assert True\n", "    assert 1\n", {"test_plain"}),
        (A, "\ndef test_plain", "\n\n# a comment\ndef test_plain", set()),
        (A, "    assert True\n", "    assert (\n        True\n    )\n", set()),
        (A, "CASES = [1]", "CASES = []", {"test_cases"}),
        (A, "FILE = 'cases.json'", "FILE = 'other.json'", {"test_file"}),
        (A, "import pytest\n", "import os\nimport pytest\n", set()),
        (A, "import check, unused", "import check", set()),
        (A, "setup_method(self): ...", "setup_method(self): self.x = 1", {"TestBase::test_one", "TestMore::test_two"}),
        (A, "limit = 3", "limit = 4", {"TestMore::test_two"}),
        (A, "TestMore(TestBase)", "TestMore(object)", {"TestMore::test_two"}),
        (A, "CASES = [1]", "CASES = [1]\npytestmark = []", {"test_plain", "test_helped", "test_db", "test_cases",
            "test_file", "TestBase::test_one", "TestMore::test_two"}),
        ("tests/helpers.py", "below(x)", "return\n    below(x)", {"test_helped"}),
        ("tests/helpers.py", "def unused(): ...", "def unused(): return", set()),
        ("tests/deep.py", "assert x", "if x: assert x", {"test_helped"}),
        ("tests/conftest.py", "return 1", "return 2", {"test_db"}),
        ("tests/conftest.py", "def other(): ...", "def other(): return", set()),
    ],
)  # fmt: skip
def test_a_change_selects_the_tests_that_use_it(path: str, before: str, after: str, tests: set[str]) -> None:
    assert changed(path, before, after) == tests


def test_a_new_autouse_fixture_of_a_conftest_selects_the_tests_below_it() -> None:
    found = changed(
        "tests/conftest.py", "def other(): ...", "def other(): ...\n\n@pytest.fixture(autouse=True)\ndef around(): ..."
    )
    assert {"test_plain", "TestBase::test_one", "tests/test_b.py::test_b"} <= found


@pytest.mark.parametrize("path", ["tests/cases.json", "data/cases.json"])
def test_a_changed_data_file_selects_the_tests_that_name_it(path: str) -> None:
    texts = {name: text.encode() for name, text in BASE.items()}
    _, watch = choose(texts, texts, [path])
    assert watch.tests == {f"{A}::test_file"}


def test_helpers_and_conftest_files_of_a_chosen_test_are_watched_and_other_tests_are_not() -> None:
    head = {**BASE, A: BASE[A].replace("    check(1)", "    check(2)")}
    sides = [{name: text.encode() for name, text in side.items()} for side in (BASE, head)]
    _, watch = choose(sides[0], sides[1], [A])
    assert set(watch.files) == {A, "tests/conftest.py", "tests/helpers.py", "tests/deep.py"}
    assert [(site.path, site.line) for file in watch.files.values() for site in file.sites] == [
        ("tests/conftest.py", 5),
        ("tests/deep.py", 2),
    ]


def test_a_test_that_the_base_changed_meanwhile_is_not_blamed_on_the_head() -> None:
    head = {**BASE, A: BASE[A].replace("    assert True\n", "    assert 1\n")}
    began, after = ({name: text.encode() for name, text in side.items()} for side in (BASE, head))
    without = frozenset({(A, "test_plain")})
    assert not any(choose(began, after, [A], run=began, without=without))


def test_a_file_that_is_no_python_is_left_out() -> None:
    texts = {name: text.encode() for name, text in BASE.items()}
    broken = {**texts, A: b"def test_plain(:\n"}
    before, after = choose(texts, broken, [A])
    assert before.tests
    assert not after
