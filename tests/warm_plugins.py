"""Imports what the programs of tests need, before they are forked: modules, and plugins that pytest asks for at each start."""

import contextlib
import fnmatch
import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import inspect
import itertools
import os
import pkgutil
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

INJECTED = "_gates_injected"
"""The package in which gates loads its plugin; `protocol` says how."""

LEAN = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
"""Plugins that sessions of pytest in tests do without: hypothesis's takes a third of a short one, for it imports it all."""

LEFT_OUT = ("hypothesispytest",)
"""Plugins that are not imported before they are asked for: `LEAN` does without them."""


def load(names: "list[str]") -> None:
    """Import modules; `name.*` also means all that is in it. What cannot be imported here is left to the program."""
    for name, everything in ((name.removesuffix(".*"), name.endswith(".*")) for name in names):
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}.") if everything else ():
            if not found.name.endswith("__main__"):
                with contextlib.suppress(ImportError):
                    importlib.import_module(found.name)


class Plugins:
    """Plugins of pytest that are imported here, and given to programs whose pytest imports them from the same files.

    pytest complains of a plugin that is there before it looks, so they are kept aside until they are asked for.
    """

    def __init__(self) -> None:
        from _pytest.assertion.rewrite import AssertionRewritingHook

        self._there: dict[str, types.ModuleType] = {}
        self._load_injected()
        self._load_installed()
        inspect.getsource(load)  # patterns are compiled for the first source that somebody asks for, as execnet does
        self._look_up_files()
        for module in self._there.values():
            for value in vars(module).values():
                if type(value).__name__ == "_Pattern":
                    value.search  # noqa: B018 - compiled when it is first used, see `gates.portable.patterns`
        plugins = (module for name, module in sys.modules.items() if name.startswith("_pytest."))
        narrow([*plugins, *self._there.values()])
        for name in (*PATTERNS, *NO_RECURSION):
            fnmatch.fnmatch("", name)
        prepare_configs()
        find: Any = AssertionRewritingHook.find_spec

        def found(hook: Any, name: str, path: Any = None, target: Any = None) -> Any:
            module = self._there.get(name)
            if module is None or not is_at(module, name, path):
                return find(hook, name, path, target)
            return importlib.util.spec_from_loader(name, Ready(module), is_package=hasattr(module, "__path__"))

        AssertionRewritingHook.find_spec = found  # type: ignore[assignment, method-assign]

    def _load_injected(self) -> None:
        """Import the plugin as gates injects it."""
        gates = importlib.util.find_spec("gates")
        if gates is None or not gates.submodule_search_locations:
            return
        sys.modules[INJECTED] = package = types.ModuleType(INJECTED)
        package.__path__ = [*gates.submodule_search_locations]
        load([f"{INJECTED}.pytest_plugin.*"])
        for name in [name for name in sys.modules if name.partition(".")[0] == INJECTED]:
            module = sys.modules.pop(name)
            if module is not package:
                self._there[name] = module

    def _load_installed(self) -> None:
        """Import what pytest imports because it is installed."""
        before = {*sys.modules}
        names = {
            point.value
            for distribution in importlib.metadata.distributions()
            for point in distribution.entry_points
            if point.group == "pytest11" and point.name not in LEFT_OUT
        }
        load(
            [
                f"{name}.*" if is_package(name) else name
                for name in {*names, *({"xdist"} if "xdist.plugin" in names else ())}
            ]
        )
        packages = {name.partition(".")[0] for name in names}
        for name in [name for name in sys.modules if name.partition(".")[0] in packages]:
            self._there[name] = sys.modules[name]
            if name not in before:
                del sys.modules[name]

    def _look_up_files(self) -> None:
        """Do what the first traceback of a program does: it looks up the files of all modules, for a third of a short session."""
        aside = self._there.keys() - sys.modules.keys()
        sys.modules.update(self._there)
        inspect.getmodule(compile("", "nowhere.py", "exec"))
        for name in aside:
            del sys.modules[name]

    def begin(self) -> None:
        """Be as if imported now, by a program whose path is known."""
        if "xdist.plugin" in self._there:
            self._there["xdist.plugin"]._sys_path[:] = sys.path


