"""How the values of one setting are ordered: which of two is stricter, and how to say that. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gates.portable.values import plural
from gates.results.weakening import Direction

SHOWN_ITEMS = 8
"""A longer list is shown by its number of items, and those that changed."""

SHOWN_TEXT = 160
"""Characters of a value that are shown."""


class Said(NamedTuple):
    """What one change of a setting means.

    Attributes:
        direction: what it does to a green gate.
        before: the value on the base, for people; empty if it is not set.
        after: the same for the head.
        what: one sentence.
        items: what was added to a list, or removed from it.
    """

    direction: Direction
    before: str
    after: str
    what: str
    items: tuple[str, ...] = ()


class Subject(NamedTuple):
    """What a sentence is about.

    Attributes:
        tool: for people: `pytest`.
        key: the setting's name: `xfail_strict`.
        where: what it applies to, with a space in front: ` in legacy.*`; empty for everything.
    """

    tool: str
    key: str
    where: str = ""


@dataclass(frozen=True)
class Rule:
    """A setting whose values are not ordered: a change of it says nothing about strictness.

    Attributes:
        default: the value that counts where nothing is set.
        shown: a value for people.
    """

    default: Any = None
    shown: Callable[[Any], str] = field(default_factory=lambda: text_of)

    def judge(self, about: Subject, before: Any, after: Any) -> Iterator[Said]:
        """What the change from one value to another means, in at most one sentence for each direction."""
        yield self._plain("other", about, before, after)

    def _plain(self, direction: Direction, about: Subject, before: Any, after: Any, meaning: str = "") -> Said:
        """Both values in one sentence."""
        old, new = self.shown(before), self.shown(after)
        if not old:
            changed = f"{about.tool} sets {about.key} to {new or 'nothing'}{about.where}"
        elif not new:
            changed = f"{about.tool} does not set {about.key} any more{about.where} (it was {old})"
        else:
            changed = f"{about.tool} sets {about.key} to {new} instead of {old}{about.where}"
        return Said(direction, old, new, f"{changed}{meaning and f': {meaning}'}")


def text_of(value: Any) -> str:
    """A value for people."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (set, frozenset)):
        value = sorted(map(str, value))
    if isinstance(value, (list, tuple)):
        return _cut(", ".join(map(text_of, value)))
    if isinstance(value, dict):
        return _cut(", ".join(f"{key} = {text_of(item)}" for key, item in value.items()))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_TEXT else f"{text[: SHOWN_TEXT - 1]}…"


@dataclass(frozen=True)
class Silent(Rule):
    """Something that other findings show."""

    def judge(self, about: Subject, before: Any, after: Any) -> Iterator[Said]:  # noqa: ARG002
        """Nothing."""
        yield from ()


@dataclass(frozen=True)
class Switch(Rule):
    """Something that is on or off.

    Attributes:
        does: what the strict state does, after the name of the tool: `reports unreachable code`.
        strict: the strict value.
    """

    default: Any = False
    does: str = ""
    strict: bool = True

    def judge(self, about: Subject, before: Any, after: Any) -> Iterator[Said]:
        """Said once."""
        if not isinstance(before, bool) or not isinstance(after, bool):
            yield self._plain("other", about, before, after)
            return
        weaker = before == self.strict
        verb = "no longer" if weaker else "now"
        what = f"{about.tool} {verb} {self.does or f'has {about.key}'}{about.where}"
        yield Said("weaker" if weaker else "stronger", text_of(before), text_of(after), what)


@dataclass(frozen=True)
class Scale(Rule):
    """Something that can be stricter or less strict by degrees.

    Attributes:
        rank: the strictness of a value: higher is stricter; None if it is not known.
        weaker: what a less strict value means.
        stronger: what a stricter one means.
    """

    rank: Callable[[Any], float | None] = lambda value: value if isinstance(value, (int, float)) else None
    weaker: str = ""
    stronger: str = ""

    def judge(self, about: Subject, before: Any, after: Any) -> Iterator[Said]:
        """Said once."""
        old, new = self.rank(before), self.rank(after)
        if old is None or new is None or old == new:
            yield self._plain("other", about, before, after)
        elif new < old:
            yield self._plain("weaker", about, before, after, self.weaker)
        else:
            yield self._plain("stronger", about, before, after, self.stronger)


def steps(*words: Hashable, **more: Any) -> Scale:
    """A scale of a few values, the strictest first."""
    return Scale(rank=lambda value: -float(words.index(value)) if value in words else None, **more)


@dataclass(frozen=True)
class Items(Rule):
    """A list whose order does not matter.

    Attributes:
        does: what the tool does for the items while it is strict, after its name: `reports {}`.
        strict: whether an item makes it stricter: those of `select` do, those of `ignore` do not.
        everything: a list without items stands for everything, so that the first item takes the rest away.
        limits: what the tool does for a list that stands for everything, or for its items only; as `does` by default.
        related: items that stand for others, as a prefix does: whether the first covers the second.
        paths: the items are paths; one that differs from a former one in a single part has followed a renamed folder.
    """

    default: Any = ()
    does: str = "checks {}"
    strict: bool = False
    everything: bool = False
    limits: str = ""
    related: Callable[[str, str], bool] | None = None
    paths: bool = False

    def judge(self, about: Subject, before: Any, after: Any) -> Iterator[Said]:
        """What was added and what was removed are said one by one."""
        old, new = _items(before), _items(after)
        if old is None or new is None:
            yield self._plain("other", about, before, after)
            return
        if self.everything and bool(old) != bool(new):
            limited = bool(new)
            direction: Direction = "weaker" if limited == self.strict else "stronger"
            what = f"only {text_of(new)}" if limited else "everything"
            named = (self.limits or self.does).format(what)
            yield Said(direction, text_of(old) or "everything", text_of(new) or "everything", f"{about.tool} now {named}{about.where}")  # fmt: skip
            return
        added = tuple(one for one in new if not self._has(old, one))
        removed = tuple(one for one in old if not self._has(new, one))
        if self.paths and len(added) == len(removed) == 1 and _is_renamed(removed[0], added[0]):
            what = f"{about.tool} has {added[0]} instead of {removed[0]} in {about.key}{about.where}"
            yield Said("other", text_of(removed), text_of(added), what, added)
            return
        for items, is_added in ((added, True), (removed, False)):
            if items:
                weaker = is_added != self.strict
                verb = "no longer" if weaker else "now"
                what = f"{about.tool} {verb} {self.does.format(text_of(items))}{about.where}"
                shown = (_listed(old, () if is_added else items), _listed(new, items if is_added else ()))
                yield Said("weaker" if weaker else "stronger", *shown, what, items)

    def _has(self, items: Sequence[str], one: str) -> bool:
        return one in items or (self.related is not None and any(self.related(other, one) for other in items))


def _is_renamed(one: str, other: str) -> bool:
    """Whether two paths of several parts differ in the name of one folder."""
    parts = one.rstrip("/").split("/"), other.rstrip("/").split("/")
    alike = len(parts[0]) == len(parts[1]) > 1
    return alike and sum(first != second for first, second in zip(*parts, strict=True)) == 1


def _items(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, (list, tuple, set, frozenset)):
        return None
    found = sorted(map(str, value)) if isinstance(value, (set, frozenset)) else list(map(str, value))
    return tuple(dict.fromkeys(found))


def _listed(items: Sequence[str], changed: Sequence[str]) -> str:
    if len(items) <= SHOWN_ITEMS:
        return text_of(items)
    return plural(len(items), "entry") + (f", with {text_of(changed)}" if changed else "")
