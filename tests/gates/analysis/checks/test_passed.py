"""Functions that a test passes on are read where they are passed; a failure that nobody asks for is caught."""

from __future__ import annotations

import pytest

from gates.analysis.checks.weaker import weaker_checks
from tests.gates.analysis.checks.told import FILE, told

CHECK = "def check(x):\n    assert f(x) == 2 * x\n"


@pytest.mark.parametrize(
    ("body", "checked"),
    [
        ("future = pool.submit(check, 1)\n    future.result()", "f(1) equal 2 * 1"),
        ("list(pool.map(check, [1, 2]))", "f(each([1, 2])) equal 2 * each([1, 2])"),
        ("asyncio.run(asyncio.to_thread(check, 1))", "f(1) equal 2 * 1"),
        ("loop.run_in_executor(None, check, 1).result()", "f(1) equal 2 * 1"),
    ],
)
def test_a_function_that_is_passed_on_is_read_with_its_arguments(body: str, checked: str) -> None:
    assert told(f"def test_f():\n    {body}\n{CHECK}") == [checked]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("check(1)", "pool.submit(check, 1)"),
        ("check(1)", "thread = threading.Thread(target=check, args=(1,))\n    thread.start()"),
        ("asyncio.run(gather(check(1)))", "async def main():\n        await gather(check(1), return_exceptions=True)\n    asyncio.run(main())"),
        ("check(1)", "async def main():\n        await asyncio.wait([check(1)])\n    asyncio.run(main())"),
    ],
)  # fmt: skip
def test_a_failure_that_nobody_asks_for_is_caught(before: str, after: str) -> None:
    sides = [{FILE: f"def test_f():\n    {body}\n{CHECK}"} for body in (before, after)]
    assert [one.rule for one in weaker_checks(*sides).weakenings] == ["swallowed"]
    assert weaker_checks(sides[1], sides[0]).weakenings == ()
