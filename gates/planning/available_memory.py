"""How much memory new processes can use: the free memory of the system, within the limits of control groups (Linux)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gates.portable.regular import read_text

MOUNT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")

_SECOND = ("memory.max", "memory.current", "inactive_file")
_FIRST = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
"""Files with the limit and the usage, and the line of `memory.stat` with memory that the kernel can reclaim."""


def available_memory() -> int:
    """Bytes that new processes can use."""
    import psutil

    try:
        membership = read_text(MEMBERSHIP)
    except OSError:  # not Linux
        membership = ""
    return max(0, min([int(psutil.virtual_memory().available), *room_in_groups(membership, MOUNT)]))


def room_in_groups(membership: str, mount: Path) -> Iterator[int]:
    """Bytes that are free in each control group above a process that has a limit, of both versions.

    Args:
        membership: lines `number:controllers:path`, as `/proc/self/cgroup` has them.
        mount: where control groups are mounted.
    """
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        top = mount / "memory" if controllers else mount
        group = top / path.lstrip("/")
        # A container sees its own group as the topmost one, with any path.
        for folder in (group, *group.parents):
            if not folder.is_relative_to(top):
                break
            room = _room(folder, *(_FIRST if controllers else _SECOND))
            if room is not None:
                yield room


def _room(group: Path, limit: str, taken: str, cache: str) -> int | None:
    try:
        most, now = (int(read_text(group / name)) for name in (limit, taken))
        lines = (line.split() for line in read_text(group / "memory.stat").splitlines())
        return most - now + next((int(size) for name, size in lines if name == cache), 0)
    except (OSError, ValueError):  # no such group, or `max`: no limit
        return None
