"""The tests of both sides: which may differ, what each checks, and which of the head most likely took over from one of the base."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from gates.analysis.checks.claims import CheckedTest, Claim
from gates.analysis.checks.closure import Closures
from gates.analysis.checks.found import Found, tests_in
from gates.analysis.checks.match import Pool
from gates.analysis.checks.reading import Module, Side, digest_of, holds_tests, is_test_code, varying
from gates.analysis.checks.subjects import Production
from gates.analysis.checks.tests import helper_files, read_test

COMPARED = 400
"""Maximum number of tests that are gone for comparing each with all others; beyond it, only with those of its name."""


class BothSides:
    """Finds the tests of the files that changed, and of those that use what changed; reads each once.

    Attributes are for the class that compares them.
    """

    def __init__(self, base: Side, head: Side, changed: list[str]) -> None:
        self._base, self._head, self._changed = base, head, changed
        self._production = Production(base, head, changed)
        self._read: dict[tuple[bool, str], CheckedTest] = {}
        self._pool: Pool | None = None
        self._closures = Closures(base), Closures(head)
        self._same: dict[str, bool] = {}
        base.varying = head.varying = dict(varying(base, head, changed))
        files = self._files()
        self._was, self._is = self._found(base, files), self._found(head, files)

    def _claims_in(self, side: Side, path: str) -> Iterator[Claim]:
        """What the tests of a file check, whether or not it changed."""
        for found in self._found(side, [path]).values():
            yield from self._test(side is self._head, found).claims

    def _files(self) -> list[str]:
        """The test files that changed, and those that use what changed."""
        changed = [path for path in self._changed if path.endswith(".py") and is_test_code(path)]
        found = dict.fromkeys(path for path in changed if holds_tests(path))
        names = {path: names for path in changed if (names := self._differing(path))}
        said = {path: re.compile(rf"\b({'|'.join(map(re.escape, sorted(each)))})\b") for path, each in names.items()}
        for path in dict.fromkeys((*self._base.texts, *self._head.texts)) if said else ():
            if path not in found and holds_tests(path) and self._may_use(path, said) and self._uses(path, set(said)):
                found[path] = None
        return list(found)

    def _may_use(self, path: str, said: Mapping[str, re.Pattern[str]]) -> bool:
        """Whether the text of a file says a name that differs in a helper: most files need not be parsed."""
        text = self._head.texts.get(path) or ""
        for helper, names in said.items():
            folder, _, name = helper.rpartition("/")
            near = path.startswith(f"{folder}/" if folder else "") if name == "conftest.py" else _stem(helper) in text
            if near and names.search(text):
                return True
        return False

    def _differing(self, path: str) -> set[str]:
        """The names of a file that other test files may use, and that are not the same on both sides."""
        sides = [module.definitions if module else {} for module in (self._base.module(path), self._head.module(path))]
        found = {name for name in sides[0].keys() | sides[1].keys() if sides[0].get(name) != sides[1].get(name)}
        before = -1
        while len(found) > before:  # and what uses them in the same file
            before = len(found)
            found |= {name for side in sides for name, (_, words) in side.items() if words & found}
        return found

    def _uses(self, path: str, helpers: set[str]) -> bool:
        return any(
            module is not None and not helpers.isdisjoint(helper_files(module, side))
            for side in (self._base, self._head)
            for module in (side.module(path),)
        )

    def _found(self, side: Side, files: list[str]) -> dict[str, tuple[Found, Module]]:
        found: dict[str, tuple[Found, Module]] = {}
        for path in files:
            module = side.module(path)
            if module is not None:
                found |= {name: (test, module) for name, test in tests_in(module, side).items()}
        return found

    def _equal(self, was: tuple[Found, Module], now: tuple[Found, Module]) -> bool:
        """Whether a test is the same on both sides, with everything that it may use."""
        name = was[0].id
        if name not in self._same:
            self._same[name] = self._closures[0].of(was[1], was[0].nodes) == self._closures[1].of(now[1], now[0].nodes)
        return self._same[name]

    def _test(self, head: bool, found: tuple[Found, Module]) -> CheckedTest:
        key = head, found[0].id
        if key not in self._read:
            test = read_test(self._head if head else self._base, found[1], found[0])
            if not head:
                test = replace(test, claims=tuple(map(self._production.in_new_names, test.claims)))
            self._read[key] = test
        return self._read[key]

    def _everything(self) -> Pool:
        """What the tests of the changed files check on the head, and those that use what changed."""
        if self._pool is None:
            self._pool = Pool()
            for name, found in self._is.items():
                was = self._was.get(name)
                changed = was is None or not self._equal(was, found)
                if changed or found[1].path in self._changed:
                    self._pool.add(self._test(True, found), None if was is None else self._test(False, was))
        return self._pool

    def _names(self, before: CheckedTest) -> frozenset[str]:
        """The names in the code of a test of the base."""
        return digest_of(self._code(before))[1]

    def _code(self, before: CheckedTest) -> ast.AST:
        """The code of a test of the base with its arguments, without what only decides where it runs."""
        node = self._was[before.id][0].node
        return ast.Module([ast.Expr(one.annotation) for one in node.args.args if one.annotation] + node.body, [])

    def _differs(self, name: str) -> bool:
        """Whether a test is not the same on both sides."""
        return name not in self._was or name not in self._is or not self._equal(self._was[name], self._is[name])

    def _heir(self, before: CheckedTest) -> CheckedTest | None:
        """The test of the head that most likely took over what a test of the base checked."""
        keys = {(claim.kind, claim.subject, claim.expected) for claim in before.claims}
        told = {(claim.kind, claim.told) for claim in before.claims}
        name = before.id.rpartition("::")[2]
        best: tuple[float, CheckedTest] | None = None
        many = sum(each not in self._is for each in self._was) > COMPARED
        for each, found in self._is.items():
            if many and each.rpartition("::")[2] != name:
                continue
            was = self._was.get(each)
            if was is not None and self._equal(was, found):
                continue
            test = self._test(True, found)
            score = 3.0 * sum((claim.kind, claim.subject, claim.expected) in keys for claim in test.claims)
            score += sum((claim.kind, claim.told) in told for claim in test.claims)
            score = min(score, 4.0 * len(before.claims)) + 2.0 * (each.rpartition("::")[2] == name)
            alike = len(before.words & test.words) / max(1, len(before.words | test.words))
            score += 3.0 * (alike if alike >= 0.5 else 0.0)
            if score > 1.0 and (best is None or score > best[0]):
                best = score, test
        return None if best is None else best[1]


def _stem(path: str) -> str:
    """The last name by which a file is imported."""
    return path.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2]
