"""`gates report`: an earlier run, rendered again."""

from __future__ import annotations

from pathlib import Path

import msgspec

from gates.compare.values import Comparison
from gates.pipeline.show import show_run
from gates.results.files import RUN_FILE
from gates.storage.evidence import Evidence, load_evidence


def render_run(path: Path, form: str, records: Path | None = None) -> str | None:
    """The text of a run in `form`; None if it was printed already.

    Args:
        path: its `run.json`, or the folder of that file.
        form: as in `--format`.
        records: where runs of the project are recorded.

    Raises:
        UsageError: there is no run at `path`, or a file of it changed since gates wrote it.
    """
    file = path / RUN_FILE if path.is_dir() or not path.suffix else path
    found = load_evidence(file, records)
    run, tests, comparison = found.run, found.tests, _comparison(found)
    if form == "terminal":
        show_run(run, tests, comparison)
        return None
    if form == "junit":
        from gates.readers.junit.write import junit_document

        return junit_document(run, tests)
    if form == "github":
        from gates.render.github import render_github

        return render_github(run, tests, comparison)
    if form == "html":
        from gates.render.html import render_html

        return render_html(run, tests, comparison)
    from gates.render.markdown import render_markdown

    return render_markdown(run, tests, comparison)


def _comparison(evidence: Evidence) -> Comparison | None:
    if evidence.comparison is None:
        return None
    try:
        found = msgspec.json.decode(evidence.comparison, type=Comparison)
    except msgspec.MsgspecError:
        return None
    return found if found.head_run == evidence.run.id else None
