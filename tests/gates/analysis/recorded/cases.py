"""Pairs of test files: what the head does to the base's assertions, and what `gates` must say about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One change of the tests.

    Attributes:
        base: text of its test file, or file → text.
        head: the same.
        says: rule and line of the expected finding; empty for a change that takes nothing away.
    """

    base: str | dict[str, str]
    head: str | dict[str, str]
    says: tuple[str, int] | None = None

    def files(self, name: str, side: str) -> dict[str, str]:
        """Path → text."""
        text = self.base if side == "base" else self.head
        return (
            {f"tests/{name}/test_{name}.py": text}
            if isinstance(text, str)
            else {f"tests/{name}/{path}": one for path, one in text.items()}
        )


PLAIN = "def test_it():\n    value = 2 * 2\n    assert value == 4\n"
UNIT = """\
import unittest

class TestIt(unittest.TestCase):
    def test_it(self):
        value = 2 * 2
        self.assertEqual(value, 4)
"""
HELPER = "def check(value):\n    assert value == 4\n\ndef test_it():\n    check(2 * 2)\n"
FIXTURE = """\
import pytest

@pytest.fixture
def box():
    made = []
    yield made
    assert made == [1]

def test_it(box):
    box.append(1)
"""
LOOP = """\
import json, pathlib

def load_cases():
    return json.loads((pathlib.Path(__file__).parent / "cases.json").read_text())

def test_it():
    for case in load_cases():
        assert case * 2 == case + case
"""
ASYNC = """\
import asyncio

def test_it():
    async def inner():
        await asyncio.sleep(0)
        assert 2 * 2 == 4
    asyncio.run(inner())
"""

