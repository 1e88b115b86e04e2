"""Draw the picture of the README: what a terminal shows after a real run in a small project.

    python -m tests.readme.picture

In that project pytest ends in the middle with exit code 0, and a test that fails never runs.
"""

from __future__ import annotations

import io
import os
import pty
import re
import shlex
import subprocess
import sys
import tempfile
import termios
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.integration.project import Project, checklist, program, pytest_gate, python_gate

if TYPE_CHECKING:
    from collections.abc import Sequence

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "gates-run.svg"

FILES = {
    "shop.py": """
        import os

        def total(prices):
            return sum(prices)

        def discount(price, percent):
            return price - percent

        def cancel():
            os._exit(0)  # the mistake: this ends the test process, and not only the order
        """,
    "test_shop.py": """
        from shop import cancel, discount, total

        def test_total():
            assert total([3, 4]) == 7

        def test_cancel():
            cancel()

        def test_discount():
            assert discount(200, percent=10) == 180
        """,
    # One after the other, so that the lines always come in the same order.
    **checklist(python_gate("build", "-m", "compileall", "-q", "."), pytest_gate("-q") + 'needs = ["build"]\n'),
}

COLUMNS, ROWS = 104, 50
TIME = re.compile(r"(?:\d+m )?\d+(?:\.\d+)? ?m?s\b")
SVG = "http://www.w3.org/2000/svg"

_FORM = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: {char_height}px; }}
.{unique_id}-title {{ font-family: sans-serif; font-size: 18px; font-weight: bold; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""rich's own form loads a font from a host."""

_CONTROL = re.compile(r"(\r\n|\r|\n|\x1b\[\d*[AK]|\x1b\[\?25[lh])")


def written(project: Project, words: Sequence[str], **environment: str) -> str:
    """All that a program writes to a terminal of its own."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (ROWS, COLUMNS))
    variables = project.environment | {"TERM": "xterm-256color", **environment}
    found = b""
    with subprocess.Popen(
        words, cwd=project.folder, env=variables, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ):
        os.close(theirs)
        with suppress(OSError):  # Linux raises it when nobody has the other end open any more
            while data := os.read(ours, 1 << 16):
                found += data
    os.close(ours)
    return found.decode()


def screen(text: str) -> list[str]:
    """The lines that are left on a terminal, with their colours. Lines that are written again were erased before."""
    lines, at = [""], 0
    for part in _CONTROL.split(text):
        if part.endswith("\n"):
            at += 1
            lines += [""] * (at == len(lines))
        elif part.startswith("\x1b[") and part.endswith("A"):
            at -= int(part[2:-1] or 1)
        elif part.startswith("\x1b[") and part.endswith("K"):
            lines[at] = ""
        elif not _CONTROL.fullmatch(part):
            lines[at] += part
    return lines


def take(folder: Path) -> list[str]:
    """The lines of a terminal in which pytest alone ran, and then gates."""
    project = Project(folder / "shop", folder / "cache")
    project.write(FILES)
    pytest = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return [
        '$ pytest -q; echo " exit code $?"',
        *screen(written(project, _told(pytest, " exit code $?"), **alone)),
        '$ gates run; echo "exit code $?"',
        *screen(written(project, _told((*program(), "run"), "exit code $?")))[:-1],
    ]


def _told(words: Sequence[str], message: str) -> tuple[str, ...]:
    return ("sh", "-c", f'{shlex.join(words)}; echo "{message}"')


def draw(lines: Sequence[str]) -> str:
    """The picture. It needs no font and no file from anywhere."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for line in lines:
        text = Text.from_ansi(line.rstrip())
        # A terminal breaks a line where it is full, and not between words.
        for piece in text.divide(range(COLUMNS, len(text), COLUMNS)):
            console.print(piece, no_wrap=True)
    svg = console.export_svg(title="shop", theme=MONOKAI, code_format=_FORM, unique_id="run")
    return "".join(f"{line.strip()}\n" for line in svg.splitlines() if line.strip())


def words(svg: str) -> list[str]:
    """What the picture says, line by line and without the times."""
    lines: dict[str, list[str]] = {}
    for node in ET.fromstring(svg).iter(f"{{{SVG}}}text"):
        lines.setdefault(node.get("y", ""), []).append(node.text or "")
    return [TIME.sub("…", " ".join(" ".join(parts).split())) for parts in lines.values()]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="gates-picture-") as temporary:
        PICTURE.write_text(draw(take(Path(temporary))), encoding="utf-8")
