"""Give each request the session that has the longest beginning of its text, by the text alone: no request names a session.

A request works in a session of its own for as long as its turn lasts. It goes on in an idle session whose whole text its own begins
with, and otherwise in a new one that begins with what any session has of the text. So texts may be edited, answered again and branched,
and any number of requests may have the same text at once.

    a session is recorded with tokens that its owner has seen, and never with more of them than it has keys for
    every session is worked in by one turn at most
"""

from __future__ import annotations

import itertools
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from kvcache import forking
from kvcache.errors import ClosedError, InvalidSizeError, KVCacheError, StaleEntryError
from kvcache.sessions.prefixes import PrefixIndex
from kvcache.token_text import WIDTH, bytes_of
from kvcache.values import Array, Unique

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvcache.integrations.saved_texts import SavedTexts
    from kvcache.paged.events import Event
    from kvcache.sessions.entry import KVCacheEntry
    from kvcache.sessions.manager import KVCacheManager


@dataclass(frozen=True, slots=True)
class Reuse:
    """What requests had to compute, and what they had not.

    Attributes:
        requests: how many there were.
        tokens: of all their prompts.
        known: those of them that were not computed again.
        restored: sessions that came back from files.
    """

    requests: int = 0
    tokens: int = 0
    known: int = 0
    restored: int = 0


class Conversations(Unique):
    """The sessions of a manager, found by their texts. Every method may be called from any thread.

    Args:
        manager: whose sessions; nothing else changes those that this makes.
        saved: sessions of an earlier process; None: there are none.
        listener: gets an event for each page of a text that becomes known or is gone, see `PrefixIndex`.
    """

    def __init__(
        self,
        manager: KVCacheManager,
        *,
        saved: SavedTexts | None = None,
        listener: Callable[[Event], object] | None = None,
    ) -> None:
        self.manager = manager
        self._index = PrefixIndex(manager, listener=listener)
        self._saved = saved
        self._numbers = itertools.count(1)
        self._busy = set[str]()  # sessions that a turn works in, or that are being saved
        self._counts = dict.fromkeys(("requests", "tokens", "known", "restored"), 0)
        self._lock = (
            threading.Lock()
        )  # nothing is asked of the manager or the index while it is held: a fork takes theirs first
        self._saving = threading.Lock()
        forking.register(self)

    def before_fork(self) -> None:
        """Be in the middle of nothing."""
        self._lock.acquire()

    def after_fork(self, *, in_child: bool) -> None:
        """Go on; in the child sessions of other threads' turns are used no more, and go when room is needed."""
        self._lock.release()
        if in_child:
            self._saving = threading.Lock()
            if self._saved is not None:
                self._saved.lock = threading.Lock()

    def turn(self, tokens: list[int] | Array, *, namespace: str = "") -> Turn:
        """Begin to work on a text, in a `with` block that ends the turn.

        Args:
            tokens: the whole text so far.
            namespace: of the tenant and the adapter; no text of another one is found.

        Raises:
            InvalidSizeError: not a row of whole numbers, or an empty one.
            ClosedError: the manager is closed.
        """
        text = bytes_of(tokens)
        if not text:
            raise InvalidSizeError("turn", expected="a text of one token or more", got="none")
        self._bring_back(text, tokens, namespace)
        session = self._claimed(tokens, namespace) or self._new()
        try:
            known = self._index.begin(session, tokens, namespace=namespace)
        except BaseException as problem:
            self._end(session)
            if isinstance(problem, ClosedError) or not isinstance(problem, KVCacheError):
                raise
            session, known = self._new(), 0  # what is known cannot be had, for want of memory perhaps: compute it anew
        with self._lock:
            self._counts["requests"] += 1
            self._counts["tokens"] += len(text) // WIDTH
            self._counts["known"] += known
        return Turn(self, session, namespace, known, tokens)

    def name(self) -> str:
        """A new name of a session."""
        return f"turn-{next(self._numbers)}"

    def note(self, session: str, tokens: list[int] | Array, namespace: str) -> None:
        """Tell other turns what a session holds by now, while its own turn goes on."""
        with suppress(KVCacheError):  # the end of the turn will tell
            self._index.record(session, tokens, namespace=namespace)

    def finish(self, session: str, tokens: list[int] | Array, namespace: str) -> None:
        """End a turn: others may work in its session. One that cannot be recorded is evicted: no turn would find it."""
        try:
            entry = self.manager.get(session)
            if entry is not None and len(entry) > len(tokens):  # as the model was interrupted
                entry.truncate(len(tokens))
            if self._count(session):
                self._index.record(session, tokens, namespace=namespace)
            else:
                self.manager.evict(session)
        except KVCacheError:
            with suppress(KVCacheError):
                self.manager.evict(session)
        finally:
            self._end(session)

    def save(self) -> int:
        """Write the sessions that are idle, and their texts, to the folder; requests go on meanwhile.

        Returns:
            How many sessions were written; 0 where there is no folder.

        Raises:
            ClosedError: the manager is closed.
            OSError: the files cannot be written; those that were there are as they were.
        """
        if self._saved is None:
            return 0
        with self._saving:
            names = self._index.texts().keys()
            with self._lock:
                claimed = names - self._busy
                self._busy |= claimed
            try:
                texts = {name: text for name, text in self._index.texts().items() if name in claimed}
                return self._saved.write(self.manager, texts)
            finally:
                with self._lock:
                    self._busy -= claimed

    def statistics(self) -> Reuse:
        """What was computed, and what was not."""
        with self._lock:
            return Reuse(**self._counts)

    def _claimed(self, tokens: list[int] | Array, namespace: str) -> str | None:
        """The idle session that a text goes on from, for a turn alone."""
        found = self._index.longest(tokens, namespace=namespace)
        if found is None:
            return None
        session, count = found
        with self._lock:
            if session in self._busy:
                return None
            self._busy.add(session)
        if self._count(session) == count:  # asked now, when no other turn can change it
            return session
        self._end(session)
        return None

    def _new(self) -> str:
        """A new session, for a turn alone."""
        session = self.name()
        with self._lock:
            self._busy.add(session)
        return session

    def _count(self, session: str) -> int:
        """The tokens that a session has; 0 where it is gone, or goes just now."""
        entry = self.manager.get(session)
        try:
            return 0 if entry is None else len(entry)
        except StaleEntryError:
            return 0

    def _end(self, session: str) -> None:
        with self._lock:
            self._busy.discard(session)

    def _bring_back(self, text: bytes, tokens: list[int] | Array, namespace: str) -> None:
        """Restore the session of an earlier process that has more of a text than all that live."""
        if self._saved is None:
            return
        with self._saved.lock:
            found = self._index.longest(tokens, namespace=namespace)
            best = self._saved.longest(text, namespace, more_than=0 if found is None else found[1])
            if best is None:
                return
            session = self._new()
            restored, known = False, 0
            try:
                if best.start:
                    with suppress(KVCacheError):  # then it is read from the file as well
                        known = self._index.begin(session, best.tokens[: best.start + 1], namespace=namespace)
                restored = self._saved.restore(self.manager, best, session, known=known)
            finally:
                self.finish(session, best.tokens, namespace)
            with self._lock:
                self._counts["restored"] += restored