WEAKER: dict[str, Case] = {
    "behind_return": Case(PLAIN, PLAIN.replace("    assert", "    return\n    assert"), ("did-not-run", 4)),
    "if_false": Case(PLAIN, PLAIN.replace("    assert", "    if False:\n        assert"), ("did-not-run", 4)),
    "if_variable": Case(
        PLAIN,
        "import os\n" + PLAIN.replace("    assert", "    if os.environ.get('NEVER_SET'):\n        assert"),
        ("did-not-run", 5),
    ),
    "if_result": Case(
        "def found(): return []\n\ndef test_it():\n    result = found()\n    assert result == []\n",
        "def found(): return []\n\ndef test_it():\n    result = found()\n    if result:\n        assert result == []\n",
        ("did-not-run", 6),
    ),
    "empty_loop": Case(
        "CASES = [1, 2, 3]\n\ndef test_it():\n    for case in CASES:\n        assert case * 2 == case + case\n",
        "CASES = []\n\ndef test_it():\n    for case in CASES:\n        assert case * 2 == case + case\n",
        ("did-not-run", 5),
    ),
    "empty_file": Case(
        {"test_empty_file.py": LOOP, "cases.json": "[1, 2, 3]"},
        {"test_empty_file.py": LOOP, "cases.json": "[]"},
        ("did-not-run", 8),
    ),
    "shorter_file": Case(
        {"test_shorter_file.py": LOOP, "cases.json": "[1, 2, 3]"},
        {"test_shorter_file.py": LOOP, "cases.json": "[2]"},
        ("ran-fewer-times", 8),
    ),
    "swallowed_failure": Case(
        PLAIN,
        "def test_it():\n    value = 2 * 3\n    try:\n        assert value == 4\n    except AssertionError:\n        pass\n",
        ("failure-swallowed", 4),
    ),
    "in_try": Case(
        PLAIN,
        "def test_it():\n    value = 2 * 2\n    try:\n        assert value == 4\n    except Exception:\n        pass\n",
        ("failure-caught", 4),
    ),
    "in_suppress": Case(
        PLAIN,
        "import contextlib\n\ndef test_it():\n    value = 2 * 2\n    with contextlib.suppress(AssertionError):\n        assert value == 4\n",
        ("failure-caught", 6),
    ),
    "in_raises": Case(
        PLAIN,
        "import pytest\n\ndef test_it():\n    value = 2 * 3\n    with pytest.raises(Exception):\n        assert value == 4\n",
        ("failure-swallowed", 6),
    ),
    "other_text_swallowed": Case(
        PLAIN,
        "def test_it():\n    value = 2 * 2\n    try:\n        assert value == 5\n    except AssertionError:\n        print('later')\n",
        ("failure-swallowed", 4),
    ),
    "other_text_behind_return": Case(
        PLAIN, "def test_it():\n    value = 2 * 2\n    return\n    assert value == 5\n", ("checks-nothing", 4)
    ),
    "unit_return": Case(UNIT, UNIT.replace("        self.", "        return\n        self."), ("did-not-run", 7)),
    "unit_suppress": Case(
        UNIT,
        "import contextlib\n"
        + UNIT.replace("        self.", "        with contextlib.suppress(Exception):\n            self."),
        ("failure-caught", 8),
    ),
    "unit_subtests": Case(
        UNIT.replace(
            "        self.", "        for n in range(3):\n            with self.subTest(n=n):\n                self."
        ),
        UNIT.replace(
            "        self.", "        for n in range(0):\n            with self.subTest(n=n):\n                self."
        ),
        ("did-not-run", 8),
    ),
    "unit_teardown": Case(
        UNIT.replace("    def", "    def tearDown(self):\n        self.assertTrue(True)\n\n    def"),
        UNIT.replace("    def", "    def tearDown(self):\n        if 0:\n            self.assertTrue(True)\n\n    def"),
        ("did-not-run", 6),
    ),
    "early_return_in_helper": Case(HELPER, HELPER.replace("    assert", "    return\n    assert"), ("did-not-run", 3)),
    "helper_not_called": Case(HELPER, HELPER.replace("    check(", "    if 0: check("), ("did-not-run", 2)),
    "helper_module": Case(
        {
            "test_helper_module.py": "from help_module import check\n\ndef test_it():\n    check(4)\n",
            "help_module.py": "def check(value):\n    assert value == 4\n",
        },
        {
            "test_helper_module.py": "from help_module import check\n\ndef test_it():\n    check(4)\n",
            "help_module.py": "def check(value):\n    if value != 4:\n        assert value == 4\n",
        },
        ("did-not-run", 3),
    ),
    "fixture_teardown": Case(
        FIXTURE, FIXTURE.replace("    assert", "    if not made:\n        assert"), ("did-not-run", 8)
    ),
    "wide_fixture": Case(
        FIXTURE.replace("@pytest.fixture", "@pytest.fixture(scope='module')"),
        FIXTURE.replace("@pytest.fixture", "@pytest.fixture(scope='module')").replace(
            "    assert", "    return\n    assert"
        ),
        ("did-not-run", 8),
    ),
    "conftest_fixture": Case(
        {
            "conftest.py": FIXTURE.partition("def test")[0],
            "test_conftest_fixture.py": "def test_it(box):\n    box.append(1)\n",
        },
        {
            "conftest.py": FIXTURE.partition("def test")[0].replace("    assert", "    if 0:\n        assert"),
            "test_conftest_fixture.py": "def test_it(box):\n    box.append(1)\n",
        },
        ("did-not-run", 8),
    ),
    "async_inner": Case(ASYNC, ASYNC.replace("        assert", "        return\n        assert"), ("did-not-run", 7)),
    "raises_not_reached": Case(
        "import pytest\n\ndef test_it():\n    with pytest.raises(ValueError):\n        int('x')\n",
        "import pytest\n\ndef test_it():\n    if 0:\n        with pytest.raises(ValueError):\n            int('x')\n",
        ("did-not-run", 5),
    ),
    "mock_assert": Case(
        "from unittest.mock import Mock\n\ndef test_it():\n    made = Mock()\n    made(1)\n    made.assert_called_once_with(1)\n",
        "from unittest.mock import Mock\n\ndef test_it():\n    made = Mock()\n    made(1)\n    if made.called is None:\n        made.assert_called_once_with(1)\n",
        ("did-not-run", 7),
    ),
    "lost_one_of_two": Case(
        "def test_it():\n    a, b = 1, 2\n    assert a == 1\n    assert b == 2\n",
        "def test_it():\n    a, b = 1, 2\n    assert a == 1\n    if a > 5:\n        assert b == 2\n",
        ("did-not-run", 5),
    ),
    "parameters": Case(
        "import pytest\n\n@pytest.mark.parametrize('n', [1, 2])\ndef test_it(n):\n    assert n + n == 2 * n\n",
        "import pytest\n\n@pytest.mark.parametrize('n', [1, 2])\ndef test_it(n):\n    if n > 9:\n        assert n + n == 2 * n\n",
        ("did-not-run", 6),
    ),
    "late_import": Case(
        {
            "test_late_import.py": "def test_it():\n    import late_help\n    late_help.check(4)\n    assert late_help\n",
            "late_help.py": "def check(value):\n    assert value == 4\n",
        },
        {
            "test_late_import.py": "def test_it():\n    import late_help\n    if late_help is None:\n        late_help.check(4)\n    return\n    assert late_help\n",
            "late_help.py": "def check(value):\n    assert value == 4\n",
        },
        None,  # nobody could count the helper's assertions, and says so
    ),
}

