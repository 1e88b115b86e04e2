"""Tests that the project itself leaves out are counted, with who does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.gates.pytest_plugin.conftest import Project

TESTS = """
    import pytest

    def test_a(): pass
    def test_b(): pass

    @pytest.mark.slow
    def test_c(): pass
    """
MODIFY = "def pytest_collection_modifyitems(config, items):\n    "


def found(project: Project, *args: str) -> dict[str, tuple[str, int]]:
    ran = project.injected(*args)
    assert ran.of("collected"), ran.output
    return {record["who"]: (record["what"], record["number"]) for record in ran.of("left-out")}


def options(project: Project, addopts: str) -> None:
    project.write_file("pytest.ini", f"[pytest]\naddopts = {addopts}\nmarkers = slow\n")


@pytest.mark.parametrize(
    ("addopts", "expected"),
    [
        ("", {}),
        ("-k test_a", {"-k 'test_a' (addopts in pytest.ini)": ("tests", 2)}),
        ("-m 'not slow'", {"-m 'not slow' (addopts in pytest.ini)": ("tests", 1)}),
        ("--deselect test_it.py::test_a", {"--deselect (addopts in pytest.ini)": ("tests", 1)}),
        (
            "-m 'not slow' -k 'not test_b'",
            {
                "-k 'not test_b' (addopts in pytest.ini)": ("tests", 1),
                "-m 'not slow' (addopts in pytest.ini)": ("tests", 1),
            },
        ),
        ("--ignore=test_more.py", {"--ignore (addopts in pytest.ini)": ("files", 1)}),
        ("--ignore-glob='*more*'", {"--ignore-glob (addopts in pytest.ini)": ("files", 1)}),
        ("--ignore=sub", {"--ignore (addopts in pytest.ini)": ("files", 2)}),
        ("--ignore=setup.py", {}),
    ],
)
def test_by_an_option(project: Project, addopts: str, expected: dict[str, tuple[str, int]]) -> None:
    project.write(test_it=TESTS, setup="", **{"sub/test_one": "", "sub/deep/test_two": "", "sub/helper": ""})
    project.write(test_more="")
    options(project, addopts)
    assert found(project) == expected


@pytest.mark.parametrize(
    ("conftest", "expected"),
    [
        (MODIFY + "items[:] = items[:1]\n", {"conftest.py, silently": ("tests", 2)}),
        (MODIFY + "del items[0]; config.hook.pytest_deselected(items=items[:1])\n", {"conftest.py": ("tests", 1)}),
        (MODIFY + "items.reverse()\n", {}),
        (MODIFY + "items.append(items[0])\n", {}),
        (
            "import pytest\n@pytest.hookimpl(hookwrapper=True)\n" + MODIFY + "yield\n    del items[0]\n",
            {"a plugin, silently": ("tests", 1)},
        ),
        ("collect_ignore = ['test_more.py']\n", {"collect_ignore of conftest.py": ("files", 1)}),
        ("collect_ignore_glob = ['*more*']\n", {"collect_ignore_glob of conftest.py": ("files", 1)}),
        (
            "def pytest_ignore_collect(collection_path): return 'more' in collection_path.name or None\n",
            {"pytest_ignore_collect of conftest.py": ("files", 1)},
        ),
    ],
)
def test_by_a_conftest(project: Project, conftest: str, expected: dict[str, tuple[str, int]]) -> None:
    project.write(test_it=TESTS, test_more="", conftest=conftest)
    options(project, "")
    counts = found(project)
    if "pytest_deselected" in conftest:  # what was told, and what was not
        assert counts.pop("conftest.py, silently") == ("tests", 1)
    assert counts == expected


def test_by_gates_itself_is_counted_elsewhere(project: Project) -> None:
    project.write(test_it=TESTS)
    options(project, "")
    ran = project.injected(settings={"filter": "test(test_a)"})
    assert ran.of("left-out") == []


def test_a_plugin_is_named(project: Project) -> None:
    project.write(test_it=TESTS, dropper=MODIFY + "items[:] = items[:1]\n")
    options(project, "")
    assert found(project, "-p", "dropper") == {"the plugin dropper, silently": ("tests", 2)}


def test_workers_leave_out_what_one_of_them_does(project: Project) -> None:
    project.write(test_it=TESTS)
    options(project, "-k test_a")
    assert found(project, "-n", "2", "--dist", "load") == {"-k 'test_a' (addopts in pytest.ini)": ("tests", 2)}