class Turn(Unique):
    """Work on one text, in one session that no other turn works in.

    Attributes:
        session: its id.
        known: tokens of the text that it has; the rest is to be computed, the last token always.
    """

    def __init__(
        self, conversations: Conversations, session: str, namespace: str, known: int, tokens: list[int] | Array
    ) -> None:
        self.session = session
        self.known = known
        self._conversations, self._namespace, self._tokens = conversations, namespace, tokens
        self._noted = False
        self._entry: KVCacheEntry | None = None

    def saw(self, tokens: list[int] | Array) -> None:
        """Say what the text is by now; its last token was chosen just now, and has no keys yet.

        Raises:
            InvalidSizeError: it has, so something else than this text was written.
        """
        self._tokens = tokens[:-1]
        if self._entry is None or not self._entry.is_live:
            self._entry = self._conversations.manager.get(self.session)
        with suppress(StaleEntryError):
            count = 0 if self._entry is None else len(self._entry)
            if count > len(self._tokens):
                expected = f"at most the {len(self._tokens)} tokens that were given to the model"
                raise InvalidSizeError(f"turn in {self.session!r}", expected=expected, got=count)
        if not self._noted:  # once, so that others need not wait for the end of a long answer
            self._noted = True
            self._conversations.note(self.session, self._tokens, self._namespace)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._conversations.finish(self.session, self._tokens, self._namespace)
