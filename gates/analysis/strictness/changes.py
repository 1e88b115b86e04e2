"""Compare the settings of a tool on both sides, setting by setting. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from gates.analysis.strictness.rules import Rule, Said, Subject, Switch
from gates.analysis.strictness.side import Key, Side, Value, Values
from gates.results import SettingChange

NOTHING = Value(None)
PRESENCE = "entry"
"""The key that says that a layer exists, for layers whose settings mean nothing without them."""


class Tool(NamedTuple):
    """What is known of a tool.

    Attributes:
        name: as in a finding.
        files: names of the files that it reads its settings from.
        read: its settings in a folder.
        rule: how the values of a setting are ordered.
        where: what the settings of a layer apply to, for a sentence; with a space in front.
        whole: whether a layer can be missing, so that its settings mean nothing where it does not exist.
        inherits: whether a layer has the settings of everything else, as far as it does not set them itself.
        follows: a setting → the switch that turns it on where it is not set itself, as `strict` does.
        hinted: whether a weaker value of a setting is only shown.
    """

    name: str
    files: tuple[str, ...]
    read: Callable[[Side], Values]
    rule: Callable[[Key], Rule]
    where: Callable[[str], str] = lambda layer: f" in {layer}" if layer else ""
    whole: Callable[[str], bool] = lambda _: False
    inherits: Callable[[str], bool] = bool
    follows: Mapping[str, str] = {}
    hinted: Callable[[Key, Said], bool] = lambda _key, _said: False


Adjust = Callable[[Key, Said], Said]
"""Corrects what a change means by what else is known."""


def changes_of(tool: Tool, base: Side, head: Side, adjust: Adjust = lambda _, said: said) -> Iterator[SettingChange]:
    """What changed in the settings of a tool, in one folder.

    A tool that was not in use took nothing away by its first exceptions, nor does one add anything that goes with them.

    Args:
        tool: the tool.
        base: files of the folder on the base.
        head: files of the folder on the head.
        adjust: corrects what a change means.
    """
    if all(base.files.get(name) == head.files.get(name) for name in tool.files):
        return
    before, after = tool.read(base), tool.read(head)
    unused = [not values and not _is_named(tool, side) for values, side in ((before, base), (after, head))]
    for change in _changes(tool, (base, before), (head, after), adjust):
        idle = (unused[0] and change.direction == "weaker") or (unused[1] and change.direction == "stronger")
        yield msgspec.structs.replace(change, direction="other") if idle else change


def _is_named(tool: Tool, side: Side) -> bool:
    """Whether any file shows that a tool is in use; pytest and gates always are."""
    return tool.name in ("gates", "pytest") or any(
        tool.name in name or tool.name in text for name, text in side.files.items()
    )


def _changes(
    tool: Tool, one: tuple[Side, Values], other: tuple[Side, Values], adjust: Adjust
) -> Iterator[SettingChange]:
    (base, before), (head, after) = one, other
    if any(side.broken.keys() & set(tool.files) for side in (base, head)):
        return  # said once, for the file
    layers = [{layer for layer, _ in side} for side in (before, after)]
    renamed, first = _names(tool, before, after), dict(reversed((*after, *before)))
    for key in dict.fromkeys((*after, *before)):
        layer, name = key
        if layer in renamed or layer in renamed.values():
            if name == first[layer]:
                yield from _renamed(tool, layer, renamed, (before, after), (base, head))
            continue
        if name != PRESENCE and tool.whole(layer) and not all(layer in each for each in layers):
            continue
        rule = tool.rule(key)
        old, new = (_effective(side, key, rule, tool) for side in (before, after))
        if old == new:
            continue
        common = ("", name)
        if (
            layer
            and tool.inherits(layer)
            and (old, new) == tuple(_effective(side, common, rule, tool) for side in (before, after))
        ):
            continue  # only what it has in common with everything else
        about = Subject(tool.name, name, tool.where(layer))
        for said in (adjust(key, each) for each in rule.judge(about, old, new)):
            path, line = place_of(said, after.get(key, NOTHING), before.get(key, NOTHING), (base, head))
            yield SettingChange(
                tool=tool.name, key=f"{layer}: {name}" if layer else name, path=path, line=line,
                before=said.before, after=said.after, direction=said.direction, what=said.what,
                strength="hint" if said.direction == "weaker" and tool.hinted(key, said) else "certain",
            )  # fmt: skip


def _names(tool: Tool, before: Values, after: Values) -> dict[str, str]:
    """Layers of the base → those of the head that have exactly the same settings under another name."""
    sides: list[dict[str, dict[str, object]]] = [{}, {}]
    for side, values in zip(sides, (before, after), strict=True):
        for (layer, name), value in values.items():
            if layer and tool.inherits(layer) and not tool.whole(layer):
                side.setdefault(layer, {})[name] = value.value
    gone, new = ([layer for layer in one if layer not in other] for one, other in (sides, sides[::-1]))
    found: dict[str, str] = {}
    for layer in gone:
        other = next(
            (other for other in new if other not in found.values() and sides[1][other] == sides[0][layer]), None
        )
        if other is not None:
            found[layer] = other
    return found


def _renamed(
    tool: Tool, layer: str, renamed: Mapping[str, str], values: tuple[Values, Values], sides: tuple[Side, Side]
) -> Iterator[SettingChange]:
    """The settings are for something else now, which may be the same under another name."""
    if layer in renamed:
        return  # told for the name that it has on the head
    old = next(one for one, other in renamed.items() if other == layer)
    place = next(value for key, value in values[1].items() if key[0] == layer)
    what = f"{tool.name} has the settings of {old} for {layer} instead"
    yield SettingChange(
        tool=tool.name, key=layer, path=place.path, line=sides[1].line(place), before=old, after=layer, direction="other", what=what,
    )  # fmt: skip


def _effective(side: Values, key: Key, rule: Rule, tool: Tool) -> object:
    layer, name = key
    for known in (key, ("", name)) if layer and tool.inherits(layer) else (key,):
        if known in side and side[known].value is not None:
            return side[known].value
    if name in tool.follows and isinstance(rule, Switch) and _leads(side, name, tool):
        return rule.strict
    return rule.default


def _leads(side: Values, name: str, tool: Tool) -> bool:
    """Whether the switch that turns a setting on is on."""
    return side.get(("", tool.follows[name]), NOTHING).value is True


def place_of(said: Said, after: Value, before: Value, sides: tuple[Side, Side]) -> tuple[str, int]:
    """Where a change is: on the head, if its file exists there."""
    base, head = sides
    if not after.path:
        gone = before.path.removeprefix(head.folder) not in head.files
        return before.path, (base if gone else head).line(before._replace(line=before.line if gone else 0))
    line = head.line(after)
    lines = head.files.get(after.path.removeprefix(head.folder), "").split("\n")
    for number in range(max(line, 1), len(lines) + 1):
        if any(item in lines[number - 1] for item in said.items):
            return after.path, number
    return after.path, line
