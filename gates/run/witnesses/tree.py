"""What it means that the tree that is validated changed while gates ran."""

from __future__ import annotations

from collections.abc import Sequence

from gates.portable.values import GateOutcome, listed, plural
from gates.results import Witness
from gates.run.witnesses.names import TREE
from gates.vcs.new_files import NEW

SHOWN = 3
"""So many files are named."""


def tree_witness(faults: Sequence[str], gates: Sequence[str]) -> Witness:
    """A gate that ran meanwhile is not believed: nobody knows which state of the tree it saw.

    Args:
        faults: files, and what else changed.
        gates: all gates that ran at that time; who of them it was, or whether a person did it, is not known.
    """
    return Witness(name=TREE, outcome=GateOutcome.FAILED, detail=changed_words(faults, gates))


def changed_words(faults: Sequence[str], gates: Sequence[str]) -> str:
    """What changed, who ran meanwhile, and what to do about files that a gate is to make."""
    new = any(fault.endswith(NEW) for fault in faults)
    advice = "; if a gate generates files, let git ignore them, or name them in its `reports`" if new else ""
    return f"the subject changed while {' and '.join(gates)} ran: {listed(faults, SHOWN)}{advice}"


def left_words(files: Sequence[str], gates: Sequence[str]) -> str:
    """Which files came that are part of the tree from now on."""
    came = (
        "a new file that git does not ignore"
        if len(files) == 1
        else f"{plural(len(files), 'new file')} that git does not ignore"
    )
    them = "it" if len(files) == 1 else "them"
    return f"{came} appeared while {' and '.join(gates)} ran: {listed(files, SHOWN)}; ignore {them}, or name {them} in `reports`"


def staged_words(indexes: Sequence[str], gates: Sequence[str]) -> str:
    """That files were added or taken out, which changes none of them."""
    return f"{' and '.join(indexes)} changed while {' and '.join(gates)} ran; the files did not"


def written_words(files: Sequence[str], gates: Sequence[str]) -> str:
    """Which files were written and are as they were: nobody knows what they were meanwhile."""
    were = "was written and restored" if len(files) == 1 else "were written and restored"
    return f"{plural(len(files), 'file')} {were}: {listed(files, SHOWN)}; what {' and '.join(gates)} saw may have been different"
