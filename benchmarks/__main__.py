"""`python -m benchmarks [NAME]... [--list] [--json] [--seconds N]`: a row per claim.

A missed goal is reported, and exits with 0 like any other; 2 means a wrong name, 3 a claim that could not be measured. Claims whose
peer comes with an extra are skipped where it is not installed: that exits with 3 only if they were asked for by name.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import msgspec

from benchmarks.claims import CannotMeasure, NotInstalled, Row, Subject, Workplace, row_of
from benchmarks.harness import clean_environment
from benchmarks.subjects import SUBJECTS
from benchmarks.table import listing, progress, table

USAGE, COULD_NOT_MEASURE = 2, 3
PATIENCE = 60.0


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure each claim about speed.")
    parser.add_argument("names", metavar="NAME", nargs="*", help="a subject or a claim; default: all")
    parser.add_argument("--list", action="store_true", help="print the claims, measure nothing")
    parser.add_argument("--json", action="store_true", help="print an array of rows as JSON")
    parser.add_argument(
        "--seconds",
        type=float,
        default=PATIENCE,
        help="what a subject may spend on repeating its runs (default: %(default)g)",
    )
    return parser.parse_args(words)


def select(names: list[str]) -> list[tuple[Subject, set[str]]]:
    """The subjects to measure, each with the claims to show.

    Raises:
        ValueError: a name is none of a subject, nor of a claim.
    """
    known = {subject.name for subject in SUBJECTS} | {claim.name for subject in SUBJECTS for claim in subject.claims}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no claim is named {', '.join(map(repr, unknown))}; known: {', '.join(sorted(known))}")
    chosen = []
    for subject in SUBJECTS:
        everything = not names or subject.name in names
        shown = {claim.name for claim in subject.claims if everything or claim.name in names}
        if shown:
            chosen.append((subject, shown))
    return chosen


def measure(subject: Subject, shown: set[str], folder: Path, patience: float) -> list[Row]:
    """Measure a subject in a folder of its own.

    Raises:
        CannotMeasure: something that it needs is missing or fails.
    """
    place = folder / subject.name
    place.mkdir()
    environment = clean_environment(place / "cache")
    figures = subject.measure(Workplace(folder=place, environment=environment, patience=patience))
    return [row_of(claim, figures[claim.name]) for claim in subject.claims if claim.name in shown]


def main() -> int:
    """Measure, print, and give the exit code."""
    wanted = arguments()
    if wanted.list:
        sys.stdout.write(listing(SUBJECTS))
        return 0
    try:
        chosen = select(wanted.names)
    except ValueError as error:
        sys.stderr.write(f"benchmarks: {error}\n")
        return USAGE
    rows: list[Row] = []
    code = 0
    with tempfile.TemporaryDirectory(prefix="gates-bench-") as folder:
        for subject, shown in chosen:
            progress(f"measuring {subject.name} …")
            try:
                rows += measure(subject, shown, Path(folder).resolve(), wanted.seconds)
            except NotInstalled as error:
                sys.stderr.write(f"benchmarks: skipped {', '.join(sorted(shown))}: {error}\n")
                code = COULD_NOT_MEASURE if wanted.names else code
            except CannotMeasure as error:
                sys.stderr.write(f"benchmarks: {subject.name} could not be measured: {error}\n")
                code = COULD_NOT_MEASURE
    sys.stdout.write(
        msgspec.json.format(msgspec.json.encode(rows), indent=2).decode() + "\n" if wanted.json else table(rows)
    )
    return code


if __name__ == "__main__":
    sys.exit(main())
