"""What runs around a test without being named is read with it: its checks are checks of the test."""

from __future__ import annotations

import pytest

from gates.analysis.checks.weaker import weaker_checks
from tests.gates.analysis.checks.told import FILE, told

CASE = "class TestF(TestCase):\n    def test_f(self):\n        self.assertEqual(f(1), 2)\n"

BY_FINALIZER = """@pytest.fixture
def clean(request):
    def check():
        assert left() == []
    request.addfinalizer(check)
def test_f(clean):
    assert f(1) == 2
"""

BY_CLASS = """class clean:
    def __exit__(self, *failed):
        assert left() == []
def test_f():
    with clean():
        assert f(1) == 2
"""
BY_FIXTURE_OF_CLASS = """class TestF:
    @pytest.fixture(autouse=True)
    def clean(self):
        yield
        assert left() == []
    def test_f(self):
        assert f(1) == 2
"""


@pytest.mark.parametrize(
    "text",
    [
        f"{CASE}    def tearDown(self):\n        self.assertEqual(left(), [])\n",
        f"{CASE}    def setUp(self):\n        self.addCleanup(self.check)\n    def check(self):\n        self.assertEqual(left(), [])\n",
        f"{CASE}    def setUp(self):\n        self.addCleanup(self.assertEqual, left(), [])\n",
        f"{CASE}    def setUp(self):\n        self.addCleanup(lambda: self.assertEqual(left(), []))\n",
        f"def teardown_module():\n    assert left() == []\n{CASE}",
        "def teardown_function(function):\n    assert left() == []\ndef test_f():\n    assert f(1) == 2\n",
        "def setup_module():\n    assert left() == []\ndef test_f():\n    assert f(1) == 2\n",
        "class TestF:\n    def test_f(self):\n        assert f(1) == 2\n    def teardown_method(self):\n        assert left() == []\n",
        "@pytest.fixture(autouse=True)\ndef clean():\n    yield\n    assert left() == []\ndef test_f():\n    assert f(1) == 2\n",
        BY_FINALIZER,
        BY_CLASS,
        BY_FIXTURE_OF_CLASS,
    ],
)
def test_what_is_checked_before_or_after_a_test_is_a_check_of_it(text: str) -> None:
    assert sorted(told(text)) == ["f(1) equal 2", "left() equal []"]


def test_what_a_test_gave_away_to_be_changed_is_no_constant() -> None:
    text = "def test_f():\n    shelf = ['a']\n    lend(shelf)\n    assert shelf == ['a']\n"
    assert told(text) == ["'a' equal 'a'"]


def test_a_return_in_the_test_leaves_out_nothing_that_is_checked_after_it() -> None:
    text = "class TestF(TestCase):\n    def test_f(self):\n        if f(1):\n            return\n    def tearDown(self):\n        self.assertEqual(left(), [])\n"
    assert told(text) == ["left() equal []"]


def test_the_base_class_of_another_file_has_its_helpers_set_up_and_tear_down() -> None:
    base = (
        "import unittest\nSEEN = []\nclass Base(unittest.TestCase):\n    def setUp(self):\n        self.one = 1\n"
        "    def check(self, got, want):\n        self.assertEqual(got, want)\n    def tearDown(self):\n        self.assertEqual(left(), [])\n"
    )
    text = (
        "from tests.base import Base\nclass TestF(Base):\n    def test_f(self):\n        self.check(f(self.one), 2)\n"
    )
    assert told(text, tests__base=base) == ["f(1) equal 2", "left() equal []"]
    weaker = base.replace("assertEqual(got, want)", "assertIsNotNone(got)")
    found = weaker_checks({FILE: text, "tests/base.py": base}, {FILE: text, "tests/base.py": weaker})
    assert [(one.rule, one.path) for one in found.weakenings] == [("weaker-comparison", "tests/base.py")]
