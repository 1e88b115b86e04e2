"""Mutants in real projects: what survives, what is left of it, and what a weakened test no longer notices."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gates.compare.proofs import FAILS
from gates.run.processes import marked_processes
from tests.gates.run.waiting import wait_for
from tests.integration.project import PATIENCE, ROOT, Project, checklist, pytest_gate, python_gate

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

SHOP = """
    import asyncio
    import functools
    import os


    def logged(function):
        @functools.wraps(function)
        def wrapper(*arguments):
            return function(*arguments)
        return wrapper


    @logged
    def discount(price, percent):
        if percent < 0 or percent > 100:
            raise ValueError(f"not a percentage: {percent}")
        return price * (100 - percent) // 100


    class Cart:
        def __init__(self):
            self.prices = []

        def add(self, price):
            self.prices.append(price)

        @property
        def total(self):
            return sum(self.prices)

        def each(self):
            for price in self.prices:
                yield price + 1

        def clear(self, folder):
            for name in os.listdir(folder):
                if name.startswith("cart-"):
                    os.unlink(os.path.join(folder, name))


    async def later(value):
        return value + 1


    def adder(step):
        def add(value):
            return value + step
        return add


    def unused(value):
        return value + 1
    """

LATER = "async def later(value):\n    return value + 1\n"

TESTS = """
    import asyncio

    import pytest

    from shop.price import Cart, adder, discount, later

    PLUS = adder(2)


    @pytest.fixture(scope="module")
    def cart():
        cart = Cart()
        cart.add(3)
        return cart


    def test_a_cart(cart):
        assert cart


    def test_total(cart):
        assert cart.total == 3


    def test_each(cart):
        assert list(cart.each())


    def test_discount():
        assert discount(200, 50) == 100


    def test_later():
        assert asyncio.run(later(1)) == 2


    def test_plus():
        assert PLUS(1) == 3


    def test_clear(tmp_path):
        for name in ("cart-1", "other"):
            (tmp_path / name).touch()
        Cart().clear(tmp_path)
        assert not (tmp_path / "cart-1").exists()


    def test_files_of_the_project():
        Cart().clear(".")
    """

IGNORED = "reports\n__pycache__\n.pytest_cache\n"


def digest(project: Project) -> str:
    """Of every file of the working tree that is no report: names, contents, modes and times."""
    found = hashlib.sha256()
    for path in sorted(project.folder.rglob("*")):
        if path.is_file() and not {".git", "reports"} & set(path.relative_to(project.folder).parts):
            state = path.stat()
            found.update(f"{path} {state.st_mode} {state.st_mtime_ns} ".encode() + path.read_bytes())
    return found.hexdigest()


def bytecode(project: Project) -> set[bytes]:
    return {path.read_bytes() for path in project.folder.rglob("shop/**/*.pyc")}


def left(project: Project) -> list[str]:
    """Names of temporary files and folders."""
    return sorted(path.name for path in Path(project.environment["TMPDIR"]).iterdir())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A branch that adds a module, with tests of which some are weak."""
    folder = tmp_path_factory.mktemp("shop")
    project = Project(folder / "project", folder / "cache")
    project.environment["TMPDIR"] = str(folder / "t")
    (folder / "t").mkdir()
    config = 'base = "main"\n'
    gates = python_gate("lint", "-c", "pass"), pytest_gate()
    project.write({".gitignore": IGNORED, "shop/__init__.py": ""} | checklist(*gates, config=config))
    project.commit()
    project.git("switch", "--quiet", "--create", "work")
    project.write({"shop/price.py": SHOP, "test_price.py": TESTS, "kept.txt": "mine\n"})
    project.commit()
    project.gates("run")  # so that there is bytecode
    return project


@pytest.fixture(scope="module")
def tried(shop: Project) -> dict[str, Any]:
    """The report on its mutants, with what was left of the run."""
    before, compiled, temporary = digest(shop), bytecode(shop), left(shop)
    done = shop.gates("mutants", "--budget", "90s")
    assert done.code == 5, done.text
    assert (digest(shop), bytecode(shop)) == (before, compiled)
    assert left(shop) == temporary
    told: dict[str, Any] = shop.json("mutants.json")
    return told | {"text": done.out}


@pytest.fixture(scope="module")
def found(tried: dict[str, Any]) -> Callable[[str], dict[str, str]]:
    """The mutants with a finding: function → what was changed, of those that have one."""
    mutants = tried["mutation"]["mutants"]

    def of(finding: str) -> dict[str, str]:
        return {one.get("function", ""): one["operator"] for one in mutants if one["finding"] == finding}

    return of


