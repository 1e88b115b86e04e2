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
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kvcache.errors import KVCacheError, OutOfMemoryError
from kvcache.snapshots.restoring import restore
from kvcache.snapshots.writing import save_all
from kvcache.token_text import bytes_of, common, tokens_of
from kvcache.values import Unique

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kvcache.sessions.manager import KVCacheManager

_VERSION: Final = 1
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
        text: the same as bytes.
    """

    file: str
    session: str
    namespace: str
    tokens: list[int]
    text: bytes = field(repr=False, compare=False)


class SavedTexts(Unique):
    """The sessions in a folder. What is damaged, or of another model, is not found. Not for several threads at once.

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
        self._used = set[tuple[str, str]]()  # that came back since

    def __len__(self) -> int:
        """Sessions that can come back."""
        return len(self._texts)

    def longest(self, text: bytes, namespace: str, *, more_than: int) -> SavedText | None:
        """The session that has the longest beginning of a text, if that is more than so many tokens."""
        best: SavedText | None = None
        for saved in self._texts:
            if saved.namespace == namespace and (count := common(saved.text, text)) > more_than:
                best, more_than = saved, count
        return best

    def restore(self, manager: KVCacheManager, saved: SavedText, session: str) -> bool:
        """Make a session again, up to the first damaged tokens; False where it cannot be had."""
        try:
            restore(manager, self._folder / saved.file, session, saved=saved.session, salvage=True, mapped=True)
        except OutOfMemoryError:
            return False
        except (KVCacheError, OSError):
            self._texts.remove(saved)  # it will not be better the next time
            return False
        self._used.add((saved.file, saved.session))
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
                if entry is not None:
                    pins.enter_context(entry.pin())
                    live[name] = namespace, text
            counts = save_all(manager, self._folder / file, live)
        made = [_saved(file, name, space, text, counts[name]) for name, (space, text) in live.items()]
        kept = [saved for saved in self._texts if (saved.file, saved.session) not in self._used]
        newest = list(dict.fromkeys(saved.file for saved in kept))[: _FILES - 1]
        all_texts = [*made, *(saved for saved in kept if saved.file in newest)]
        try:
            self._write_texts(all_texts)
        except BaseException:
            with suppress(OSError):
                (self._folder / file).unlink()
            raise
        # Only now, and only what texts.json named: sessions that are shown from a file that is gone keep its bytes.
        for old in {saved.file for saved in self._texts} - {saved.file for saved in all_texts}:
            with suppress(OSError):
                (self._folder / old).unlink()
        self._texts, self._used = all_texts, {(file, name) for name in live}
        return len(made)

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


def _saved(file: str, session: str, namespace: str, text: bytes, count: int) -> SavedText:
    tokens = tokens_of(text)[:count]
    return SavedText(file, session, namespace, tokens, bytes_of(tokens))


def _seal(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
