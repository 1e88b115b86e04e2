"""Whether a check of one form says what a check of another form said: lengths, texts of errors, logged records."""

from __future__ import annotations

import re

from gates.analysis.checks.claims import CLOSE, Claim

_LOGGED = re.compile(r"^caplog\.(records|messages|record_tuples|text)\b")


def supports(claim: Claim, after: Claim) -> bool:
    """Whether a claim of the head says what one of the base said, about the same value in another form."""
    return any(rule(claim, after) for rule in (_as_many, _asked_of_the_error, _logged, _not_there))


def _as_many(claim: Claim, after: Claim) -> bool:
    """Taking exactly so many values from something is a check of its length."""
    told = claim.kind, claim.subject, claim.expected
    return after.kind == "unpacked" and told == ("length", after.subject, after.expected)


def _asked_of_the_error(claim: Claim, after: Claim) -> bool:
    """A text that was looked for in a result is looked for in the error or warning that is demanded now."""
    text = claim.expected.removeprefix("in ").strip("'\"")
    there = after.kind in {"raises", "warns"} and after.counts and bool(after.match)
    return (
        there and claim.kind == "contains" and len(text) > 3
        and text in (after.match or "") and bool(calls_of(claim) & calls_of(after))
    )  # fmt: skip


def _logged(claim: Claim, after: Claim) -> bool:
    """`caplog.records`, `.messages`, `.text` and `.record_tuples` are one list, and tuples say most of each record."""
    was, now = _LOGGED.match(claim.subject), _LOGGED.match(after.subject)
    if was is None or now is None or not after.counts or after.level < CLOSE or after.state != claim.state:
        return False
    if after.kind == "false" or (after.kind, after.expected) == ("equal", "[]"):
        return (claim.kind, claim.expected) in {("equal", "[]"), ("equal", "''"), ("false", "")}
    whole = after.kind == "equal" and after.subject == now[0]
    only_text = was[1] != "record_tuples" and not re.search(r"level|\.name\b", claim.subject)
    told = now[1] == "record_tuples" or (now[1] == "messages" and only_text)
    return whole and told and claim.subject != after.subject


def _not_there(claim: Claim, after: Claim) -> bool:
    """What an entry was is no question where the head says that there is none."""
    absent = after.counts and after.kind == "contains" and after.expected.startswith("not in ")
    return absent and claim.subject == f"{after.subject}[{after.expected.removeprefix('not in ')}]"


def less_than(subject: str) -> tuple[str, ...]:
    """Forms of the same value that say less: the texts of log records without their levels and loggers."""
    return ("caplog.messages", "caplog.text") if subject == "caplog.record_tuples" else ()


def calls_of(claim: Claim) -> set[str]:
    """Names of the functions in the subject of a claim."""
    return set(re.findall(r"(\w+)\(", claim.subject))


def first_of(claim: Claim, after: Claim) -> bool:
    """Whether the second looks at one item where the first looked at each."""
    if "each(" not in claim.subject or "each(" in after.subject:
        return False
    return _of_one(claim.subject) == re.sub(r"\[-?\d+\]", "[0]", after.subject)


def _of_one(subject: str) -> str:
    """`x[0].name` for `each(x).name`."""
    front, _, rest = subject.partition("each(")
    depth = 1
    for at, sign in enumerate(rest):
        depth += (sign in "([{") - (sign in ")]}")
        if not depth:
            behind = re.sub(r"\[-?\d+\]", "[0]", rest[at + 1 :])
            return f"{front}{rest[:at]}[0]{behind}"
    return subject