def test_what_no_test_notices_survives(found: Callable[[str], dict[str, str]]) -> None:
    assert found("survived") == {"discount": "< became <=", "Cart.each": "+ became -"}


@pytest.mark.parametrize(
    "function",
    [
        pytest.param("logged.wrapper", id="a closure, with a fault that does not use what it closes over"),
        pytest.param("discount", id="a decorated function"),
        pytest.param("Cart.total", id="a property"),
        pytest.param("Cart.add", id="a method that only a shared fixture calls"),
        pytest.param("later", id="a coroutine"),
        pytest.param("adder.add", id="a function that was made before the tests"),
        pytest.param("Cart.clear", id="one that removes files"),
    ],
)
def test_a_fault_in_any_kind_of_function_is_noticed(found: Callable[[str], dict[str, str]], function: str) -> None:
    assert function in found("killed")


def test_a_line_that_no_test_runs_is_no_survivor(found: Callable[[str], dict[str, str]]) -> None:
    assert "unused" in found("unreached")


def test_a_survivor_is_shown_with_its_place_its_diff_and_the_tests_that_ran(tried: dict[str, Any]) -> None:
    assert "SURVIVED shop/price.py:15 in discount: < became <=" in tried["text"]
    assert "+    if percent <= 0 or percent > 100:" in tried["text"]
    assert "1 test passed all the same: test_price.py::test_discount" in tried["text"]


def test_a_fault_cannot_remove_a_file_of_the_project(shop: Project, found: Callable[[str], dict[str, str]]) -> None:
    assert "Cart.clear" in found("killed")  # with a negated condition it removes what does not begin with `cart-`
    assert (shop.folder / "kept.txt").read_text() == "mine\n"


def test_a_killed_run_leaves_nothing_behind(shop: Project) -> None:
    before, temporary = digest(shop), left(shop)
    marker = f"mutants-killed-{os.getpid()}"
    environment = {"GATES_GATE": marker}
    with shop.start("mutants", environment=environment) as process:
        assert process.stderr is not None
        assert process.stderr.readline()  # the first mutant was tried, and the next one is under way
        assert marked_processes(marker)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=PATIENCE)
    wait_for(lambda: not marked_processes(marker))
    assert digest(shop) == before
    shop.gates("list", "-E", "all()")  # the next session of the project removes the folder of the killed one
    assert left(shop) == temporary


def test_an_interrupted_run_keeps_what_it_found(shop: Project) -> None:
    with shop.start("mutants") as process:
        assert process.stderr is not None
        assert process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    told = shop.json("mutants.json")
    assert told["exit_code"] == 130
    assert told["mutation"]["mutants"]


def test_code_beside_its_tests_is_code(project: Project) -> None:
    project.write(
        {
            **checklist(pytest_gate("-p", "no:cacheprovider")),
            "span/__init__.py": "",
            ".gitignore": "__pycache__\nreports\n",
        }
    )
    project.commit()
    project.git("checkout", "--quiet", "-b", "branch")
    project.write({"span/fits.py": "def fits(size, room):\n    return size <= room\n"})
    project.write({"span/fits_test.py": "from span.fits import fits\n\ndef test_fits():\n    assert fits(1, 2)\n"})
    done = project.gates("mutants", "main")
    assert done.code == 5, done.text
    assert "SURVIVED span/fits.py:2" in done.out


def test_only_the_weaker_of_two_changed_tests_is_proven_to_be_weaker(shop: Project, tmp_path: Path) -> None:
    project = Project(tmp_path / "project", tmp_path / "cache")
    shutil.copytree(shop.folder, project.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("reports"))
    project.git("switch", "--quiet", "--create", "weaker")
    text = (project.folder / "test_price.py").read_text()
    text = text.replace("assert discount(200, 50) == 100", "assert discount(200, 50)")
    text = text.replace("assert cart.total == 3", "for total in (3,):\n        assert cart.total == total")
    text = text.replace("assert asyncio.run(later(1)) == 2", "assert asyncio.run(later(1))")
    (project.folder / "test_price.py").write_text(text)
    code = project.folder / "shop/price.py"
    broken = code.read_text().replace(LATER, LATER.replace("1", "2"))
    assert broken != code.read_text()
    code.write_text(f"{broken}\n\ndef large(price):\n    return price > 100\n")
    project.commit()
    done = project.gates("compare", "work", "--gate", "lint", "--gate", "test", "--mutants", "60s")
    assert done.code == 5, done.text
    told = project.json("comparison.json")["mutation"]
    assert (told["gates"], told.get("unknown", "")) == (["test"], ""), done.text
    proven = {one["test"]: one["mutant"] for one in project.json("comparison.json")["weakenings"] if one.get("mutant")}
    assert list(proven) == ["test_price.py::test_discount"]
    said = {one["test"]: one["what"] for one in project.json("comparison.json")["weakenings"]}
    assert FAILS in said["test_price.py::test_later"], said
    assert FAILS not in said["test_price.py::test_discount"], said
    assert "-    return price * (100 - percent) // 100" in proven["test_price.py::test_discount"]


