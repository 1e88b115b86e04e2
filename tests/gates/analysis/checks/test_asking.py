"""Code that asks whether it is being tested is found; code that only has to do with tests is not."""

from __future__ import annotations

import pytest

from gates.analysis.checks.weaker import weaker_checks

BASE = "import inspect\nimport os\nimport sys\n\ndef vat(net):\n    return net * 19 // 100\n"


def asked(line: str, base: str = BASE) -> list[str]:
    head = BASE.replace("    return", f"    {line}\n    return")
    return [one.strength for one in weaker_checks({"shop.py": base}, {"shop.py": head}).weakenings]


@pytest.mark.parametrize(
    "line",
    [
        "if 'pytest' in sys.modules: return 19",
        "if sys.modules.get('_pytest.runner'): return 19",
        "if 'unittest' not in sys.modules: return 19",
        "if os.environ.get('PYTEST_CURRENT_TEST'): return 19",
        "if os.environ['PYTEST_VERSION']: return 19",
        "if 'PYTEST_XDIST_WORKER' in os.environ: return 19",
        "if hasattr(sys, '_called_from_test'): return 19",
        "if any('test_' in frame.filename for frame in inspect.stack()): return 19",
        "if 'test' in sys._getframe(1).f_code.co_name: return 19",
        "if sys.argv[0].endswith('pytest'): return 19",
    ],
)
def test_a_question_for_the_runner_is_certain(line: str) -> None:
    assert asked(line) == ["certain"]


def test_a_variable_with_a_telling_name_is_a_hint() -> None:
    assert asked("if os.environ.get('TESTING'): return 19") == ["hint"]


@pytest.mark.parametrize(
    "line",
    [
        "if 'numpy' in sys.modules: return 19",
        "os.environ.pop('PYTEST_CURRENT_TEST', None)",
        "os.environ['PYTEST_ADDOPTS'] = '-q'",
        "print(os.environ.get('PYTEST_ADDOPTS', ''))",
        "if 'test' in net: return 19",
        "if net.name.startswith('test_'): return 19",
        "if os.environ.get('LATEST'): return 19",
        "print('run pytest')",
    ],
)
def test_another_question_is_none(line: str) -> None:
    assert asked(line) == []


def test_a_question_that_the_base_asked_is_not_new() -> None:
    line = "if 'pytest' in sys.modules: return 19"
    assert asked(line, base=BASE.replace("    return", f"    {line}\n    print()\n    return")) == []


def test_a_plugin_of_the_runner_may_ask() -> None:
    base = f"import pytest\n{BASE}"
    head = base.replace("    return", "    if 'pytest' in sys.modules: return 19\n    return")
    assert weaker_checks({"shop.py": base}, {"shop.py": head}).weakenings == ()
    assert [one.rule for one in weaker_checks({"shop.py": BASE}, {"shop.py": head}).weakenings] == [
        "code-asks-for-tests"
    ]
