from __future__ import annotations

from typing import TYPE_CHECKING

from gates.analysis.nearness import nearness
from gates.pipeline.weakening_proofs import needed_by_tests
from tests.gates.analysis.sample import imports_of

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = {
    "shop/__init__.py": "",
    "shop/price.py": "",
    "shop/cart.py": "from shop import price",
    "shop/other.py": "",
    "tests/test_price.py": "from shop.price import discount",
    "tests/test_sale.py": "from shop.price import discount",
    "tests/test_cart.py": "from shop.cart import Cart",
    "tests/test_other.py": "from shop import other",
    "tests/test_cli.py": "import subprocess\n\n\ndef test(): subprocess.run(['shop'])",
}


def test_the_test_file_that_is_named_after_the_module_is_the_closest(tmp_path: Path) -> None:
    found = nearness(imports_of(tmp_path, PROJECT), ["shop/price.py"])
    assert sorted(found, key=found.__getitem__) == [
        "tests/test_price.py", "tests/test_sale.py", "tests/test_cart.py", "tests/test_cli.py",
    ]  # fmt: skip


def test_a_test_file_needs_the_nearest_code_first(tmp_path: Path) -> None:
    found = needed_by_tests(imports_of(tmp_path, PROJECT), {"tests/test_cart.py"})
    assert [path for path in found if not path.endswith("__init__.py")] == ["shop/cart.py", "shop/price.py"]
