"""Changes of the subject while gates ran, as a witness."""

from __future__ import annotations

from collections.abc import Sequence

from gates.portable.values import GateOutcome, listed, plural
from gates.results import Witness
from gates.run.witnesses.names import TREE
from gates.vcs.new_files import NEW

SHOWN = 3
"""Maximum number of named files."""


def tree_witness(faults: Sequence[str], gates: Sequence[str]) -> Witness:
    """A gate that ran meanwhile is not trusted: it is unknown which state of the tree it saw.

    Args:
        faults: files, and what else changed.
        gates: all gates that ran at that time; it is not known which of them, or which person, caused the changes.
    """
    return Witness(name=TREE, outcome=GateOutcome.FAILED, detail=changed_words(faults, gates))


def changed_words(faults: Sequence[str], gates: Sequence[str]) -> str:
    """What changed, which gates were running, and what to do about generated files."""
    new = any(fault.endswith(NEW) for fault in faults)
    advice = "; if a gate generates files, let git ignore them, or name them in its `reports`" if new else ""
    return f"the subject changed while {' and '.join(gates)} ran: {listed(faults, SHOWN)}{advice}"


def left_words(files: Sequence[str], gates: Sequence[str]) -> str:
    """Which new files are part of the tree from now on."""
    came = (
        "a new file that git does not ignore"
        if len(files) == 1
        else f"{plural(len(files), 'new file')} that git does not ignore"
    )
    them = "it" if len(files) == 1 else "them"
    return f"{came} appeared while {' and '.join(gates)} ran: {listed(files, SHOWN)}; ignore {them}, or name {them} in `reports`"


def staged_words(indexes: Sequence[str], gates: Sequence[str]) -> str:
    """A note that files were added to or removed from the index, which changes no file."""
    return f"{' and '.join(indexes)} changed while {' and '.join(gates)} ran; the files did not"


def written_words(files: Sequence[str], gates: Sequence[str]) -> str:
    """Which files were written and restored: their content meanwhile is unknown."""
    were = "was written and restored" if len(files) == 1 else "were written and restored"
    return f"{plural(len(files), 'file')} {were}: {listed(files, SHOWN)}; what {' and '.join(gates)} saw may have been different"
