"""`gates explain`: why a test runs or not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gates.pipeline.collect import tests_of_project
from gates.pipeline.result_files import tests_of_files
from gates.planning.plan import Request
from gates.planning.test_queries import explanation


def explain(root: Path, request: Request, test: str, results: Sequence[Path] = ()) -> str:
    """Each expression, with its answer at each node, for a test of the project or of results files.

    Raises:
        GatesError: no test, or more than one, has the name; or the tests cannot be listed.
    """
    if results:
        return explanation(tests_of_files(root, results, [request.filter]), test, request.filter)
    return explanation(tests_of_project(root, request), test, "")
