"""The predicates of the language: name, arguments, default matcher. One table; parser, compiler and hints read it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PredicateForm:
    """How a predicate is written.

    Attributes:
        name: as in an expression.
        arguments: how many it takes.
        default: the matcher of an argument without a prefix; empty where there are no arguments.
        example: a call that is right, for hints.
    """

    name: str
    arguments: int
    default: str
    example: str


PREDICATES = {
    form.name: form
    for form in (
        PredicateForm("all", 0, "", "all()"),
        PredicateForm("none", 0, "", "none()"),
        PredicateForm("test", 1, "~", "test(cache)"),
    )
}
