from __future__ import annotations

import shutil
from datetime import UTC
from typing import TYPE_CHECKING

import msgspec
import pytest

from gates.compare.runs import compare_runs
from gates.portable.values import TestOutcome
from gates.serve.runs import Runs
from gates.serve.site import Site
from gates.storage.cache import Store
from gates.storage.records import RECORDS
from tests.gates.readers.junit.sample import NOON, a_run, a_test
from tests.gates.render.html.reader import block
from tests.gates.serve.following import going
from tests.gates.storage.laying import lay

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def site(store: Store) -> Site:
    return Site("shop", store, wall=lambda: NOON, zone=UTC)


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    return tmp_path / "reports"


def lay_one(store: Store, reports: Path) -> None:
    tests = [a_test("t", TestOutcome.FAILED, message="no")]
    run = a_run(tests, id="one", outcome="failed")
    lay(reports, run, tests, records=store.folder / RECORDS, comparison=compare_runs(run, tests, run, tests))


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_ended_run_has_its_report_with_its_comparison(site: Site, store: Store, reports: Path) -> None:
    lay_one(store, reports)
    assert b'href="runs/one"' in site.answer("").body
    answer = site.answer("runs/one")
    assert answer.status == 200
    page = answer.body.decode()
    assert block(page, "part-0") == [{"message": "no"}]
    assert block(page, "summary")["comparison"] is not None
    assert '<nav><a href="../">All runs</a></nav>' in page
    assert "frame-ancestors 'none'" in answer.policy
    assert site.answer("runs/one") is answer, "it is kept"


def test_a_running_run_is_shown_live_and_then_with_its_report(site: Site, store: Store, reports: Path) -> None:
    with going(store.folder, reports) as run:
        name = f"runs/{run.run.id}"
        run.start("test")
        assert b'data-page="live"' in site.answer(name).body
        run.land(a_test("broken", TestOutcome.FAILED))
        assert b"broken" in site.answer(name).body
        run.save(msgspec.structs.replace(run.run, complete=True, outcome="failed", files=run.reports.digests))
    assert b'id="summary"' in site.answer(name).body


@pytest.mark.parametrize(
    "path",
    [
        "runs",
        "runs/",
        "runs/two",
        "one",
        "runs/../one",
        "runs/one/",
        "runs/one/files/run.json",
        "../store",
        "runs/%2e%2e",
    ],
)
def test_there_is_nothing_but_the_list_and_known_runs(site: Site, store: Store, reports: Path, path: str) -> None:
    lay_one(store, reports)
    assert site.answer(path).status == 404


def test_a_run_that_was_removed_meanwhile_is_not_there_any_more(site: Site, store: Store, reports: Path) -> None:
    lay_one(store, reports)
    assert site.answer("runs/one").status == 200
    shutil.rmtree(store.folder)
    assert site.answer("runs/one").status == 404
    assert b"No run yet" in site.answer("").body


@pytest.mark.parametrize("name", ["run.json", "tests.jsonl"])
def test_a_run_that_was_changed_is_not_shown(site: Site, store: Store, reports: Path, name: str) -> None:
    lay_one(store, reports)
    (known,) = Runs(store.folder).last()
    path = known.files / name
    path.write_text(path.read_text().replace('"failed"', '"passed"'))
    answer = site.answer("runs/one")
    assert answer.status == 409
    assert b"changed since gates wrote it" in answer.body


def test_nothing_is_written(site: Site, store: Store, reports: Path, tmp_path: Path) -> None:
    lay_one(store, reports)
    before = everything(tmp_path)
    for path in ("", "runs/one", "runs/none"):
        site.answer(path)
    assert everything(tmp_path) == before


def test_few_pages_stay_in_memory(site: Site, store: Store, reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gates.serve.site.KEPT_PAGES", 1)
    for number in range(2):
        lay(reports, a_run(id=f"r{number}"), records=store.folder / RECORDS)
    first = site.answer("runs/r0")
    site.answer("runs/r1")
    assert site.answer("runs/r0") is not first


def test_a_killed_run_is_shown_as_incomplete_with_what_is_known(site: Site, store: Store, reports: Path) -> None:
    with going(store.folder, reports) as run:
        run.land(a_test("a", TestOutcome.FAILED))
    answer = site.answer(f"runs/{run.run.id}")
    assert answer.status == 200
    assert "<title>INCOMPLETE" in answer.body.decode()