PATTERNS = ("test_*.py", "*_test.py")
NO_RECURSION = ("*.egg", ".*", "_darcs", "build", "CVS", "dist", "node_modules", "venv", "{arch}")
"""What each session of pytest compares names with, if nothing else is said."""


def prepare_configs() -> None:
    """Make pytest's configuration up to its first argument: registering its own plugins takes a fourth of a short session."""
    from _pytest import config as module

    made = module.get_config
    ready = {blocked_by(words): made([*words]) for words in (LEAN, ())}

    def get_config(args: Any = None, plugins: Any = None, *, prog: "str | None" = None) -> Any:
        config = None if plugins or os.environ.get("PYTEST_DEBUG") else ready.pop(blocked_by(args or ()), None)
        if config is None:
            return made(args, plugins, prog=prog)
        config.invocation_params = config.InvocationParams(args=args or (), plugins=plugins, dir=Path.cwd())
        config._parser.prog = prog or Path(sys.argv[0]).name
        return config

    module.get_config = get_config


def blocked_by(words: "Iterable[Any]") -> "frozenset[str]":
    """The plugins that arguments of pytest turn off."""
    known = [*map(str, words)]
    said = [after for word, after in itertools.pairwise(known) if word == "-p"]
    said += [word.removeprefix("-p") for word in known if word.startswith("-p")]
    return frozenset(each.strip() for each in said if each.strip().startswith("no:"))


def narrow(modules: "Iterable[types.ModuleType]") -> None:
    """Let `dir` name hooks and fixtures only: pytest looks at all that it names, in each plugin at each start."""

    known: dict[type, list[str]] = {}

    def of_class(kind: type) -> "list[str]":
        if kind not in known:
            known[kind] = hooks_and_fixtures(vars(kind))
        return known[kind]

    def of_object(plugin: object) -> "list[str]":
        return [*vars(plugin), *(name for each in type(plugin).__mro__ for name in of_class(each))]

    for module in modules:
        module.__dir__ = hooks_and_fixtures(vars(module)).copy  # type: ignore[method-assign]
        for value in vars(module).values():
            own = isinstance(value, type) and value.__module__ == module.__name__
            if own and any(name.startswith("pytest_") for name in vars(value)):
                value.__dir__ = of_object
                for each in value.__mro__:
                    of_class(each)


def hooks_and_fixtures(scope: "Mapping[str, Any]") -> "list[str]":
    """What pytest takes from a plugin."""
    return [name for name, value in scope.items() if name.startswith("pytest_") or is_fixture(value)]


def is_fixture(value: Any) -> bool:
    """Whether it is a fixture, or wraps one: pytest complains of that."""
    from _pytest.fixtures import FixtureFunctionDefinition

    def reached(each: Any) -> bool:
        return isinstance(each, FixtureFunctionDefinition)

    return reached(inspect.unwrap(value, stop=reached))


def is_package(name: str) -> bool:
    """Whether a module has modules in it."""
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.submodule_search_locations is not None


def is_at(module: types.ModuleType, name: str, path: "Iterable[str] | None") -> bool:
    """Whether an import of the name from a package with this path finds the module's file."""
    if path is None:
        spec = importlib.machinery.PathFinder.find_spec(name)
        return spec is not None and spec.origin == module.__file__
    file = Path(module.__file__ or "")
    folder = file.parent.parent if hasattr(module, "__path__") else file.parent
    return [*map(str, path)] == [str(folder)]


class Ready(importlib.abc.Loader):
    """Gives a module that is there already."""

    def __init__(self, module: types.ModuleType) -> None:
        self._module = module

    def create_module(self, spec: object) -> types.ModuleType:
        return self._module

    def exec_module(self, module: types.ModuleType) -> None:
        """It was executed before."""


def remember_distributions() -> None:
    """Read what is installed once: pytest asks for all of it at each start."""
    known = {str(distribution._path): distribution for distribution in importlib.metadata.distributions()}  # type: ignore[attr-defined]
    for name in ("entry_points", "files", "metadata"):
        read: Any = getattr(importlib.metadata.Distribution, name).fget
        values = {path: read(distribution) for path, distribution in known.items()}

        def value(distribution: Any, read: Any = read, values: Any = values) -> Any:
            path = str(distribution._path)
            return values[path] if path in values else read(distribution)

        setattr(importlib.metadata.PathDistribution, name, property(value))
