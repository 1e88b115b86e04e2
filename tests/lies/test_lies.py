"""What gates says of every lie: our column of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import warm
from tests.integration.project import ROOT
from tests.lies.contestants import GATES, PATIENCE, Said, Workshop, ask, ask_gates
from tests.lies.corpus import Case, load

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


def started_warm(shop: Workshop, words: tuple[str, ...]) -> Said:
    """Gates as its users start it, but from a process that has imported it."""
    done = warm.run(
        "gates", words, folder=shop.folder, environment=shop.environment,
        imports=warm.GATES, path=[str(ROOT)], timeout=PATIENCE,
    )  # fmt: skip
    return Said(done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace"))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in load()])
def test_gates_is_fooled_only_where_the_corpus_says_so(case: Case, tmp_path: Path) -> None:
    answer, said = ask(GATES, case, tmp_path, lambda shop: ask_gates(shop, started_warm))
    assert answer == case.ours, f"{case.truth}\nexit code {said.code}\n{said.text}"
