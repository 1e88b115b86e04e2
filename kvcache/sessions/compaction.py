"""Plan moves that bring free bytes together: blocks in, places out. Pure; nothing is moved here.

Every block goes down or stays, and blocks are listed by ascending offset: carried out in this order, no move overwrites bytes
that are still to be moved.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kvcache.values import Span


@dataclass(frozen=True, slots=True)
class Piece:
    """A block, as far as a plan is concerned; one that must stay ends what can be brought together."""

    name: str
    span: Span
    movable: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """Moves by ascending offset, and the bytes that they copy.

    Attributes:
        moves: names of blocks and the offsets that they go to.
        bytes_moved: the sum of their lengths.
    """

    moves: tuple[tuple[str, int], ...]
    bytes_moved: int


def plan_all(pieces: Iterable[Piece]) -> Plan:
    """Bring everything that may move down as far as it goes: into a gap below a block that must stay, or next to its neighbour."""
    moves: list[tuple[str, int]] = []
    moved = cursor = 0
    gaps: list[list[int]] = []  # [start, end] of what is left free below blocks that stay
    for piece in sorted(pieces, key=_offset):
        if not piece.movable:
            gaps.append([cursor, piece.span.offset])
            cursor = piece.span.end
            continue
        length = piece.span.length
        gap = next((gap for gap in gaps if gap[1] - gap[0] >= length), None)
        target = cursor if gap is None else gap[0]
        if gap is None:
            cursor += length
        else:
            gap[0] += length
        if target != piece.span.offset:
            moves.append((piece.name, target))
            moved += length
    return Plan(tuple(moves), moved)


def plan_hole(pieces: Iterable[Piece], free: Iterable[Span], *, size: int) -> Plan | None:
    """Bring `size` free bytes together by moving as few bytes as possible.

    It takes the run of tiles between blocks that must stay whose free spans add up to `size` and whose blocks are the smallest
    together, and moves these to its front. Offsets and lengths are multiples of the alignment already, so none is lost to it.

    Returns:
        None where no such run exists; a plan without moves where a free span suffices already.
    """
    tiles = sorted(
        [(span, None) for span in free] + [(piece.span, piece) for piece in pieces], key=lambda tile: tile[0]
    )
    best: tuple[int, int, int] | None = None
    left = vacant = taken = 0
    for right, (span, piece) in enumerate(tiles):
        if piece is not None and not piece.movable:
            left, vacant, taken = right + 1, 0, 0
            continue
        if piece is None:
            vacant += span.length
        else:
            taken += span.length
        # A window begins and ends with a free span: a block at its edge need not move.
        while left <= right and (tiles[left][1] is not None or vacant - tiles[left][0].length >= size):
            if tiles[left][1] is None:
                vacant -= tiles[left][0].length
            else:
                taken -= tiles[left][0].length
            left += 1
        if vacant >= size and piece is None and (best is None or taken < best[0]):
            best = taken, left, right
    return None if best is None else _slide([tiles[at] for at in range(best[1], best[2] + 1)])


def _slide(tiles: Sequence[tuple[Span, Piece | None]]) -> Plan:
    cursor, moves, moved = tiles[0][0].offset, [], 0
    for span, piece in tiles:
        if piece is not None:
            moves.append((piece.name, cursor))
            moved += span.length
            cursor += span.length
    return Plan(tuple(moves), moved)


def _offset(piece: Piece) -> int:
    return piece.span.offset
