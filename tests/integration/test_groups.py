"""Groups of tests, over all workers and all gates of a run."""

from __future__ import annotations

import pytest

from tests.integration.project import Project, checklist, pytest_gate

ALONE = """
    import pathlib
    import time

    def announced(config):
        "Whether a test of any gate waits for its group: it is in the streams of the run."
        stream = pathlib.Path(config.pluginmanager.get_plugin("gates-announcer").stream.path)
        streams = stream.parents[2].glob("gate-*/inbox/pytest-*.jsonl")
        return any('"type":"waiting"' in one.read_text() and '"group":"db"' in one.read_text() for one in streams)

    def alone(config):
        "Nobody is here but this test, until another one waits for it."
        busy = pathlib.Path("busy")
        busy.touch(exist_ok=False)
        end = time.monotonic() + 30
        while not announced(config):
            assert time.monotonic() < end
            time.sleep(0.005)
        busy.unlink()

    def test_a(request): alone(request.config)
    def test_b(request): alone(request.config)
    """

CONFIG = """
    jobs = 2

    [tests.groups.db]
    max-threads = 1

    [[tests.overrides]]
    filter = "test(/test_[ab]/)"
    group = "db"
    """


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_at_most_so_many_tests_of_a_group_run_at_a_time_in_all_gates_together(
    project: Project, arguments: tuple[str, ...]
) -> None:
    project.write(
        {"test_it.py": ALONE} | checklist(pytest_gate(*arguments), pytest_gate(*arguments, name="other"), config=CONFIG)
    )
    done = project.gates("run")
    assert done.code == 0, done.text
    assert [(gate.name, str(gate.outcome)) for gate in project.run.gates] == [("test", "passed"), ("other", "passed")]


@pytest.mark.slow
def test_a_test_that_requires_all_threads_is_alone_in_its_session(project: Project) -> None:
    config = '[[tests.overrides]]\nfilter = "test(a)"\nthreads-required = "num-test-threads"\n'
    tests = ALONE.replace('"group":"db"', '"threads":')
    project.write({"test_it.py": tests} | checklist(pytest_gate("-n", "2"), config=config))
    done = project.gates("run")
    assert done.code == 0, done.text


def test_a_group_that_is_not_there_is_a_mistake_of_the_config(project: Project) -> None:
    text = CONFIG.replace('group = "db"', 'group = "bd"')
    project.write({"test_it.py": ALONE} | checklist(pytest_gate(), config=text))
    done = project.gates("run")
    assert done.code == 2
    assert "gates.toml:8: no group of tests is named 'bd'\n  hint: did you mean 'db'?" in done.err
