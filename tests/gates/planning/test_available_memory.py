from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.planning.available_memory import available_memory, room_in_groups

if TYPE_CHECKING:
    from pathlib import Path

    Files = dict[str, str]

STAT = "anon 10\ninactive_file 300\ntotal_inactive_file 300\nactive_file 50\n"


def second(limit: str, taken: int = 700) -> Files:
    """A group of version 2."""
    return {"memory.max": f"{limit}\n", "memory.current": f"{taken}\n", "memory.stat": STAT}


def first(limit: int, taken: int = 700) -> Files:
    """A group of version 1."""
    return {"memory.limit_in_bytes": f"{limit}", "memory.usage_in_bytes": f"{taken}", "memory.stat": STAT}


@pytest.mark.parametrize(
    ("membership", "groups", "rooms"),
    [
        ("0::/\n", {"": second("1000")}, [600]),
        ("0::/\n", {"": second("max")}, []),
        ("0::/\n", {}, []),
        ("0::/user/app\n", {"user/app": second("max"), "user": second("5000", 4000), "": second("9000")}, [1300, 8600]),
        ("0::/host/path/of/container\n", {"": second("1000")}, [600]),
        (
            "4:memory:/job\n3:cpu:/\n0::/\n",
            {"memory/job": first(2000), "memory": first(1 << 62)},
            [1600, (1 << 62) - 400],
        ),
        ("5:cpu,memory:/\n", {"memory": first(1000, 2000)}, [-700]),
        ("", {"": second("1000")}, []),
    ],
    ids=["limit", "no limit", "no groups", "nested", "container", "version 1", "over its limit", "not Linux"],
)
def test_every_group_above_a_process_limits_it_and_caches_are_no_use_of_memory(
    tmp_path: Path, membership: str, groups: dict[str, Files], rooms: list[int]
) -> None:
    for group, files in groups.items():
        for name, text in files.items():
            (tmp_path / group).mkdir(parents=True, exist_ok=True)
            (tmp_path / group / name).write_text(text)
    assert list(room_in_groups(membership, tmp_path)) == rooms


def test_this_machine_has_some_memory_free() -> None:
    assert 1 << 20 < available_memory() < 1 << 50
