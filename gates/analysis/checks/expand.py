"""Say a claim once for each case that its names stand for."""

from __future__ import annotations

import ast
import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from gates.analysis.checks.claims import NOTHING, Claim
from gates.analysis.checks.scope import Binder
from gates.analysis.checks.trees import is_literal, truth
from gates.analysis.reading import parse

MANY = 600
"""Maximum number of cases that are told apart."""

_STAND = re.compile(r"(?<!\w)[^\W\d]\w*§\d+|request\.param§\d+")


_CALL = re.compile(r"(?<!\w)(\w+)\(")
_RAISES = re.compile(r"\braises\(([^()]*|\([^()]*\))")


def expanded(claim: Claim, binders: Sequence[Binder]) -> Iterator[Claim]:
    """The claim for each case; those for which a condition is false are left out."""
    texts = (claim.subject, claim.expected, claim.state, *claim.guards, *claim.exceptions, claim.match or "")
    if not any("§" in text for text in texts):
        yield claim
        return
    there = {stand for text in texts for stand in _STAND.findall(text)}
    used = [binder for binder in binders if there.intersection(binder.names)]
    if math.prod(len(binder.cases) for binder in used) > MANY:
        yield replace(claim, subject=_plain(claim.subject), expected=_plain(claim.expected), state=_plain(claim.state))
        return
    seen = set()
    for chosen in itertools.product(*(binder.cases for binder in used)):
        values = {
            name: text
            for binder, case in zip(used, chosen, strict=True)
            for name, text in zip(binder.names, case, strict=True)
        }
        made = _with(claim, values)
        if made is not None and (made.key, made.exceptions) not in seen:
            seen.add((made.key, made.exceptions))
            yield made


def _plain(text: str) -> str:
    return re.sub(r"§\d+", "", text)


def _with(claim: Claim, values: dict[str, str]) -> Claim | None:
    def put(text: str) -> str:
        return _STAND.sub(lambda found: values.get(found[0], found[0]), text) if "§" in text else text

    guards = []
    for guard in claim.guards:
        if "§" not in guard:
            guards.append(guard)
            continue
        if guard.startswith("quiet("):
            if _RAISES.search(put(guard)):
                return None
            continue
        tree = parse(put(guard))
        first = tree.body[0] if tree is not None and tree.body else None
        known = truth(first.value) if isinstance(first, ast.Expr) else None
        if known is False:
            return None
        # A condition on nothing but the case decides which case this is; it is no condition on the run.
    if claim.kind == "raises" and any("§" in one for one in claim.exceptions):
        raised = _RAISES.search(put(claim.exceptions[0]))
        if raised is None and "null" in put(claim.exceptions[0]) + "not_raise":
            return (
                None
                if "raises" not in put(claim.exceptions[0]) and "(" in put(claim.exceptions[0])
                else _named(claim, put, guards)
            )
        return replace(_named(claim, put, guards), exceptions=tuple(_names(raised[1])) if raised else claim.exceptions)
    exceptions = tuple(sorted({name for one in claim.exceptions for name in _names(put(one))}))
    flaw = claim.flaw
    if claim.kind == "equal" and not flaw and put(claim.subject) == put(claim.expected) and "(" not in claim.subject:
        flaw = "itself"
    expected = put(claim.expected)
    if expected != claim.expected:
        claim = replace(claim, literal=_is_written_out(expected), calls=frozenset(_CALL.findall(expected)))
    if claim.kind == "contains" and not flaw and expected in {"in ''", 'in ""', "in b''"}:
        flaw = "constant"
    return replace(
        claim,
        subject=put(claim.subject),
        expected=expected,
        root=put(claim.root),
        state=put(claim.state),
        guards=tuple(guards),
        exceptions=exceptions,
        match=None if claim.match is None else put(claim.match),
        flaw=flaw,
        level=NOTHING if flaw else claim.level,
    )


def is_in_everything(expected: str) -> bool:
    """Whether a claim only says that the empty text is in another."""
    return expected in {"in ''", "in b''", "startswith ''", "endswith ''"}


def _is_written_out(text: str) -> bool:
    tree = parse(text)
    first = tree.body[0] if tree is not None and tree.body else None
    return isinstance(first, ast.Expr) and is_literal(first.value)


def _named(claim: Claim, put: Callable[[str], str], guards: list[str]) -> Claim:
    names = tuple(sorted({name for one in claim.exceptions for name in _names(put(one))}))
    return replace(
        claim, subject=put(claim.subject), root=put(claim.root), state=put(claim.state), guards=tuple(guards), exceptions=names,
        match=None if claim.match is None else put(claim.match),
    )  # fmt: skip


def _names(text: str) -> list[str]:
    return [one.strip() for one in text.strip("()").split(",") if one.strip()]
