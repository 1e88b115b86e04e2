"""Draw the packages and the stages of a run into docs/explanation/design.md: `python docs/architecture.py`.

The layers come from pyproject.toml, the purpose of a package is the first sentence of its docstring, and the stages are the
calls in `gates/commands/run.py`. A test fails if the picture is not up to date.
"""

from __future__ import annotations

import ast
import re
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = "docs/explanation/design.md"
BEGIN, END = "<!-- architecture: begin -->\n", "<!-- architecture: end -->\n"
NAMES, WORDS = 15, 90
"""Characters per line: for the names of packages, and for their descriptions."""


def layers(root: Path) -> list[list[str]]:
    """The packages of gates that exist, layer by layer from the top."""
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    declared = next(one["layers"] for one in contracts if one.get("containers") == ["gates"])
    found = [[name.strip(" ()") for name in layer.split("|")] for layer in declared]
    there = [[name for name in layer if (root / "gates" / name / "__init__.py").exists()] for layer in found]
    return [layer for layer in there if layer]


def purpose(root: Path, package: str) -> str:
    """The first sentence of a package's docstring."""
    text = ast.get_docstring(ast.parse((root / "gates" / package / "__init__.py").read_text())) or ""
    return re.split(r"\.(?:\s|$)", " ".join(text.split("\n\n")[0].split()))[0]


def boxes(root: Path) -> Iterator[str]:
    """One box for each layer. Packages in the same box do not import each other."""
    line = "─" * (NAMES + WORDS + 3)
    yield f"┌{line}┐"
    for number, layer in enumerate(layers(root)):
        if number:
            yield f"├{line}┤"
        for package in layer:
            for row, words in enumerate(textwrap.wrap(purpose(root, package), WORDS)):
                yield f"│ {'' if row else package:<{NAMES}} {words:<{WORDS}} │"
    yield f"└{line}┘"


def stages(root: Path) -> Iterator[str]:
    """The calls of `gates run`, in order: their names, where they are, and the comment after each."""
    text = (root / "gates/commands/run.py").read_text()
    tree = ast.parse(text)
    homes = {
        alias.name: node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    for call in sorted(calls, key=lambda call: call.lineno):
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if name in homes:
            comment = text.splitlines()[call.lineno - 1].partition("  # ")[2]
            yield f"  {name:<17} {homes[name].removeprefix('gates.'):<19} {comment}".rstrip()


def picture(root: Path = ROOT) -> str:
    """The two pictures, as the page has them."""
    return "\n".join(
        [
            "Imports go downward only; packages in the same box do not import each other:",
            "",
            "```text",
            *boxes(root),
            "```",
            "",
            "`gates run` calls these stages, in this order (`gates/commands/run.py`). Each uses what the ones before it returned:",
            "",
            "```text",
            *stages(root),
            "```",
            "",
        ]
    )


def updated(page: str, root: Path = ROOT) -> str:
    """The page with the current picture."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}{picture(root)}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    path = ROOT / PAGE
    path.write_text(updated(path.read_text()))
