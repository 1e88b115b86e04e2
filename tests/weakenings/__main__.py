"""Score gates on the corpus: `python -m tests.weakenings [--write] [NAME]...` prints the table, each miss and each false alarm."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.integration.project import Project
from tests.lies.table import put_into
from tests.weakenings.corpus import load
from tests.weakenings.running import compare
from tests.weakenings.score import KNOWN, MARKS, PAGE, WRONG, answers, in_texts, ledger, report, table


def main() -> None:
    """Compare both sides of all cases, or of those that are named, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.weakenings", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these cases, with all that was found in them")
    parser.add_argument(
        "--write",
        action="store_true",
        help="write the ledger of what is known to be missed, and the table of the documentation",
    )
    options = parser.parse_args()
    cases = [case for case in load() if not options.names or case.name in options.names]
    with tempfile.TemporaryDirectory() as folder:
        done = compare(Project(Path(folder) / "project", Path(folder) / "cache"), [one for one in cases if one.runs])
    said = answers(cases, done.found)
    print(table(cases, said), *done.notes, sep="\n")
    for case in cases:
        found = [*done.found.get(case.name, ()), *in_texts(case)]
        if said[case.name] in WRONG or options.names:
            print(f"\n{said[case.name]}: {case.name} ({case.part}): {case.truth}")
            for one in found:
                print(
                    f"    {one.strength} {one.rule} {one.path}:{one.line} {one.what}: {one.before!r} -> {one.after!r}"
                )
    if options.write and not options.names:
        KNOWN.write_text(ledger(said), encoding="utf-8")
        PAGE.write_text(put_into(PAGE.read_text(encoding="utf-8"), report(cases, said), MARKS), encoding="utf-8")


if __name__ == "__main__":
    main()
