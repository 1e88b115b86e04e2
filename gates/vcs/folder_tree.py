"""Watch a folder without git."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gates.files.fingerprint import content_digest, folder_files
from gates.vcs.new_files import NEW, NewFileRule, folders_of
from gates.vcs.watch import Stamps, TreeChanges


class FolderTree:
    """Watches the files that identify a folder.

    Args:
        root: the folder.
        make_rule: makes the rule for which changes matter; called with the folders of the subject.
        since: nanoseconds since the epoch, before its files were read.
    """

    def __init__(
        self, root: Path, make_rule: Callable[[frozenset[str], frozenset[str]], NewFileRule], since: int
    ) -> None:
        self._root = root
        self._digests = {name: content_digest(root / name) for name in folder_files(root)}
        self._stamps = Stamps(str(root), self._digests, since)
        self._rule = make_rule(frozenset(), folders_of(self._digests))
        self._seen: set[str] = set()

    def look(self) -> TreeChanges:
        """Files are read again only if a stamp differs."""
        found: dict[str, list[str]] = {"none": [], "left": [], "fault": []}
        written: list[str] = []
        for name, stamp in self._stamps.differing().items():
            digest = content_digest(self._root / name) if stamp is not None else b""
            if digest != self._digests[name]:
                self._digests[name] = digest
                found[self._rule.of_known(name)].append(name if stamp is not None else f"{name} (removed)")
            elif name in self._stamps.written and self._rule.of_known(name) == "fault":
                written.append(name)
        for name in folder_files(self._root):
            if name not in self._digests and name not in self._seen:
                self._seen.add(name)
                effect = self._rule.of_new(name)
                found[effect].append(f"{name}{NEW}" if effect == "fault" else name)
        return TreeChanges(faults=tuple(found["fault"]), left=tuple(found["left"]), written=tuple(written))
