"""Frozen dataclasses that are defined in a third of the time.

For each dataclass, Python compiles six methods, one by one. A run and every test process define thirty.

Standard library only, Python 3.9 syntax: see `values`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 (others import it from here)
else:
    from dataclasses import MISSING, FrozenInstanceError, fields
    from dataclasses import dataclass as _dataclass
    from operator import attrgetter

    def dataclass(*, frozen: bool) -> Any:
        """Like Python's own. Fields may have defaults, default factories, and `compare=False`."""
        assert frozen
        return _made

    def _made(cls: type) -> type:
        own = vars(cls).keys()
        made = _dataclass(init=False, repr=False, eq=False)(cls)
        methods = {"__init__": _init, "__eq__": _eq, "__hash__": _hash, "__repr__": lambda _: _repr}
        for name, make in methods.items():
            if name not in own:
                setattr(made, name, make(fields(made)))
        made.__setattr__ = made.__delattr__ = _refuse
        return made

    def _init(known: Any) -> Any:
        names = {"_set": object.__setattr__, "_MISSING": MISSING}
        parameters, lines = ["self"], ["pass"]
        for one in known:
            value = one.name
            if one.default_factory is not MISSING:
                names[f"_new_{one.name}"] = one.default_factory
                parameters.append(f"{one.name}=_MISSING")
                value = f"_new_{one.name}() if {one.name} is _MISSING else {one.name}"
            elif one.default is not MISSING:
                names[f"_default_{one.name}"] = one.default
                parameters.append(f"{one.name}=_default_{one.name}")
            else:
                parameters.append(one.name)
            lines.append(f"_set(self, {one.name!r}, {value})")
        exec(f"def __init__({', '.join(parameters)}):\n " + "\n ".join(lines), names)  # noqa: S102 (names of fields)
        return names["__init__"]

    def _key(known: Any) -> Any:
        compared = [one.name for one in known if one.compare]
        return attrgetter(*compared) if compared else lambda _: ()

    def _eq(known: Any) -> Any:
        key = _key(known)
        return lambda one, other: key(one) == key(other) if other.__class__ is one.__class__ else NotImplemented

    def _hash(known: Any) -> Any:
        key = _key(known)
        return lambda one: hash(key(one))

    def _repr(one: Any) -> str:
        shown = ", ".join(f"{field.name}={getattr(one, field.name)!r}" for field in fields(one) if field.repr)
        return f"{type(one).__qualname__}({shown})"

    def _refuse(_one: object, name: str, *_value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")
