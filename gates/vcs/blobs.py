"""Read the text of many files of a commit at once."""

from __future__ import annotations

from collections.abc import Iterable

from gates.vcs.git import Git


def texts_at(git: Git, commit: str, paths: Iterable[str]) -> dict[str, bytes]:
    """The text of files at a commit, read by one process for all of them."""
    asked = sorted(path for path in paths if "\n" not in path)
    question = "".join(f"{commit}:{path}\n" for path in asked).encode("utf-8", "surrogateescape")
    answer = git.run("cat-file", "--batch", stdin=question).stdout if asked else b""
    texts = {}
    for path in asked:
        head, _, answer = answer.partition(b"\n")
        about = head.rsplit(b" ", 2)
        if len(about) == 3 and about[1] == b"blob":
            size = int(about[2])
            texts[path], answer = answer[:size], answer[size + 1 :]
    return texts
