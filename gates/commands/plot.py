"""`gates plot`: a picture of a run, or of the history, as SVG."""

from __future__ import annotations

from pathlib import Path

import msgspec

from gates.commands.history import history_of, named_test, readable
from gates.pipeline.pictures import RUNS, groups_of, usual_of
from gates.pipeline.show import comparison_of
from gates.portable.errors import UsageError
from gates.render.plots.before_after import draw_before_after
from gates.render.plots.flakes import draw_flakes
from gates.render.plots.shapes import Drawing, svg_file
from gates.render.plots.slowest import draw_slowest
from gates.render.plots.trend import draw_trend
from gates.render.plots.waterfall import draw_waterfall
from gates.results.files import RUN_FILE
from gates.storage.evidence import load_evidence
from gates.storage.history import History


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs of the history a picture shows.

    Attributes:
        runs: the last so many; 0 for the usual number.
        branch: on this branch only.
        test: of this test (an id or a part of one), not of the gates.
    """

    runs: int = 0
    branch: str | None = None
    test: str = ""


def plot(root: Path, name: str, run: Path | None, reports: Path, choice: Choice) -> str:
    """The SVG file of a picture.

    Args:
        root: the project's folder.
        name: one of `gates.portable.values.PLOTS`.
        run: a `run.json`, or the folder of one; None for the last run.
        reports: where that is.
        choice: which runs of the history are shown.

    Raises:
        UsageError: there is no such run, or the picture does not take one or such options.
        EnvironmentProblem: the history cannot be read.
    """
    if name in ("trend", "flakes"):
        if run is not None:
            raise UsageError(
                "this picture shows the history, not one run", place=f"gates plot {name} {run}", remedy="leave out RUN"
            )
        return svg_file(_of_history(history_of(root), name, choice))
    if choice != Choice():
        raise UsageError(
            "this picture shows one run",
            place=f"gates plot {name}",
            remedy="leave out --runs, --branch and --test: they are for `trend` and `flakes`",
        )
    return svg_file(_of_run(root, name, run or reports))


def _of_history(kept: History, name: str, choice: Choice) -> Drawing:
    runs = choice.runs or RUNS
    with readable(kept):
        if name == "flakes":
            if choice.test:
                raise UsageError(
                    "this picture shows all tests that failed or flaked",
                    place="--test",
                    remedy=f"gates plot trend --test {choice.test}",
                )
            return draw_flakes(groups_of(kept.of_troubled(runs, choice.branch)))
        if choice.test:
            test = named_test(choice.test, kept.tests())
            return draw_trend(groups_of(kept.of(test, runs, choice.branch)), "a test")
        return draw_trend(groups_of(kept.of_gates(runs, choice.branch)))


def _of_run(root: Path, name: str, path: Path) -> Drawing:
    from gates.planning.prepare import records_of

    found = load_evidence(path / RUN_FILE if path.is_dir() or not path.suffix else path, records_of(root))
    if name == "waterfall":
        return draw_waterfall(found.run)
    if name == "slowest":
        return draw_slowest(found.run, found.tests, usual_of(history_of(root), found.run, found.tests))
    comparison = comparison_of(found)
    if comparison is None:
        raise UsageError(
            "this run was not compared with a base", place=str(path), remedy="gates compare BASE --timing-budget 2m"
        )
    return draw_before_after(comparison)
