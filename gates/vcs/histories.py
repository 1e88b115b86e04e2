"""The histories of two commits in a comparison: where one left the other, as far as that is certain."""

from __future__ import annotations

from gates.portable.values import plural
from gates.results import Subject
from gates.vcs.branches import distance
from gates.vcs.git import Git


def where_left(git: Git, base: Subject, head: Subject) -> tuple[tuple[str, ...], str]:
    """Notes for the reader, and the commit where the head left the base; empty if it has all of the base.

    In a shallow clone git may silently name a wrong commit, and after merges in both directions there are several
    equally good ones: then none is used.
    """
    if not base.commit or not head.commit:
        return (), ""
    name = base.name
    if git.shallow:
        return (
            f"history is incomplete (shallow clone), so it is unknown whether the head lacks commits of {name}",
        ), ""
    found = git.merge_bases(base.commit, head.commit)
    if found == (base.commit,):
        return (), ""
    if not found:
        return (f"{name} and the head have no common history",), ""
    if len(found) > 1:
        shown = ", ".join(commit[:12] for commit in found)
        return (
            f"the head left {name} at several commits ({shown}): changed files are those that differ between the two trees",
        ), ""
    lacking = plural(distance(git, head.commit, base.commit), "commit")
    lines = (
        f"the head lacks {lacking} of {name} (it branched off at {found[0][:12]}): tests that those commits added look removed here",
        f"only files that the head changed are listed; with merge:{name} as the head, the result of the merge is compared",
    )
    return lines, found[0]
