"""Show who was fooled: a table for the terminal, and the one of the documentation."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.lies.contestants import Answer
    from tests.lies.corpus import Case

Answers = dict[str, dict[str, "Answer"]]
"""By case, by tool."""

MARKS: Mapping[str, str] = {"right": "✓", "fooled": "✗", "false alarm": "!", "hangs": "…", "-": ""}
BEGIN, END = "<!-- lies: begin -->", "<!-- lies: end -->"


def table(cases: Sequence[Case], answers: Answers, tools: Sequence[str]) -> str:
    """A Markdown table, a row a case, grouped by kind."""
    lines = [f"| what is so | {' | '.join(tools)} |", f"|---|{'---|' * len(tools)}"]
    kinds = dict.fromkeys(case.kind for case in cases)
    for kind in kinds:
        lines.append(f"| **{kind}** |{' |' * len(tools)}")
        chosen = [case for case in cases if case.kind == kind]
        lines += [row_of(case, [MARKS[answers[case.name][tool]] for tool in tools]) for case in chosen]
    lines.append(f"| **told the truth** | {' | '.join(score(answers, tool) for tool in tools)} |")
    return "\n".join(lines)


def row_of(case: Case, marks: Sequence[str]) -> str:
    """What is so, and who says it."""
    return f"| {escaped(case.truth)} (`{case.name}`) | {' | '.join(marks)} |"


def answers_in(document: str) -> Answers:
    """What the table of a document says, by case and tool."""
    said = document.partition(BEGIN)[2].partition(END)[0]
    head = re.search(r"^\| what is so \|(.*)\|$", said, re.MULTILINE)
    tools = [tool.strip() for tool in head[1].split("|")] if head else []
    answers: Mapping[str, Answer] = {mark: answer for answer, mark in MARKS.items()}  # type: ignore[misc]
    return {
        row[1]: {tool: answers[mark.strip()] for tool, mark in zip(tools, row[2].split("|"), strict=True)}
        for row in re.finditer(r"^\| .* \(`([a-z0-9-]+)`\) \|(.*)\|$", said, re.MULTILINE)
    }


def whys(cases: Sequence[Case]) -> list[str]:
    """Where gates does not tell the truth, and why."""
    return [f"- `{case.name}` ({case.ours}): {escaped(case.why)}" for case in cases if case.why]


def escaped(text: str) -> str:
    """Text for a cell; what stands in backticks is shown as it is, but for the sign that ends a cell."""
    parts = text.replace("|", r"\|").split("`")
    parts[::2] = [part.replace("<", r"\<").replace("*", r"\*") for part in parts[::2]]
    return "`".join(parts)


def score(answers: Answers, tool: str) -> str:
    """How often the tool told the truth, of the cases that it was asked."""
    counts = Counter(found[tool] for found in answers.values())
    asked = sum(counts.values()) - counts["-"]
    return f"{counts['right']} of {asked}"


def put_into(document: str, text: str, marks: tuple[str, str] = (BEGIN, END)) -> str:
    """The document with the text between its two marks.

    Raises:
        ValueError: it has no such marks.
    """
    before, begin, rest = document.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not begin or not end:
        raise ValueError(f"expected {' and '.join(marks)}")
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"
