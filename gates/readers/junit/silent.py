"""Elements of a file that do not show how a test ended.

In a test case the list is closed: any other element may be a runner's word for a failure (`<failed/>`), so it is never a
pass. The elements of the list may contain anything whose name does not sound like a failure.
"""

from __future__ import annotations

import re
from functools import lru_cache

SILENT = frozenset(
    {
        *("properties", "property", "system-out", "system-err", "output", "stdout", "stderr", "log", "logs", "console"),
        *("attachments", "attachment", "screenshots", "screenshot", "links", "link", "url", "file", "files"),
        *("description", "comment", "comments", "metadata", "tags", "tag", "labels", "label", "categories", "category"),
        *("requirements", "requirement", "parameters", "parameter", "arguments", "argument", "measurements"),
        *("measurement", "owner", "author", "rerun", "system-metadata"),
    }
)
"""Elements in lower case. `rerun` is an attempt before the written result (pytest-rerunfailures)."""

_SOUNDS_BAD = re.compile(
    r"fail|crash|abort|kill|time-?d?-?out|broken|panic|fatal|not-?ok|cancel|interrupt|(?<!system-)(?<!std)err(?:or)?s?$",
    re.IGNORECASE,
)
_SOUNDS_LIKE_A_TEST = re.compile(r"test|case|spec$", re.IGNORECASE)


@lru_cache(maxsize=256)  # these two are called for every element in a case
def local(tag: str) -> str:
    """The normalised name of an element: without a prefix, in lower case."""
    return tag.rpartition(":")[2].lower()


@lru_cache(maxsize=256)
def sounds_bad(tag: str) -> bool:
    """Whether an element, in any place, may mean a failure."""
    return _SOUNDS_BAD.search(local(tag)) is not None


def sounds_like_a_result(tag: str) -> bool:
    """Whether an element next to the cases may be a test, or show how one ended."""
    return sounds_bad(tag) or _SOUNDS_LIKE_A_TEST.search(local(tag)) is not None
