"""`gates compare BASE.xml HEAD.xml`: results files from any runner. Runs nothing, and needs no project."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from glob import glob
from pathlib import Path

import msgspec

from gates.compare.inputs import DEFAULT_POLICY, RecordedSide, RegressionPolicy
from gates.compare.runs import compare_results
from gates.compare.values import Comparison
from gates.compare.weakenings import noting_unknown
from gates.config import find_root, load_config
from gates.pipeline.open_run import new_run_id
from gates.pipeline.result_files import results_of
from gates.planning.prepare import records_of
from gates.portable.errors import GatesError, ManyErrors, UsageError
from gates.portable.filters.nearest import meant
from gates.portable.regular import open_file
from gates.portable.values import ExitCode, plural
from gates.readers.junit.report import split_id
from gates.results import TestResult
from gates.results.files import COMPARISON_FILE, RUN_FILE, load_run, to_json
from gates.run.masking import StructMask
from gates.storage.reports import Reports
from gates.vcs.git import Git

SUFFIXES = (".xml", ".jsonl")


def names_files(argument: str) -> bool:
    """Whether an argument names results files: paths and globs, separated by commas.

    An existing path is a file, whatever its name; a missing one is a file if it has the ending of one.

    Raises:
        UsageError: it names a file and a commit.
    """
    parts = _parts(argument)
    if parts and all(any(not path.is_dir() for path in _found(part)) for part in parts):
        git = Git.of(Path.cwd())
        if git is not None and git.commit(argument):
            raise UsageError(
                f"{argument!r} names both a file and a commit",
                expected="one of them",
                remedy=f"write ./{argument} for the file, or the hash of the commit ({git.commit(argument)[:12]})",
            )
        return True
    return bool(parts) and all(part.lower().endswith(SUFFIXES) for part in parts)


def compare_files(
    base: str, head: str, reports: Path | None = None, policy: RegressionPolicy = DEFAULT_POLICY
) -> Comparison:
    """Compare results files, and write the comparison to `reports`, if given.

    Args:
        base: paths and globs of the base's files, separated by commas.
        head: the same for the head's files.
        reports: folder for the comparison; None for none.
        policy: what makes a regression.

    Raises:
        GatesError: a file is missing, is not a results file, or contradicts itself; all such files are named.
    """
    errors: list[GatesError] = []
    files = [_files(argument, errors) for argument in (base, head)]
    root = find_root(Path.cwd())
    config = load_config(root)
    rules, mask = config.junit, StructMask.of(config)
    notes: list[str] = []
    records = records_of(root)
    results = [
        _read(side, paths, rules, records, errors, notes) for side, paths in zip(("base", "head"), files, strict=True)
    ]
    if errors:
        raise errors[0] if len(errors) == 1 else ManyErrors(tuple(errors))
    # Together: ids that look alike after masking are distinguished in the same way on both sides.
    masked = mask.results([*results[0], *results[1]])
    before, after = _aligned(masked[: len(results[0])], masked[len(results[0]) :])
    _refuse_unknown((*before, *after), policy.accepted)
    comparison = compare_results(
        RecordedSide(name=_label(base, files[0]), identity=_identity(files[0]), tests=before),
        RecordedSide(name=_label(head, files[1]), identity=_identity(files[1]), tests=after),
        notes=(*notes, *_cut("base", files[0]), *_cut("head", files[1])),
        policy=policy,
    )
    comparison = mask.struct(noting_unknown(comparison, policy.accepted_weakenings))
    if reports is not None:
        with Reports.begin(reports, records, new_run_id(), root=root, kind="comparison") as written:
            written.publish({COMPARISON_FILE: to_json(comparison)})
    return comparison


def exit_of_files(comparison: Comparison) -> ExitCode:
    """Exit code of a comparison without runs. The runner has already judged other failures on the head."""
    if comparison.regression:
        return ExitCode.REGRESSION
    return ExitCode.GATE_FAILED if comparison.blocked else ExitCode.PASSED


def _parts(argument: str) -> list[str]:
    if Path(argument).exists():  # the name may have any characters
        return [argument]
    return [part.strip() for part in argument.split(",") if part.strip()]


def _found(part: str) -> list[Path]:
    names = [part] if Path(part).exists() else sorted(glob(part, recursive=True))  # noqa: PTH207 (absolute ones, too)
    return [Path(name) for name in names]


def _files(argument: str, errors: list[GatesError]) -> list[Path]:
    found: dict[Path, None] = {}
    for part in _parts(argument):
        paths = _found(part)
        if not paths:
            errors.append(UsageError("there is no such file", place=part))
        found |= dict.fromkeys(paths)
    return list(found)


def _read(
    side: str,
    paths: Iterable[Path],
    rules: Mapping[str, int | tuple[str, ...]],
    records: Path,
    errors: list[GatesError],
    notes: list[str],
) -> list[TestResult]:
    results: list[TestResult] = []
    for path in paths:
        try:
            read, said = results_of(path, rules, records)
        except GatesError as error:
            errors.append(error)
            continue
        if not read:
            errors.append(UsageError("contains no test results", place=str(path)))
        results += read
        notes += [f"{side}: {path}: {text}" for text in said]
    return results


def _aligned(base: Sequence[TestResult], head: Sequence[TestResult]) -> tuple[tuple[TestResult, ...], ...]:
    """The results with the same id for the same test, however the files spell it."""
    # Files from other runners have no gates: then those of the other side mean nothing, either.
    anonymous = not all(result.gate for side in (base, head) for result in side)
    before, after = _numbered(base, anonymous=anonymous), _numbered(head, anonymous=anonymous)
    # Nearly all tests have the same name on both sides; only the others need a closer look.
    if before.keys() == after.keys():
        return tuple(before.values()), tuple(after.values())
    come = {_spelling(result): result for key, result in after.items() if key not in before}
    for key in [key for key in before if key not in after] if come else ():
        same = come.pop(_spelling(before[key]), None)
        if same is not None:
            before[key] = msgspec.structs.replace(before[key], id=same.id)
    return tuple(before.values()), tuple(after.values())


def _numbered(results: Sequence[TestResult], *, anonymous: bool) -> dict[tuple[str, int, str] | str, TestResult]:
    """Results by gate, process and id; equal ones become `#2`, `#3`, …, so that none hides another.

    If the files have no gates, one file may still contain several, so the result of another gate is a second one.
    """
    found: dict[tuple[str, int, str] | str, TestResult]
    if anonymous and not any(result.gate or result.process for result in results):
        found = {result.id: result for result in results}
        if len(found) == len(results):
            return found
    found = {}
    seen: Counter[tuple[str, int, str] | str] = Counter()
    for result in results:
        one = result
        key: tuple[str, int, str] | str = result.id
        if not anonymous:
            key = (result.gate, result.process, result.id)
        elif result.gate or result.process:
            one = msgspec.structs.replace(result, gate="", process=0)
        if found.setdefault(key, one) is one:
            continue
        first, name = key, result.id
        while key in found:
            seen[first] += 1
            name = f"{result.id}#{seen[first] + 1}"
            key = name if anonymous else (result.gate, result.process, name)
        found[key] = msgspec.structs.replace(one, id=name)
    return found


def _spelling(result: TestResult) -> tuple[str, int, str, str]:
    """The key that is equal for two ids of the same test: a node id becomes what pytest writes in JUnit."""
    name, classname = split_id(result.id, result.file)
    return result.gate, result.process, classname, name


def _label(argument: str, files: Sequence[Path]) -> str:
    return f"{argument} ({plural(len(files), 'file')})" if len(files) > 1 else argument


def _identity(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        with open_file(path) as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"results:sha256:{digest.hexdigest()}"


def _cut(side: str, files: Iterable[Path]) -> list[str]:
    """Files of unfinished runs; the run's own file is next to them."""
    notes = []
    for path in files:
        with suppress(GatesError):
            if path.suffix.lower() == ".jsonl" and not load_run(path.parent / RUN_FILE).complete:
                notes.append(f"the run of the {side} is not complete: {path}")
    return notes


def _refuse_unknown(results: Iterable[TestResult], accepted: Sequence[str]) -> None:
    known = sorted({entry for result in results for entry in (result.exclusion, result.quarantine) if entry})
    for name in accepted:
        if name not in known:
            raise UsageError(
                f"the files know no exclusion {name!r}",
                remedy=meant(name, known, f"known: {', '.join(known) or 'none'}"),
            )
