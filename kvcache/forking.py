"""Bring locks, and what they guard, through a fork: no other thread is in the middle of anything when the process is copied.

A fork copies every lock as it is, but no thread except the one that forks: a lock that another thread held would stay held
in the child. So each owner of a lock is asked to take it before a fork, and to let it go after, in both processes.
"""

import os
import threading
import weakref
from typing import Protocol


class Forkable(Protocol):
    """An owner of locks."""

    def before_fork(self) -> None:
        """Take the lock, so that what it guards is whole."""

    def after_fork(self, *, in_child: bool) -> None:
        """Let the lock go; in the child also forget what the threads of the parent were doing."""


_owners: dict[int, weakref.ref[Forkable]] = {}
"""In order of creation, so that two forks at once cannot wait for each other."""

_held: list[Forkable] = []
_turn = threading.Lock()  # one fork at a time uses `_held`


def register(owner: Forkable) -> None:
    """Ask `owner` before and after every fork, for as long as it lives."""
    number = id(owner)
    _owners[number] = weakref.ref(owner, lambda _: _owners.pop(number, None))


def _before() -> None:
    _turn.acquire()
    for reference in list(_owners.values()):
        owner = reference()
        if owner is not None:
            owner.before_fork()
            _held.append(owner)


def _after(*, in_child: bool) -> None:
    while _held:
        _held.pop().after_fork(in_child=in_child)
    _turn.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before,
        after_in_parent=lambda: _after(in_child=False),
        after_in_child=lambda: _after(in_child=True),
    )
