"""How pytest's own kinds of values are ordered: selections, warning filters, plugins. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from gates.analysis.strictness.rules import Items, Rule, Said, Subject, text_of
from gates.results.weakening import Direction


@dataclass(frozen=True)
class Selection(Rule):
    """An expression of `-k` or `-m`: what it does not select is not run."""

    def judge(self, about: Subject, before: Any, after: Any) -> Iterator[Said]:
        """Said once."""
        old, new = (" ".join(text_of(value).split()) for value in (before, after))
        if old == new:
            return
        direction: Direction = "weaker" if _less(new, old) else "stronger" if _less(old, new) else "other"
        meaning = {"weaker": "fewer tests are run", "stronger": "more tests are run"}.get(direction, "")
        yield self._plain(direction, about, old, new, meaning)


def _less(one: str, other: str) -> bool:
    """Whether the first selects less, as far as their parts show it; empty is everything."""
    if not one or not other:
        return bool(one) and not other
    return _parts(one, "and") > _parts(other, "and") or _parts(one, "or") < _parts(other, "or")


def _parts(text: str, word: str) -> frozenset[str]:
    """The operands of an expression; only itself if it has others, or parentheses."""
    opposite = "or" if word == "and" else "and"
    if "(" in text or re.search(rf"\b{opposite}\b", text):
        return frozenset({text})
    return frozenset(part.strip() for part in re.split(rf"\b{word}\b", text))


class _Filter(NamedTuple):
    text: str
    strict: bool
    message: str
    category: str
    module: str

    def covers(self, other: _Filter) -> bool:
        """Whether it applies to everything that the other applies to."""
        return (
            self.message in ("", other.message)
            and (self.category in ("", "Warning", other.category))
            and self.module in ("", other.module)
        )


@dataclass(frozen=True)
class WarningFilters(Rule):
    """`filterwarnings`: of the filters that match a warning, the last one decides."""

    default: Any = ()

    def judge(self, about: Subject, before: Any, after: Any) -> Iterator[Said]:
        """What makes fewer warnings fail, and what makes more, is said one by one."""
        old, new = _in_force(before), _in_force(after)
        gone = {one.text: one for one in old if one.text not in {other.text for other in new}}
        added = {one.text: one for one in new if one.text not in {other.text for other in old}}
        found: dict[Direction, list[_Filter]] = {"weaker": [], "stronger": [], "other": []}
        for changed, filters, others, is_added in ((added.values(), new, old, True), (gone.values(), old, new, False)):
            for one in changed:
                if any(other.strict == one.strict and other.covers(one) for other in others):
                    continue  # a part of what the other side has
                matters = one.strict or any(other.strict and other.covers(one) for other in filters)
                direction: Direction = "weaker" if one.strict != is_added else "stronger"
                found[direction if matters else "other"].append(one)
        plain = not found["weaker"] and not found["stronger"]
        for direction, filters in found.items():
            if filters and (direction != "other" or plain):
                yield self._said(direction, filters, about, before, after)

    def _said(self, direction: Direction, filters: Sequence[_Filter], about: Subject, before: Any, after: Any) -> Said:
        texts = tuple(one.text for one in filters)
        verb = {"weaker": "fails for fewer warnings", "stronger": "fails for more warnings"}.get(
            direction, "shows other warnings"
        )
        what = f"{about.tool} {verb}{about.where}: {text_of(texts)} in {about.key} changed"
        return Said(direction, text_of(before), text_of(after), what, texts)


def _in_force(value: Any) -> list[_Filter]:
    """The filters that can apply: a later one may cover an earlier one."""
    kept: list[_Filter] = []
    for text in reversed(list(value) if isinstance(value, (list, tuple)) else []):
        action, message, category, module, *_ = [*(part.strip() for part in str(text).split(":")), "", "", "", ""]
        one = _Filter(
            f"{action}:{message}:{category}:{module}".rstrip(":"), action == "error", message, category, module
        )
        if not any(later.covers(one) for later in kept):
            kept.append(one)
    return kept


_HARMLESS = frozenset({"cacheprovider", "randomly", "random_order", "xdist", "sugar", "pastebin", "nose", "legacypath", "terminal", "logging", "faulthandler", "stepwise", "debugging", "junitxml", "setuponly", "setupplan", "pretty", "html", "rich", "benchmark", "reportlog", "metadata", "clarity", "pycharm", "gates"})  # fmt: skip


@dataclass(frozen=True)
class Plugins(Items):
    """`-p NAME` and `-p no:NAME`: without some plugins, pytest sees fewer failures."""

    does: str = "loads {}"

    def judge(self, about: Subject, before: Any, after: Any) -> Iterator[Said]:
        """As of a list; what only shows, orders or speeds up is neither weaker nor stronger."""
        old, new = (tuple(one for one in value or () if str(one).startswith("no:")) for value in (before, after))
        for said in super().judge(about, old, new):
            names = [item.removeprefix("no:") for item in said.items]
            what = said.what.replace("no:", "the plugin ")
            plain = all(name in _HARMLESS for name in names)
            yield said._replace(direction="other" if plain else said.direction, what=what)
