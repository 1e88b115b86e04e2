"""What lies in a folder of reports stays unless gates wrote it, and what gates wrote is there at the end whatever happens."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from gates.files.digest import FileDigest
from gates.files.folders import Blocked, Folder
from gates.portable.errors import EnvironmentProblem, UsageError
from gates.portable.values import ExitCode
from gates.results.files import RUN_FILE, SUMMARY_FILE, TESTS_FILE, VIEWS
from gates.storage.claims import NAMES
from gates.storage.evidence import refuse_altered
from gates.storage.records import all_records
from gates.storage.reports import Reports, refuse_taken
from tests.gates.readers.junit.sample import a_run, a_test
from tests.gates.storage.laying import lay

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def records(tmp_path: Path) -> Path:
    return tmp_path / "cache/records"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    project.mkdir()
    return project


def a_whole_run(project: Path, records: Path, number: int = 1) -> None:
    run = a_run([a_test()], id=f"2026-{number}")
    lay(project / "reports", run, [a_test()], records=records, logs={"test.log": b"said\n"}, render=True)


def everything(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def begun(project: Path, records: Path, run: str = "a-run", **more: object) -> Reports:
    return Reports.begin(project / "reports", records, run, root=project, needs=["logs/test.log"], **more)  # type: ignore[arg-type]


def test_a_kill_while_an_earlier_run_is_removed_leaves_no_summary_without_its_run(
    project: Path, records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_whole_run(project, records)
    removed: list[str] = []
    monkeypatch.setattr(Folder, "remove", lambda _, name: removed.append(name))
    begun(project, records).close()
    assert set(VIEWS) < set(removed)
    assert max(map(removed.index, VIEWS)) < removed.index(RUN_FILE)


def test_a_new_folder_is_ignored_by_git_and_one_that_was_there_is_the_users_business(
    project: Path, records: Path
) -> None:
    begun(project, records).close()
    assert everything(project) == {"reports/.gitignore": b"*\n"}
    shutil.rmtree(project / "reports")
    (project / "reports").mkdir()
    begun(project, records).close()
    assert everything(project) == {}


# Whose a file is


def test_what_the_last_run_left_is_removed_and_nothing_else(project: Path, records: Path) -> None:
    a_whole_run(project, records)
    theirs = ["README.md", "index.html", "logs/notes.txt", "logs/server.log", "logs/server/today.log", "cov/x.html"]
    for name in theirs:
        path = project / "reports" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("theirs")
    begun(project, records).close()
    expected = dict.fromkeys([f"reports/{name}" for name in theirs], b"theirs") | {"reports/.gitignore": b"*\n"}
    assert everything(project) == expected


@pytest.mark.parametrize("name", [*NAMES["run"], "logs/test.log"])
def test_a_name_that_is_taken_is_told_before_anything_is_touched(project: Path, records: Path, name: str) -> None:
    path = project / "reports" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("theirs")
    before = everything(project.parent)
    with pytest.raises(UsageError, match="replaces only files that it wrote itself") as caught:
        begun(project, records, "another")
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.got == f"{name} (gates did not write it)"
    assert "--reports FOLDER" in caught.value.remedy
    assert everything(project.parent) == before
    with pytest.raises(UsageError, match="replaces only files that it wrote itself"):
        refuse_taken(project / "reports", records, root=project, needs=["logs/test.log"])


@pytest.mark.parametrize("name", [RUN_FILE, TESTS_FILE, SUMMARY_FILE, "junit.xml", "logs/test.log"])
@pytest.mark.parametrize("cache", ["kept", "lost"])
def test_a_report_that_somebody_changed_is_kept_aside(project: Path, records: Path, name: str, cache: str) -> None:
    """Whoever wrote a line into a summary loses nothing, and is not held up."""
    a_whole_run(project, records)
    if cache == "lost":
        shutil.rmtree(records)
    changed = json.dumps(json.loads((project / "reports/run.json").read_text())) if name == RUN_FILE else "theirs"
    (project / "reports" / name).write_text(changed)
    refuse_taken(project / "reports", records, root=project, needs=["logs/test.log"])
    with begun(project, records) as reports:
        said = reports.moved
    left = {"reports/.gitignore": b"*\n"}
    if name == RUN_FILE and cache == "lost":
        assert (said, everything(project)) == ("", left), "what it says is true, in another form"
        return
    assert said == f"reports that changed since gates wrote them were kept in before-a-run: {name}"
    assert everything(project) == left | {f"reports/before-a-run/{name}": changed.encode()}


def test_reports_of_a_version_without_digests_are_kept_aside(project: Path, records: Path) -> None:
    a_whole_run(project, records)
    run = json.loads((project / "reports/run.json").read_text())
    del run["files"]
    run["gates"][0]["log"] = "logs/test.log"
    (project / "reports/run.json").write_text(json.dumps(run))
    shutil.rmtree(records)
    names = {path for path in everything(project) if not path.endswith(".gitignore")}
    begun(project, records).close()
    moved = {f"reports/before-a-run/{name.removeprefix('reports/')}" for name in names}
    assert everything(project).keys() == {"reports/.gitignore", *moved}


@pytest.mark.parametrize("place", [".git", ".git/gates", "sub/../.git", ".GIT/logs"])
@pytest.mark.parametrize("kind", ["run", "stack", "comparison"])
def test_the_folder_of_git_is_no_folder_of_reports(project: Path, records: Path, place: str, kind: str) -> None:
    (project / ".git").mkdir()
    (project / "sub").mkdir()
    with pytest.raises(UsageError, match="is inside the git folder"):
        Reports.begin(project / place, records, "a-run", root=project, kind=kind)
    assert everything(project) == {}


def test_logs_of_a_killed_run_whose_cache_was_lost_are_kept_aside(project: Path, records: Path) -> None:
    a_whole_run(project, records)
    run = json.loads((project / "reports/run.json").read_text()) | {"complete": False}
    del run["files"]["logs/test.log"]
    (project / "reports/run.json").write_text(json.dumps(run))
    (project / "reports/logs/server.log").write_text("theirs")
    shutil.rmtree(records)
    begun(project, records).close()
    names = {"reports/.gitignore", "reports/logs/server.log", "reports/before-a-run/logs/test.log"}
    assert everything(project).keys() == names


@pytest.mark.parametrize("name", [SUMMARY_FILE, "logs/test.log"])
def test_what_git_tracks_is_neither_replaced_nor_moved(project: Path, records: Path, name: str) -> None:
    a_whole_run(project, records)
    (project / "reports" / name).write_text("changed")
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    subprocess.run(["git", "add", "--force", f"reports/{name}"], cwd=project, check=True)
    before = everything(project)
    with pytest.raises(UsageError, match="replaces only") as caught:
        begun(project, records)
    assert caught.value.got == f"{name} (git tracks it)"
    assert f"git rm -r --cached {project / 'reports'}" in caught.value.remedy
    assert everything(project) == before


def test_a_record_that_is_gone_leaves_a_run_that_says_so(project: Path, records: Path) -> None:
    with begun(project, records) as reports:
        reports.log("test.log").write(b"said\n")
        reports.put(RUN_FILE, b"{}")
        shutil.rmtree(records)
        with pytest.raises(EnvironmentProblem) as caught:
            reports.put(RUN_FILE, b"[]")
        assert caught.value.place.startswith(str(records)), "where the trouble is"
        reports.give_up(b"could not run")
    assert (project / "reports/run.json").read_bytes() == b"could not run"


def test_all_names_that_are_taken_are_told(project: Path, records: Path) -> None:
    for name in ("reports/run.json", "reports/logs/test.log"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text("theirs")
    with pytest.raises(UsageError) as caught:
        begun(project, records)
    assert caught.value.got == "logs/test.log (gates did not write it), run.json (gates did not write it)"


def test_where_the_cache_was_lost_the_digests_of_the_run_tell_whose_a_file_is(project: Path, records: Path) -> None:
    a_whole_run(project, records)
    (project / "reports/logs/server.log").write_text("theirs")
    shutil.rmtree(records)
    begun(project, records).close()
    assert everything(project) == {"reports/.gitignore": b"*\n", "reports/logs/server.log": b"theirs"}


@pytest.mark.parametrize("name", ["summary.md", "logs/test.log", "logs/server.log", "data.csv", "../a.txt"])
def test_a_forged_run_costs_nobody_a_file(project: Path, records: Path, name: str) -> None:
    """Neither where it names what no run writes, nor where it knows the content, and git brought it."""
    path = project / "reports" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("theirs")
    digest = FileDigest.of(path.read_bytes())
    run = {"size": digest.size, "sha256": digest.sha256}
    forged = json.loads((lay_one(project, records)).read_text()) | {"files": {name: run}}
    (project / "reports/run.json").write_text(json.dumps(forged))
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    subprocess.run(["git", "add", "--force", "reports/run.json"], cwd=project, check=True)
    with pytest.raises(UsageError, match="replaces only"):
        begun(project, records)
    assert path.exists()


def lay_one(project: Path, records: Path) -> Path:
    folder = project.parent / "elsewhere"
    lay(folder, a_run(), records=records)
    return folder / RUN_FILE


def test_a_killed_run_is_known_by_what_it_recorded(project: Path, records: Path) -> None:
    reports = begun(project, records)
    reports.stream(TESTS_FILE).write(b"one\n")
    reports.log("test.log").write(b"a beginning, and more\n")
    reports.put(RUN_FILE, b"{}")
    reports.close()  # as the system does when a process dies
    log = project / "reports/logs/test.log"
    os.truncate(log, 5)  # it was recorded, and not yet published
    (project / "reports" / f".run.json.{all_keys(records)[0]}").write_text("half")
    begun(project, records, "the-next").close()
    assert everything(project) == {"reports/.gitignore": b"*\n"}


def all_keys(records: Path) -> list[str]:
    return [record.path.name for record in all_records(records)]


def test_nested_runs_of_the_last_run_go_with_it_and_the_folders_that_were_made(project: Path, records: Path) -> None:
    a_whole_run(project, records)
    for name in ("confirm/base-1", "timing/head"):
        Reports.begin(project / "reports" / name, records, f"n-{name[:3]}", root=project).close()
        lay(project / "reports" / name, a_run(id=f"m-{name[:3]}"), records=records)
    (project / "reports/confirm/2024-01").mkdir()
    (project / "reports/confirm/2024-01/data.csv").write_text("theirs")
    (project / "reports/confirm/empty").mkdir()
    begun(project, records).close()
    assert everything(project) == {"reports/.gitignore": b"*\n", "reports/confirm/2024-01/data.csv": b"theirs"}
    assert (project / "reports/confirm/empty").is_dir()
    assert not (project / "reports/timing").exists()


def test_a_stack_and_a_run_leave_each_other_alone(project: Path, records: Path) -> None:
    a_whole_run(project, records)
    before = everything(project)
    with Reports.begin(project / "reports", records, "s", root=project, kind="stack") as stack:
        stack.publish({"stack.json": b"{}", "stack.md": b"x"})
    assert everything(project) == before | {"reports/stack.json": b"{}", "reports/stack.md": b"x"}
    a_whole_run(project, records, 2)
    assert (project / "reports/stack.json").exists()


@pytest.mark.parametrize("place", [".", ".."])
def test_the_project_itself_is_no_folder_of_reports(project: Path, records: Path, place: str) -> None:
    (project / "logs").mkdir()
    (project / "logs/test.log").write_text("theirs")
    with pytest.raises(UsageError, match="contains the project itself"):
        Reports.begin(project / place, records, "r", root=project)
    assert everything(project) == {"logs/test.log": b"theirs"}


def test_two_runs_do_not_write_in_one_folder(project: Path, records: Path) -> None:
    for other in (records, records.with_name("another cache")):
        with begun(project, records), pytest.raises(EnvironmentProblem, match="another run of gates"):
            begun(project, other, "the-other")
    begun(project, records, "the-other").close()


# Links


@pytest.mark.parametrize("name", ["reports", "reports/logs"])
def test_a_link_on_the_way_is_refused(project: Path, records: Path, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "test.log").write_text("theirs")
    (project / name).parent.mkdir(exist_ok=True)
    (project / name).symlink_to(outside)
    with pytest.raises(UsageError, match=r"symbolic link|names of the reports are taken") as caught:
        begun(project, records)
    assert f"link to {outside}" in str(caught.value)
    assert everything(outside) == {"test.log": b"theirs"}


@pytest.mark.parametrize("target", ["exists", "missing"])
def test_a_link_in_the_place_of_a_report_is_no_report(
    project: Path, records: Path, tmp_path: Path, target: str
) -> None:
    if target == "exists":
        (tmp_path / "theirs").write_text("theirs")
    (project / "reports").mkdir()
    (project / "reports/summary.md").symlink_to(tmp_path / "theirs")
    with pytest.raises(UsageError, match="replaces only"):
        begun(project, records)
    assert (project / "reports/summary.md").is_symlink()


def test_a_link_in_the_place_of_the_old_lock_is_nobodys_business(project: Path, records: Path, tmp_path: Path) -> None:
    (project / "reports").mkdir()
    (project / "reports/.lock").symlink_to(tmp_path / "made")
    begun(project, records).close()
    assert not (tmp_path / "made").exists()


def test_a_link_that_comes_while_a_run_goes_on_is_not_followed(project: Path, records: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    with begun(project, records) as reports:
        reports.stream(TESTS_FILE).write(b"one\n")
        (project / "reports").rename(project / "moved")
        (project / "reports").symlink_to(outside)
        reports.log("test.log").write(b"said\n")
        reports.put(RUN_FILE, b"{}")
        assert reports.altered() == ()
        with pytest.raises((EnvironmentProblem, Blocked), match="symbolic link"):
            reports.restore()
    assert everything(outside) == {}


# What gates do to reports while the run goes on

TROUBLE: dict[str, Callable[[Path], object]] = {
    "all removed": shutil.rmtree,
    "logs removed": lambda folder: shutil.rmtree(folder / "logs"),
    "moved": lambda folder: folder.rename(folder.with_name("moved")),
    "a file removed": lambda folder: (folder / TESTS_FILE).unlink(),
    "edited": lambda folder: (folder / TESTS_FILE).write_bytes(b"two\n"),
    "edited in place": lambda folder: os.pwrite(os.open(folder / TESTS_FILE, os.O_RDWR), b"x", 0),
    "run edited": lambda folder: (folder / RUN_FILE).write_bytes(b"two\n"),
    "made a link": lambda folder: _a_link(folder.parent / "link").replace(folder / TESTS_FILE),
    "summary written": lambda folder: (folder / SUMMARY_FILE).write_text("PASS"),
}


def _a_link(path: Path) -> Path:
    path.symlink_to("run.json")
    return path


@pytest.mark.parametrize("trouble", TROUBLE)
def test_what_was_recorded_is_published_whole_and_the_trouble_is_told(
    project: Path, records: Path, trouble: str
) -> None:
    with begun(project, records) as reports:
        lines, log = reports.stream(TESTS_FILE), reports.log("test.log")
        lines.write(b"one\n")
        log.write(b"a\n")
        reports.put(RUN_FILE, b"{}")
        TROUBLE[trouble](project / "reports")
        lines.write(b"two\n")
        log.write(b"b\n")
        reports.put(RUN_FILE, b"{1}")
        assert reports.altered() == ()
        disturbed = reports.restore()
        reports.publish({RUN_FILE: b"{2}", SUMMARY_FILE: b"summary"})
    found = {name: data for name, data in everything(project / "reports").items() if not name.startswith("before-")}
    found.pop(".gitignore")
    assert found == {
        TESTS_FILE: b"one\ntwo\n",
        "logs/test.log": b"a\nb\n",
        RUN_FILE: b"{2}",
        SUMMARY_FILE: b"summary",
    }
    assert disturbed


def test_what_somebody_wrote_under_our_names_meanwhile_is_kept_for_good(project: Path, records: Path) -> None:
    with begun(project, records) as reports:
        reports.put(RUN_FILE, b"{}")
        (project / "reports/junit.xml").write_text("of a person")
        os.utime(project / "reports" / RUN_FILE, (1, 1))  # no change of what is in it
        reports.put(RUN_FILE, b"{}")
        assert reports.restore() == {"junit.xml": "written by another program"}
        reports.publish({"junit.xml": b"ours"})
    kept = {"before-a-run/junit.xml": b"of a person", ".gitignore": b"*\n"}
    assert everything(project / "reports") == {**kept, "junit.xml": b"ours", RUN_FILE: b"{}"}
    begun(project, records, "the-next").close()
    assert everything(project / "reports") == kept


def test_nothing_is_said_where_nobody_touched_anything(project: Path, records: Path) -> None:
    with begun(project, records) as reports:
        reports.stream(TESTS_FILE).write(b"one\n")
        reports.put(RUN_FILE, b"{}")
        assert (reports.altered(), reports.restore()) == ((), {})


@pytest.mark.parametrize("name", [TESTS_FILE, "logs/test.log"])
def test_a_record_that_was_changed_is_noticed(project: Path, records: Path, name: str) -> None:
    with begun(project, records) as reports:
        reports.stream(TESTS_FILE).write(b"one\n")
        reports.log("test.log").write(b"said\n")
        (record,) = all_records(records)
        (record.path / "files" / name).write_text("another")
        assert reports.altered() == (name,)
        assert reports.digests[name] == FileDigest.of(b"one\n" if name == TESTS_FILE else b"said\n")
        reports.restore()
        assert reports.altered() == (), "what the folder still held is recorded once more"


def test_a_cache_that_cannot_be_written_keeps_no_run_from_being_made(project: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with begun(project, tmp_path / "cache/records", spare=tmp_path) as reports:
        reports.publish({RUN_FILE: b"{}"})
    assert (project / "reports/run.json").read_bytes() == b"{}"
    assert (tmp_path / "records").is_dir()


def test_the_last_files_are_published_all_or_none(project: Path, records: Path) -> None:
    with begun(project, records) as reports:
        reports.put(RUN_FILE, b"{}")
        (project / "reports/junit.xml").mkdir()  # a rename over a folder fails, at the very end
        with pytest.raises(EnvironmentProblem, match="cannot write the report"):
            reports.publish({RUN_FILE: b"{passed}", SUMMARY_FILE: b"PASS", "junit.xml": b"<x/>"})
        assert not (project / "reports/summary.md").exists()
        assert not (project / "reports/run.json").exists(), "it said that the run passed"
        reports.give_up(b"{gave up}")
    assert (project / "reports/run.json").read_bytes() == b"{gave up}"


# Running out of space: a real limit, in a process of its own

FULL = """
    import resource, sys
    from pathlib import Path
    from gates.portable.errors import EnvironmentProblem
    from gates.storage.reports import Reports

    limit = lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def attempt(what):
        try:
            what()
        except EnvironmentProblem as error:
            print(int(error.exit_code), error.what)
        else:
            print("written")

    home = Path(sys.argv[1])
    reports = Reports.begin(home / "reports", home / "records", "r")
    lines = reports.stream("tests.jsonl")
    reports.put("run.json", b"small")
    attempt(lambda: lines.write(b"one\\n" * 10))
    limit(100)
    attempt(lambda: lines.write(b"two\\n" * 40))
    attempt(lambda: reports.publish({"run.json": b"passed", "junit.xml": b"<x/>", "summary.md": b"x" * 300}))
    limit(4096)
    attempt(lambda: lines.write(b"three\\n"))
    attempt(lambda: reports.give_up(b"gave up"))
"""


def test_without_space_lines_stay_whole_and_no_verdict_is_left(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", dedent(FULL), str(tmp_path)], capture_output=True, text=True, check=False
    )
    problem = "3 cannot write the report: File too large"
    assert (done.stdout.splitlines(), done.stderr) == (["written", problem, problem, "written", "written"], "")
    found = everything(tmp_path / "reports")
    assert found == {".gitignore": b"*\n", "tests.jsonl": b"one\n" * 10 + b"three\n", "run.json": b"gave up"}


@pytest.mark.parametrize("edit", [{"files": {}}, {"complete": False}])
def test_results_beside_a_run_that_was_edited_are_refused(
    project: Path, records: Path, edit: dict[str, object]
) -> None:
    a_whole_run(project, records)
    reports = project / "reports"
    (reports / RUN_FILE).write_text(json.dumps(json.loads((reports / RUN_FILE).read_text()) | edit))
    with (reports / TESTS_FILE).open("a") as file:
        file.write("{}\n")
    with pytest.raises(UsageError, match=r"run\.json"):
        refuse_altered(reports / TESTS_FILE, records)
