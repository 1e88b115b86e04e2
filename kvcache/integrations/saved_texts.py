"""Keep sessions and their texts in a folder, so that a new process finds them by their texts.

`texts.json` says what each saved session was computed from, which file has it, and for which model. A file of sessions is never changed,
and its name is never used twice, so a text always belongs to the keys that it names.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import tempfile
import threading
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kvcache.errors import KVCacheError, OutOfMemoryError, StaleEntryError
from kvcache.snapshots.restoring import extend, restore
from kvcache.snapshots.writing import save_all
from kvcache.token_text import WIDTH, bytes_of, common, tokens_of
from kvcache.values import Unique

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kvcache.sessions.manager import KVCacheManager

_VERSION: Final = 1

_WORTH: Final = 32
"""Tokens that two sessions begin with together from which on they are written once."""
_OURS: Final = re.compile(r"sessions-[0-9a-f]{16}\.safetensors")

_FILES: Final = 4
"""Files that are kept: sessions that were not asked for since they were saved outlive so many restarts, less one."""


@dataclass(frozen=True, slots=True)
class SavedText:
    """A session in a file.

    Attributes:
        file: its name in the folder.
        session: its id in the file.
        namespace: of its text.
        tokens: that it was computed from.
        start: how many of them are not in the file under its id, but under that of another session.
        before: the id of that session.
        text: the tokens as bytes.
    """

    file: str
    session: str
    namespace: str
    tokens: list[int]
    start: int = 0
    before: str = ""
    text: bytes = field(default=b"", repr=False, compare=False)


class SavedTexts(Unique):
    """The sessions in a folder. What is damaged, or of another model, is not found. One thread at a time may `write`.

    Attributes:
        lock: held by who looks for a session and restores it.

    Args:
        folder: where; it is made if it is not there. One process at a time.
        model: says which model, with which weights, computed the sessions.

    Raises:
        OSError: the folder cannot be made or read.
    """

    def __init__(self, folder: str | os.PathLike[str], *, model: str) -> None:
        self._folder, self._model = Path(folder), model
        self._folder.mkdir(parents=True, exist_ok=True)
        self._texts = [] if (found := self._read()) is None else found
        self._used = set[tuple[str, str]]()  # that came back since, or are in the manager anyway
        self._damaged = set[tuple[str, str]]()
        self.lock = threading.Lock()

    def __len__(self) -> int:
        """Sessions that can come back."""
        return len(self._texts)

    def longest(self, text: bytes, namespace: str, *, more_than: int) -> SavedText | None:
        """The session that has the longest beginning of a text, if that is more than so many tokens; the lock is held."""
        best: SavedText | None = None
        for saved in self._texts:
            if (saved.file, saved.session) in self._damaged or saved.namespace != namespace:
                continue
            count = common(saved.text, text)
            if count > more_than:
                best, more_than = saved, count
        return best

    def restore(self, manager: KVCacheManager, saved: SavedText, session: str, *, known: int = 0) -> bool:
        """Make a session again, up to the first damaged tokens; False where it cannot be had. The lock is held.

        Args:
            manager: where it shall live.
            saved: what it was.
            session: its id from now on.
            known: how many of its tokens it has already.
        """
        pieces = [saved]
        while pieces[0].start and pieces[0].start != known:
            first, before = pieces[0].file, pieces[0].before
            pieces.insert(0, next(each for each in self._texts if (each.file, each.session) == (first, before)))
        try:
            for piece in pieces:
                if not self._put(manager, piece, session):
                    break
        except OutOfMemoryError:
            return False
        except (KVCacheError, OSError):
            self._damaged.add((saved.file, saved.session))  # it will not be better the next time
            return False
        self._used.add((saved.file, saved.session))
        return True

    def _put(self, manager: KVCacheManager, piece: SavedText, session: str) -> bool:
        """Put a piece of a session where it belongs; False where what is before it is not whole."""
        path = self._folder / piece.file
        if not piece.start:
            restore(manager, path, session, saved=piece.session, salvage=True, mapped=True)
            return True
        entry = manager.get(session)
        if entry is None or len(entry) < piece.start:
            return False
        if len(entry) > piece.start:
            entry.truncate(piece.start)
        extend(manager, path, session, saved=piece.session)
        return True

    def write(self, manager: KVCacheManager, texts: Mapping[str, tuple[str, bytes]]) -> int:
        """Save live sessions, with the namespaces and texts that they were recorded with; nothing may change them meanwhile.

        Returns:
            How many were still there.

        Raises:
            ClosedError: the manager is closed.
            OSError: the files cannot be written; those that were there are as they were.
        """
        file = f"sessions-{secrets.token_hex(8)}.safetensors"
        with ExitStack() as pins:
            live = dict[str, tuple[str, bytes]]()
            for name, (namespace, text) in texts.items():
                entry = manager.get(name)
                with suppress(StaleEntryError):  # it goes just now
                    if entry is not None:
                        pins.enter_context(entry.pin())
                        live[name] = namespace, text
            parts = {} if manager.layout.has_windows else _parts(live)
            names = [name for name in live if name not in parts or parts[name][1] * WIDTH < len(live[name][1])]
            save_all(manager, self._folder / file, names, behind={name: start for name, (_, start) in parts.items()})
        made = [_saved(file, name, *live[name], *parts.get(name, ("", 0))) for name in names]
        with self.lock:
            self._replace(file, made)
        return len(live)

    def _replace(self, file: str, made: list[SavedText]) -> None:
        """Name a new file beside those that have what did not come back since, and remove the others; the lock is held."""
        wanted = dict.fromkeys(
            saved.file for saved in self._texts if (saved.file, saved.session) not in self._used | self._damaged
        )
        newest = list(wanted)[: _FILES - 1]
        texts = [*made, *(saved for saved in self._texts if saved.file in newest)]
        try:
            self._write_texts(texts)
        except BaseException:
            with suppress(OSError):
                (self._folder / file).unlink()
            raise
        # Only now, and only what texts.json named: sessions that are shown from a file that is gone keep its bytes.
        for old in {saved.file for saved in self._texts} - {saved.file for saved in texts}:
            with suppress(OSError):
                (self._folder / old).unlink()
        self._texts = texts
        self._used |= {(file, saved.session) for saved in made}

    def _write_texts(self, texts: Iterable[SavedText]) -> None:
        listed = [{key: part for key, part in asdict(saved).items() if key != "text"} for saved in texts]
        content = {"version": _VERSION, "model": self._model, "sessions": listed}
        descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".texts.json.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as out:
                json.dump({"seal": _seal(content), "content": content}, out)
                out.flush()
                os.fsync(out.fileno())
            Path(name).replace(self._folder / "texts.json")
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise

    def _read(self) -> list[SavedText] | None:
        """What the folder has; None where that is nothing, damaged, or of another model."""
        try:
            read = json.loads((self._folder / "texts.json").read_text(encoding="utf-8"))
            content = read["content"]
            if read["seal"] != _seal(content) or content["version"] != _VERSION or content["model"] != self._model:
                return None
            return [
                SavedText(**each, text=bytes_of(each["tokens"]))
                for each in content["sessions"]
                if _OURS.fullmatch(each["file"])
            ]
        except (FileNotFoundError, ValueError, TypeError, KeyError, RecursionError):
            return None


def _parts(texts: Mapping[str, tuple[str, bytes]]) -> dict[str, tuple[str, int]]:
    """For sessions that begin as another one does: which one, and with how many tokens; the other one has the last of them itself."""
    parts = dict[str, tuple[str, int]]()
    before = ""
    # In order, no session that came earlier has more in common than the one before.
    for name in sorted(texts, key=lambda name: texts[name]):
        space, text = texts[name]
        while before:
            above, start = parts.get(before, ("", 0))
            shared = common(texts[before][1], text) if texts[before][0] == space else 0
            if shared > start or not above:
                if shared >= _WORTH:
                    parts[name] = before, shared
                break
            before = above
        before = name
    return parts


def _saved(file: str, session: str, namespace: str, text: bytes, before: str, start: int) -> SavedText:
    return SavedText(file, session, namespace, tokens_of(text), start, before, text)


def _seal(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
