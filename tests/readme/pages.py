"""Read pages for people as a program does: their blocks of code, and the commands in them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """The blocks of code in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[list[str]]:
    """The words of each call of gates, in blocks and in sentences; `--option` alone belongs to the first call of its line."""
    lines = [line for block in blocks(page, "bash") for line in block.splitlines()]
    for line in re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL).splitlines():
        spans = re.findall(r"`([^`]+)`", line)
        calls = [span for span in spans if span.startswith("gates ")]
        lines += calls
        lines += [f"{calls[0]} {span}" for span in spans if span.startswith("-") and calls]
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("gates ")]
