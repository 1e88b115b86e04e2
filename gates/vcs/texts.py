"""The texts of some files of several trees, read at once: starting git costs more than its answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gates.vcs.git import Git


def texts_of(git: Git, wanted: Sequence[tuple[str, Iterable[str]]]) -> list[dict[str, str]]:
    """For each tree, path → text of the wanted files that it has; a link, or a file that is no text, counts as missing.

    Args:
        git: the repository.
        wanted: trees, and paths from git's folder, with `/`.

    Raises:
        EnvironmentProblem: git failed.
    """
    asked = [
        (number, path, f"{tree}:{git.prefix}{path}")
        for number, (tree, paths) in enumerate(wanted)
        for path in dict.fromkeys(paths)
        if path and "\n" not in path
    ]
    found: list[dict[str, str]] = [{} for _ in wanted]
    if not asked:
        return found
    words = "".join(f"{name}\n" for _, _, name in asked)
    data = git.need_bytes("cat-file", "--batch", stdin=words.encode("utf-8", "surrogateescape"))
    position = 0
    for number, path, _ in asked:
        end = data.index(b"\n", position)
        head, position = data[position:end], end + 1
        if head.endswith((b" missing", b" ambiguous")):
            continue
        _, kind, size = head.rsplit(b" ", 2)
        content, position = data[position : position + int(size)], position + int(size) + 1
        if kind == b"blob" and b"\0" not in content:
            found[number][path] = content.decode("utf-8", "replace")
    return found
