"""What is at each address: the list of runs, and the page of each. It reads the store of the project, and writes nothing."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from http import HTTPStatus
from threading import Lock
from typing import NamedTuple

from gates.pipeline.publish import page_of
from gates.pipeline.show import comparison_of
from gates.portable.errors import GatesError
from gates.render.html import page_policy
from gates.results.files import RUN_FILE
from gates.serve.follow import Follower
from gates.serve.pages import index_page, live_page, policy, refusal_page
from gates.serve.runs import KnownRun, Runs
from gates.storage.cache import Store
from gates.storage.evidence import load_evidence

KEPT_PAGES = 4
"""How many pages of ended runs are kept in memory."""


class Answer(NamedTuple):
    """A page, and what the browser may do with it."""

    status: HTTPStatus
    body: bytes
    policy: str

    @property
    def tag(self) -> str:
        """It differs when the page differs."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


class Site:
    """The pages of one project. Several threads may ask."""

    def __init__(
        self, project: str, store: Store, wall: Callable[[], float] = time.time, zone: tzinfo | None = None
    ) -> None:
        """Nothing is read yet.

        Args:
            project: its name, for titles.
            store: of the project.
            wall: seconds since the epoch.
            zone: for times; by default, that of this machine.
        """
        self._project, self._store, self._wall = project, store, wall
        self._zone: tzinfo = zone or datetime.now().astimezone().tzinfo or UTC
        self._runs, self._lock = Runs(store.folder), Lock()
        self._followers: dict[str, Follower] = {}
        self._pages: dict[str, tuple[str, Answer]] = {}

    def answer(self, path: str) -> Answer:
        """The page at an address.

        Args:
            path: below the secret part, without a slash in front.
        """
        if not path:
            return self._own(index_page(self._project, self.runs(), self._zone))
        # A name is only compared with those of known runs: it never becomes a part of a path.
        folder, _, name = path.partition("/")
        known = next((one for one in self.runs() if one.run.id == name), None) if folder == "runs" else None
        if known is None:
            return refused(
                HTTPStatus.NOT_FOUND, "There is no such run", "It may have been removed meanwhile.", home=True
            )
        if known.goes_on:
            return self._live(known)
        return self._ended(known)

    def runs(self) -> tuple[KnownRun, ...]:
        """The last runs, the newest first."""
        with self._lock:
            found = self._runs.last()
            going = {known.run.id for known in found if known.goes_on}
            self._followers = {name: follower for name, follower in self._followers.items() if name in going}
            return found

    def _live(self, known: KnownRun) -> Answer:
        with self._lock:
            follower = self._followers.setdefault(known.run.id, Follower(known))
        now = self._wall()
        return self._own(live_page(follower.state(known.run, self._store.history(), now), now))

    def _ended(self, known: KnownRun) -> Answer:
        if known.changed:
            return refused(
                HTTPStatus.CONFLICT,
                "This run changed since gates wrote it, so it proves nothing",
                "Run it again.",
                home=True,
            )
        stamp = f"{known.record}\0{known.run.files}"
        with self._lock:
            if self._pages.get(known.run.id, ("",))[0] == stamp:
                return self._pages[known.run.id][1]
        try:
            found = load_evidence(known.files / RUN_FILE)
        except (GatesError, OSError) as error:
            what = error.what if isinstance(error, GatesError) else str(error)
            return refused(HTTPStatus.CONFLICT, f"This run cannot be shown: {what}", "Run it again.", home=True)
        page = page_of(found.run, found.tests, comparison_of(found), self._store.folder, home="../")
        allowed = f"{page_policy()}; frame-ancestors 'none'"
        answer = Answer(HTTPStatus.OK, page.encode("utf-8", "backslashreplace"), allowed)
        with self._lock:
            self._pages[known.run.id] = (stamp, answer)
            for old in list(self._pages)[:-KEPT_PAGES]:
                del self._pages[old]
        return answer

    def _own(self, page: str) -> Answer:
        return Answer(HTTPStatus.OK, page.encode("utf-8", "backslashreplace"), policy())


def refused(status: HTTPStatus, what: str, remedy: str, *, home: bool = False) -> Answer:
    """A page that says why nothing is shown."""
    return Answer(status, refusal_page(what, remedy, home=home).encode("utf-8", "backslashreplace"), policy())
