"""Frozen values whose fields are declared once, each with everything about it.

Not a dataclass: defining one with thirty fields takes over a millisecond, in every process that runs tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import dataclass_transform

    from .kinds import Kind
else:  # new in Python 3.11
    dataclass_transform = lambda **_words: lambda declared: declared  # noqa: E731


class Setting:
    """The declaration of one setting.

    Attributes:
        kind: the form of its values in a config and as text.
        help: one sentence for people.
        name: its name in Python; owner: the class that declares it, whose docstring explains it in Markdown.
        default: its default value; unset: a description of the default, if the value alone is not clear to people.
        called: the name of its option, if different; True for its own name, empty if there is no option.
        short: the letter of the option; many: it may be repeated; metavar: the name of the value in the help.
        stands: `GATES_NAME` is used if the option is not given.
        tables: where a config may have it, although it has an option: `top`, `profile`.
        asks: it applies to tests, so only pytest can apply it.
        plugin: it is passed to the plugin; pytest: a plain pytest has the option, too.
    """

    name = unset = short = metavar = ""
    owner: type
    default: Any = None
    called: str | bool = ""
    tables: tuple[str, ...] = ()
    stands = many = asks = plugin = pytest = False

    def __init__(self, kind: Kind, help: str = "", **known: Any) -> None:  # noqa: A002 — the usual name
        unknown = [name for name in known if not hasattr(Setting, name)]
        if unknown:
            raise TypeError(f"nothing to be known of a setting: {unknown}")
        self.kind, self.help, self.metavar = kind, help, kind.metavar
        vars(self).update(known)

    @property
    def key(self) -> str:
        """Its name in a config."""
        return self.name.replace("_", "-")

    @property
    def option(self) -> str:
        """Its name on the command line; empty if it has no option."""
        return f"--{self.key if self.called is True else self.called}" if self.called else ""

    @property
    def variable(self) -> str:
        """The variable for the option; empty for none."""
        return f"GATES_{self.name.upper()}" if self.stands else ""

    @property
    def shown_default(self) -> str:
        """The default behaviour, for people; empty for none."""
        return self.unset.strip("`") or ("" if self.default in (None, "", (), False) else str(self.default))


def declare(kind: Kind, *, default: Any, **more: Any) -> Any:
    """A field of a `Declared`: see `Setting` for the arguments."""
    return Setting(kind, default=default, **more)


def option(kind: Kind, help: str, *, default: Any, **more: Any) -> Any:  # noqa: A002
    """A field that the command line or a variable can set."""
    return Setting(kind, help, default=default, **{"called": True, "stands": True, **more})


def asked(kind: Kind, help: str, *, default: Any, **more: Any) -> Any:  # noqa: A002
    """An option for tests, which is passed to the plugin."""
    return option(kind, help, default=default, **{"asks": True, "plugin": True, **more})


EMPTY: dict[str, Any] = {}
"""The default of a field that contains a mapping."""

_Self = TypeVar("_Self", bound="Declared")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(declare, option, asked))
class Declared:
    """A frozen value that knows which of its fields were given.

    None, and an empty default, count as not given, so that a command line, a profile and a config can be combined.
    """

    SETTINGS: ClassVar[Mapping[str, Setting]] = {}
    """Name → its declaration."""

    FIELDS: ClassVar[Mapping[str, bool]] = {}
    """Name → whether it is required."""

    def __init_subclass__(cls) -> None:
        declared, fields = dict(cls.SETTINGS), dict(cls.FIELDS)
        for name, kind in cls.__annotations__.items():
            if str(kind).startswith("ClassVar"):
                continue
            value = vars(cls).get(name)
            if isinstance(value, Setting):
                value.name, value.owner = name, cls
                declared[name] = value
                setattr(cls, name, value.default)
            fields[name] = name not in vars(cls) and not hasattr(cls, name)
        cls.SETTINGS, cls.FIELDS = declared, fields

    def __init__(self, **values: Any) -> None:
        unknown = values.keys() - self.FIELDS.keys()
        missing = [name for name, needed in self.FIELDS.items() if needed and name not in values]
        if unknown or missing:
            raise TypeError(f"{type(self).__name__}: unknown {sorted(unknown)}, missing {missing}")
        given = ((name, value) for name, value in values.items() if value is not None)
        vars(self).update((name, value) for name, value in given if value or value != getattr(type(self), name, None))

    @property
    def given(self) -> dict[str, Any]:
        """The given settings, in the order of declaration."""
        return {name: vars(self)[name] for name in self.SETTINGS if name in vars(self)}

    def __setattr__(self, name: str, _value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name}")

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.FIELDS)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Declared) and type(other) is type(self) and other._values() == self._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        """The settings that differ from the defaults, in the order of declaration."""
        shown = (f"{name}={vars(self)[name]!r}" for name in self.FIELDS if name in vars(self))
        return f"{type(self).__name__}({', '.join(shown)})"


def replace(value: _Self, /, **changes: Any) -> _Self:
    """A copy with some fields changed; None makes a field count as not given."""
    return type(value)(**{**vars(value), **changes})
