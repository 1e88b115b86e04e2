"""Evaluate the predicates that a test process cannot: history, git, the import graph, owners."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gates.config import Config, load_config
from gates.planning.plan import Plan
from gates.portable.filters import PREDICATES, Matcher, Predicate, Resolution, parse, predicates, to_text, unknown
from gates.portable.filters.matchers import compile_duration, compile_matcher
from gates.portable.filters.resolution import NamedTests
from gates.portable.values import BAD_TESTS, LOST_TESTS, TestOutcome
from gates.results import Subject
from gates.storage.cache import RecordedOutcomes, Store
from gates.vcs.git import Git, subject_of_worktree

if TYPE_CHECKING:
    from gates.analysis.imports import Imports
    from gates.analysis.reach import Reach

WRONG = frozenset({*BAD_TESTS, *LOST_TESTS, TestOutcome.QUARANTINED})
BASE, LAST = "base", "last"
"""Words for the subject's own base, and for the last run of the working tree."""

NO_GIT = "there is no git repository"
NO_HISTORY = "it has not run here yet"


def resolve_all(expressions: Iterable[str], outside: ExternalFacts) -> dict[str, Resolution]:
    """The answers to every predicate of the expressions that needs one, by its canonical text.

    Raises:
        FilterSyntaxError: an expression has an error.
    """
    asked = {to_text(leaf): leaf for text in expressions if text.strip() for leaf in predicates(parse(text))}
    return {text: outside.resolve(leaf) for text, leaf in asked.items() if PREDICATES[leaf.name].outside}


def facts_json(root: Path, expressions: Iterable[str]) -> str:
    """The answers for some expressions as JSON, for the plugin of a pytest without a runner."""
    found = resolve_all(expressions, ExternalFacts.of_worktree(root))
    return msgspec.json.encode({text: resolution.to_json() for text, resolution in found.items()}).decode()


def expressions_of(plan: Plan) -> tuple[str, ...]:
    """Every expression that affects a run."""
    ledgers = (entry.filter for entry in (*plan.config.exclusions, *plan.quarantine))
    return (plan.settings.filter, plan.default_filter, *ledgers, *(layer.filter for layer in plan.rules))


