"""Take the pictures of the docs that are no terminals: pages in a real browser, and plots. From real runs in a small project.

    python -m tests.readme.screenshots

`nox -s picture` calls it. Without a browser, only the plots are drawn.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gates.serve.server import Server
from gates.serve.site import Site
from gates.storage.cache import all_stores
from tests.integration.project import Project, checklist, pytest_gate, python_gate
from tests.integration.test_page import BROWSER
from tests.readme.picture import FILES, PICTURE

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = PICTURE.parent

SLOW = """
import time
import pytest

@pytest.mark.parametrize("size", range(40))
def test_total(size):
    time.sleep(0.25)
    assert size != 3, "a total of three"
"""


def photograph(address: str, target: Path, profile: Path, size: tuple[int, int]) -> None:
    """Take a picture of a page.

    Args:
        address: of the page.
        target: a PNG file.
        profile: a folder for the browser.
        size: pixels, across and down.
    """
    assert BROWSER is not None
    options: Sequence[str] = (
        "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--hide-scrollbars",
        f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}", "--virtual-time-budget=500",
    )  # fmt: skip
    words = [BROWSER, *options, f"--screenshot={target}", address]
    subprocess.run(words, check=True, capture_output=True, timeout=120)


def draw_plots(project: Project) -> None:
    """Run a few times, once with a mistake, and plot."""
    right = {
        "shop.py": FILES["shop.py"]
        .replace("price - percent", "price * (100 - percent) // 100")
        .replace("os._exit(0)", "return")
    }
    for number in range(12):
        project.write(FILES if number == 7 else FILES | right)
        project.gates("run")
    for name in ("waterfall", "trend"):
        (FOLDER / f"{name}.svg").write_text(project.gates("plot", name).out, encoding="utf-8")


def photograph_running(folder: Path) -> None:
    """A run that goes on, as `gates serve` shows it."""
    project = Project(folder / "shop", folder / "serve-cache")
    gates = (
        python_gate("build", "-m", "compileall", "-q", "."),
        python_gate("lint", "-c", "raise SystemExit('shop.py:1: too long')"),
    )
    after = 'needs = ["build"]\n'
    docs = python_gate("docs", "-c", "pass") + after
    project.write({"test_totals.py": SLOW, **checklist(*gates, pytest_gate("-q") + after, docs)})
    project.gates("run", "--jobs", "1")
    (store,) = all_stores(folder / "serve-cache")
    server = Server(Site("shop", store))
    with server.answering(), project.start("run", "--jobs", "1") as run:
        time.sleep(5)
        known = next(known for known in server.site.runs() if known.goes_on)
        photograph(f"{server.address}runs/{known.run.id}", FOLDER / "serve.png", folder / "profile", (1000, 580))
        run.communicate()


def main() -> None:
    """Draw all of them."""
    with tempfile.TemporaryDirectory(prefix="gates-pictures-") as temporary:
        folder = Path(temporary)
        project = Project(folder / "one" / "shop", folder / "cache")
        project.write(FILES)
        draw_plots(project)
        if BROWSER is None:
            sys.stderr.write("there is no browser: the pictures of pages stay as they are\n")
            return
        project.write(FILES)
        project.gates("run")
        page = (project.reports / "summary.html").as_uri()
        photograph(page, FOLDER / "page.png", folder / "profile", (1000, 820))
        photograph_running(folder / "two")


if __name__ == "__main__":
    main()