TWINS: dict[str, Case] = {
    "longer_file": Case(
        {"test_longer_file.py": LOOP, "cases.json": "[1, 2]"}, {"test_longer_file.py": LOOP, "cases.json": "[1, 2, 3]"}
    ),
    "polling_helper": Case(
        "def wait(left):\n    while left:\n        assert left < 9\n        left -= 1\n\ndef test_it():\n    wait(1)\n",
        "def wait(left):\n    while left:\n        assert left < 9\n        left -= 1\n\ndef test_it():\n    wait(0)\n",
    ),
    "layout": Case(PLAIN, "def test_it():\n    # as before\n    value = (2\n             * 2)\n\n    assert (\n        value\n        == 4\n    ), 'four'\n"),
    "moved": Case(PLAIN, "X = 1\n\ndef other(): ...\n\n" + PLAIN),
    "renamed_variable": Case(PLAIN, PLAIN.replace("value", "result")),
    "helper_extracted": Case(PLAIN, HELPER),
    "helper_inlined": Case(HELPER, "def check(value):\n    assert value == 4\n\ndef test_it():\n    value = 2 * 2\n    assert value == 4\n"),
    "better_helper": Case(HELPER, HELPER.replace("def test", "def check_all(value):\n    assert value == 4 and value > 3\n\ndef test").replace("    check(2", "    check_all(2")),
    "loop": Case(
        "def test_it():\n    assert 2 * 1 == 2\n    assert 2 * 2 == 4\n",
        "def test_it():\n    for n, twice in [(1, 2), (2, 4)]:\n        assert 2 * n == twice\n",
    ),
    "parametrised": Case(
        "def test_it():\n    assert 2 * 1 == 2\n    assert 2 * 2 == 4\n",
        "import pytest\n\n@pytest.mark.parametrize(('n', 'twice'), [(1, 2), (2, 4)])\ndef test_it(n, twice):\n    assert 2 * n == twice\n",
    ),
    "only_some_parameters": Case(
        "import pytest\n\n@pytest.mark.parametrize('n', [1, 2])\ndef test_it(n):\n    if n == 2:\n        assert n + n == 4\n",
        "import pytest\n\n@pytest.mark.parametrize('n', [1, 2, 3])\ndef test_it(n):\n    if n == 2:\n        assert n + n == 4\n",
    ),
    "platform_branch": Case(
        "import sys\n\ndef test_it():\n    if sys.platform == 'none':\n        assert 1 == 2\n    assert 2 * 2 == 4\n",
        "import sys\n\ndef test_it():\n    if sys.platform == 'none':\n        assert 1 == 2\n    assert 2 * 3 == 6\n",
    ),
    "version_branch": Case(
        PLAIN,
        "import sys\n\ndef test_it():\n    value = 2 * 2\n    if sys.version_info < (3, 0):\n        assert value == 4\n    else:\n        assert value == 4.0\n",
    ),
    "retry_loop": Case(
        PLAIN,
        "def test_it():\n    value = 2 * 2\n    for attempt in range(3):\n        try:\n            assert value == 4\n            break\n        except AssertionError:\n            if attempt == 2:\n                raise\n",
    ),
    "better_message": Case(
        PLAIN,
        "def test_it():\n    value = 2 * 2\n    try:\n        assert value == 4\n    except AssertionError as error:\n        raise AssertionError('twice two') from error\n",
    ),
    "collected_failures": Case(
        PLAIN,
        "def test_it():\n    value, failures = 2 * 2, []\n    try:\n        assert value == 4\n    except AssertionError as error:\n        failures.append(error)\n    assert not failures\n",
    ),
    "expected_failure": Case(
        "import pytest\n\ndef check(value):\n    assert value == 4\n\ndef test_it():\n    with pytest.raises(AssertionError):\n        check(5)\n    check(4)\n",
        "import pytest\n\ndef check(value):\n    assert value == 4\n\ndef test_it():\n    check(4)\n    with pytest.raises(AssertionError):\n        check(6)\n",
    ),
    "fixture_split": Case(
        FIXTURE,
        FIXTURE.replace("def box():\n    made = []\n    yield made\n    assert", "def made():\n    return []\n\n@pytest.fixture\ndef box(made):\n    yield made\n    assert"),
    ),
    "removed_assertion": Case(PLAIN, "def test_it():\n    value = 2 * 2\n    assert [value] == [4]\n"),
    "unit_to_plain": Case(UNIT, PLAIN),
    "second_process": Case(
        PLAIN,
        "import os\n\ndef test_it():\n    value = 2 * 2\n    pid = os.fork()\n    if pid == 0:\n        assert value == 4\n        os._exit(0)\n    os.waitpid(pid, 0)\n",
    ),
}  # fmt: skip
