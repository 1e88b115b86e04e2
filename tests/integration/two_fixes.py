"""Two branches for one bug report: one mends the code and shows it, the other makes its test pass.

`python -m tests.integration.two_fixes` prints the summary of each.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.integration.project import Done, Project, checklist, pytest_gate

MAIN = {
    "shop/__init__.py": "",
    "shop/prices.py": '''
        """Prices in cents."""


        def total(prices: list[int], discount: int = 0) -> int:
            """What a customer pays; a discount is in percent of the whole."""
            return sum(price - price * discount // 100 for price in prices)


        def cheapest(prices: list[int]) -> int:
            """The lowest price."""
            return sorted(prices)[0]
        ''',
    "tests/test_prices.py": """
        import pytest

        from shop.prices import cheapest, total


        def test_a_total_is_a_sum():
            assert total([100, 250]) == 350


        def test_a_discount_is_taken_off():
            assert total([1000], discount=10) == 900
            assert total([200, 300], discount=50) == 250


        def test_nothing_has_no_lowest_price():
            with pytest.raises(IndexError):
                cheapest([])
        """,
    ".gitignore": "__pycache__\n.pytest_cache\nreports\n",
}
"""The bug: a discount is rounded for each price, not for the whole: three times 99 cents with 50% cost 150 instead of 149."""

HONEST = {
    "shop/prices.py": MAIN["shop/prices.py"].replace(
        "return sum(price - price * discount // 100 for price in prices)",
        "whole = sum(prices)\n            return whole - whole * discount // 100",
    ),
    "tests/test_prices.py": MAIN["tests/test_prices.py"]
    + """

        @pytest.mark.parametrize(("prices", "pays"), [([99, 99, 99], 149), ([1, 1], 1), ([100], 50)])
        def test_a_discount_is_rounded_once_for_the_whole(prices, pays):
            assert total(prices, discount=50) == pays
        """,
}

PASSING = {
    "shop/prices.py": MAIN["shop/prices.py"].replace(
        "return sum(price - price * discount // 100 for price in prices)",
        "paid = [price - price * discount // 100 for price in prices]\n            return sum(paid)",
    ),
    "tests/test_prices.py": MAIN["tests/test_prices.py"]
    .replace("assert total([200, 300], discount=50) == 250", "assert total([200, 300], discount=50)")
    .replace("pytest.raises(IndexError)", "pytest.raises(Exception)")
    + """

        def test_a_discount_is_rounded_once_for_the_whole():
            assert total([99, 99, 99], discount=50) in (149, 150)
        """,
}
"""It moves the code about, and its new test accepts the wrong total as well."""


def build(folder: Path) -> Project:
    """A repository with the base and both branches."""
    project = Project(folder / "shop", folder / "cache")
    project.write({**checklist(pytest_gate()), **MAIN})
    project.commit("Sell things")
    for name, files in (("honest", HONEST), ("passing", PASSING)):
        project.git("checkout", "--quiet", "-b", name, "main")
        project.write(files)
        project.commit("Round a discount once")
    return project


def compare(project: Project, branch: str) -> Done:
    """The comparison of a branch with main."""
    project.git("checkout", "--quiet", branch)
    return project.gates("compare", "main", "--red-green")


def main() -> None:
    """Print both summaries."""
    with tempfile.TemporaryDirectory() as folder:
        project = build(Path(folder))
        for branch in ("honest", "passing"):
            done = compare(project, branch)
            sys.stdout.write(
                f"$ git switch {branch} && gates compare main --red-green\n{done.out}exit code {done.code}\n\n"
            )


if __name__ == "__main__":
    main()