SUM = "def total(a, b):\n    return a + b\n\n\ndef more(a, b):\n    return a - b\n"

UNIT = """
    import os

    from shop.sum import more, total


    def test_total_runs():
        assert total(3, 1)


    def test_more_runs():
        assert more(2, 2) is not None


    def test_that_only_the_first_process_passes():
        total(1, 1)
        with open("passed-once", "a") as file:
            file.write("x")
        assert os.path.getsize("passed-once") < 2
    """

OTHER = """
    from shop.sum import more, total


    def test_more():
        assert more(3, 1) == 2
    """


def test_a_later_gate_notices_what_the_first_does_not_and_a_flaky_test_notices_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", tmp_path / "cache")
    gates = pytest_gate("test_unit.py", name="unit"), pytest_gate("test_other.py", name="other")
    project.write({".gitignore": IGNORED + "passed-once\n"} | checklist(*gates, config='base = "main"\n'))
    project.commit()
    project.git("switch", "--quiet", "--create", "work")
    project.write({"shop/__init__.py": "", "shop/sum.py": SUM, "test_unit.py": UNIT, "test_other.py": OTHER})
    done = project.gates("mutants")
    assert done.code == 5, done.text
    told = project.json("mutants.json")["mutation"]
    assert told["gates"] == ["unit", "other"]
    found = {one["function"]: one["finding"] for one in told["mutants"]}
    assert found == {"total": "survived", "more": "killed"}


def test_a_test_that_fails_without_a_mutant_is_said_and_fails_the_command(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", tmp_path / "cache")
    project.write({".gitignore": IGNORED} | checklist(pytest_gate(), config='base = "main"\n'))
    project.commit()
    project.git("switch", "--quiet", "--create", "work")
    failing = "from shop.sum import total\n\n\ndef test_total():\n    assert total(1, 1) == 3\n"
    project.write({"shop/__init__.py": "", "shop/sum.py": SUM, "test_sum.py": failing})
    done = project.gates("mutants")
    assert (done.code, "1 test failed on the code as it is" in done.out) == (1, True), done.text


def test_a_session_with_threads_cannot_fork_and_says_so(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", tmp_path / "cache")
    project.write({".gitignore": IGNORED} | checklist(pytest_gate(), config='base = "main"\n'))
    project.commit()
    project.git("switch", "--quiet", "--create", "work")
    threads = "import threading\nfrom shop.sum import total\n\nGO = threading.Event()\nthreading.Thread(target=GO.wait, name='own', daemon=True).start()\n\n\ndef test_total():\n    assert total(1, 1) == 2\n"
    project.write({"shop/__init__.py": "", "shop/sum.py": SUM, "test_sum.py": threads})
    done = project.gates("mutants")
    assert (done.code, "the collection left threads running: own" in done.out) == (3, True), done.text


WEAK = """
    from kvcache.memory.free_spans import FreeSpans
    from kvcache.values import Span


    def test_a_span_is_taken_and_given_back():
        spans = FreeSpans(1 << 20, 6, [Span(0, 1 << 20)])
        start = spans.take(64)
        assert start is not None
        spans.give(start, 64)
    """


def test_the_survivors_of_a_weak_test_of_the_cache_are_found_within_two_minutes(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", tmp_path / "cache")
    config = 'base = "main"\n'
    project.write({".gitignore": IGNORED} | checklist(pytest_gate(), config=config))
    for name in ("kvcache/errors.py", "kvcache/values.py"):
        (project.folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, project.folder / name)
    project.commit()
    project.git("switch", "--quiet", "--create", "work")
    project.write({"kvcache/__init__.py": "", "kvcache/memory/__init__.py": "", "test_weak.py": WEAK})
    shutil.copy(ROOT / "kvcache/memory/free_spans.py", project.folder / "kvcache/memory/free_spans.py")
    project.gates("run")  # so that there is bytecode
    before = digest(project)
    done = project.gates("mutants", "--budget", "2m")
    assert done.code == 5, done.text
    assert digest(project) == before
    told = project.json("mutants.json")["mutation"]
    assert told["seconds"] < 120
    survived = {one["function"] for one in told["mutants"] if one["finding"] == "survived"}
    assert {"FreeSpans.take", "FreeSpans.give"} <= survived