class ExternalFacts:
    """The facts about a subject in a folder; each is looked up when needed, and only once."""

    def __init__(self, root: Path, config: Config, git: Git | None, subject: Subject, store: Store) -> None:
        self.config = config
        self._root, self._git, self._subject, self._store = root, git, subject, store

    @classmethod
    def of_worktree(cls, root: Path) -> ExternalFacts:
        """The facts about the working tree in a folder.

        Raises:
            GatesError: its config is wrong.
        """
        config, git = load_config(root), Git.of(root)
        return cls(root, config, git, subject_of_worktree(root, git, config.base), Store.of(root, git))

    def resolve(self, predicate: Predicate) -> Resolution:
        """The answer to one predicate."""
        answers: dict[str, Callable[[Predicate], Resolution]] = {
            "failed": self._failed,
            "new": self._new,
            "changed": self._changed,
            "flaky": self._flaky,
            "slow": self._slow,
            "owner": self._owner,
            "deps": self._imports_of,
            "rdeps": self._importers_of,
        }
        return answers[predicate.name](predicate)

    # History

    @cached_property
    def _memory(self) -> dict[str, tuple[str, float, float]]:
        return {name: (test.outcome, test.seconds, test.flaky) for name, test in self._store.tests().items()}

    def _split(self, holds: Callable[[tuple[str, float, float]], bool]) -> Resolution:
        yes = frozenset(name for name, known in self._memory.items() if holds(known))
        no = self._memory.keys() - yes
        return Resolution(NamedTests(tests=yes), NamedTests(tests=frozenset(no)), otherwise=None, why=NO_HISTORY)

    def _flaky(self, _: Predicate) -> Resolution:
        return self._split(lambda known: bool(known[2]))

    def _slow(self, predicate: Predicate) -> Resolution:
        compare = compile_duration(predicate.matchers[0])
        return self._split(lambda known: compare(known[1]))

    def _failed(self, predicate: Predicate) -> Resolution:
        name = predicate.matchers[0].text
        if name == LAST:
            return self._split(lambda known: known[0] in WRONG)
        recorded, why = self._recorded(name)
        if recorded is None:
            return unknown(why)
        wrong = frozenset(test for test, outcome in recorded.outcomes.items() if outcome in WRONG)
        right = frozenset(recorded.outcomes) - wrong
        return Resolution(
            NamedTests(tests=wrong), NamedTests(tests=right), otherwise=None, why=f"it did not run on {name}"
        )

    def _new(self, predicate: Predicate) -> Resolution:
        name = predicate.matchers[0].text
        recorded, why = self._recorded(name)
        if recorded is None:
            return unknown(why)
        there = NamedTests(tests=frozenset(recorded.outcomes))
        if recorded.whole:
            return Resolution(no=there, otherwise=True)
        return Resolution(no=there, otherwise=None, why=f"the recorded run of {name} did not include every test")

    # Bases

    def _base(self, name: str) -> tuple[str, str, str]:
        """Commit and merge base of a base, or why they are not known."""
        if self._git is None:
            return "", "", NO_GIT
        if name == BASE:
            commit, merge_base = self._subject.base_commit, self._subject.merge_base
            return commit, merge_base, "" if commit else "no base is known: name one, or set `base` in the config"
        commit = self._git.commit(name) or self._git.commit(f"origin/{name}")
        if not commit:
            return "", "", f"no commit is named {name}"
        head = self._subject.commit
        merge_base = self._git.merge_base(commit, head) if head and not self._git.shallow else ""
        return commit, merge_base, ""

    def _merge_base(self, name: str) -> tuple[str, str]:
        commit, merge_base, why = self._base(name)
        if commit and not merge_base and self._git is not None:
            why = (
                "the history is incomplete (shallow clone)"
                if self._git.shallow
                else f"it shares no history with {name}"
            )
        return merge_base, why

    def _recorded(self, name: str) -> tuple[RecordedOutcomes | None, str]:
        commit, merge_base, why = self._base(name)
        if not commit or self._git is None:
            return None, why
        # The merge base is fairer, but most people run the tip.
        for one in dict.fromkeys((merge_base, commit)):
            found = self._store.recorded(self._git.tree(one)) if one else None
            if found is not None:
                return found, ""
        return None, f"no run of {name} is recorded: `gates run --subject {commit[:12]}` makes one"

    def _changed(self, predicate: Predicate) -> Resolution:
        from gates.analysis.sources import changed_tests

        merge_base, why = self._merge_base(predicate.matchers[0].text)
        if not merge_base or self._git is None:
            return unknown(why)
        found = changed_tests(self._git, self._root, merge_base, self._files)
        return Resolution(NamedTests(functions=found.functions, files=found.files))

    # Files

    @cached_property
    def _files(self) -> tuple[str, ...]:
        from gates.analysis.imports import project_files

        return tuple(project_files(self._root, self._git))

    @cached_property
    def _imports(self) -> Imports:
        from gates.analysis.imports import build_imports

        return build_imports(self._root, self._files)

    def _owner(self, predicate: Predicate) -> Resolution:
        from gates.analysis.owners import read_owners

        above = self._git.prefix if self._git is not None else ""
        # For a project in a subfolder, the hosting service reads the file of the repository.
        top = self._root.parents[above.rstrip("/").count("/")] if above else self._root
        owners = read_owners(top)
        if owners is None and above:
            owners, above = read_owners(self._root), ""
        if owners is None:
            return unknown("there is no CODEOWNERS file")
        matches = compile_matcher(predicate.matchers[0])
        yes = frozenset(file for file in self._files if any(map(matches, owners.of(above + file))))
        no = frozenset(self._files) - yes
        return Resolution(
            NamedTests(files=yes), NamedTests(files=no), otherwise=None, why="its file is not a file of the project"
        )

    def _importers_of(self, predicate: Predicate) -> Resolution:
        return self._reached(predicate, self._imports.importers)

    def _imports_of(self, predicate: Predicate) -> Resolution:
        return self._reached(predicate, self._imports.dependencies)

    def _reached(self, predicate: Predicate, query: Callable[[Callable[[str], bool], str], Reach]) -> Resolution:
        argument = predicate.arguments[0]
        if isinstance(argument, Matcher):
            return self._resolution(predicate, query(compile_matcher(argument), argument.text))
        from gates.analysis.affected import affected
        from gates.analysis.sources import changed_paths

        merge_base, why = self._merge_base(argument.matchers[0].text)
        if not merge_base or self._git is None:
            return unknown(why)
        paths = changed_paths(self._git, self._root, merge_base)
        if predicate.name == "rdeps":
            return self._resolution(predicate, affected(self._imports, paths, self.config.unrelated))
        names = {name for path in paths for name in self._imports.layout.names_of(path)}
        return self._resolution(predicate, query(names.__contains__, "")) if names else Resolution()

    def _resolution(self, predicate: Predicate, reach: Reach) -> Resolution:
        note = "; ".join(reach.notes)
        if reach.missing:
            return Resolution(missing=f"{to_text(predicate)}: {reach.missing}")
        if reach.everything:
            everything = f"selects every test: {reach.everything}"
            return Resolution(otherwise=True, note="; ".join(part for part in (everything, note) if part))
        others = self._imports.layout.tests - reach.files
        why = "the import graph does not know its file as a test file"
        return Resolution(NamedTests(files=reach.files), NamedTests(files=others), otherwise=None, why=why, note=note)
