"""Read the imports of one Python file, without running it."""

from __future__ import annotations

import ast
import posixpath
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# Functions that import the module with a given name or path.
_IMPORTERS = frozenset({"import_module", "__import__", "run_module", "run_path", "importorskip"})
# Ways of importing that no reader can follow.
_LOADERS = frozenset({"spec_from_file_location", "SourceFileLoader", "resolve_name"})
_DYNAMIC = (_IMPORTERS | _LOADERS) - {"importorskip"}
# Functions that may get a module name in a string (`patch("a.b.c")`), and import nothing new for other arguments.
_NAMING = frozenset({"patch", "multiple", "dict", "setattr", "delattr"})

NOTEWORTHY = re.compile(
    rb"import_module|__import__|run_module|run_path|importorskip|spec_from_file_location|SourceFileLoader|resolve_name"
    rb"|import\s*\(?\s*\*|pytest_plugins|(?:patch|multiple|dict|setattr|delattr)\(\s*(?:target\s*=\s*)?[\"']"
)
"""A file without any of these has only plain `import` statements."""

_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


@dataclass(frozen=True)
class Reading:
    """What a file imports.

    Attributes:
        names: dotted names from the root or from a folder on the search path. Not each is a module: in `a.b.c`, what
            comes first may be a module and the rest its contents.
        below: packages any of whose modules may be imported.
        plugins: modules that the file names as plugins of pytest; in `names` too.
        anything: whether the file imports computed names, or cannot be read.
    """

    names: frozenset[str] = frozenset()
    below: frozenset[str] = frozenset()
    plugins: frozenset[str] = frozenset()
    anything: bool = False


UNREADABLE = Reading(anything=True)


def parse(text: bytes | str) -> ast.Module | None:
    """The syntax tree of a file; None if it is not Python for this interpreter."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the file's own business, such as an invalid escape
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def read_imports(tree: ast.Module | None, path: str) -> Reading:
    """What a file imports anywhere, including within functions and for type checkers.

    Args:
        tree: of the file.
        path: of the file from the root; relative imports start there.
    """
    if tree is None:
        return UNREADABLE
    nodes = list(ast.walk(tree))
    aliases = [alias for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names]
    # A bare name such as `run_path` is the function only if it was imported; a variable may have that name, too.
    known = {alias.asname or alias.name: alias.name for alias in aliases if alias.name in _IMPORTERS | _LOADERS}
    reader = _Reader(posixpath.dirname(path).replace("/", "."), {**known, "__import__": "__import__"})
    for node in nodes:
        reader.look_at(node)
    return reader.reading()


class _Reader:
    """Collects what the nodes of one file import."""

    def __init__(self, package: str, known: Mapping[str, str]) -> None:
        self._package = package
        self._known = known
        self._names: set[str] = set()
        self._below: set[str] = set()
        self._plugins: set[str] = set()
        self._anything = False
        self._called: set[int] = set()
        self._mentioned: set[int] = set()

    def reading(self) -> Reading:
        # An importing function that is passed on, rather than called with a string, may import anything.
        anything = self._anything or bool(self._mentioned - self._called)
        return Reading(
            names=frozenset(self._names | self._plugins),
            below=frozenset(self._below),
            plugins=frozenset(self._plugins),
            anything=anything,
        )

    def look_at(self, node: ast.AST) -> None:
        match node:
            case ast.Import():
                self._names.update(alias.name for alias in node.names)
            case ast.ImportFrom():
                self._from(node)
            case ast.Call():
                self._call(node)
            case ast.Name() | ast.Attribute() if self._function(node) in _DYNAMIC:
                self._mentioned.add(id(node))
            case ast.Assign(targets=targets, value=value):
                if any(isinstance(target, ast.Name) and target.id == "pytest_plugins" for target in targets):
                    self._plugins_of(value)
            case ast.AnnAssign(target=ast.Name(id="pytest_plugins"), value=ast.expr() as value):
                self._plugins_of(value)
            case _:
                pass

    def _function(self, node: ast.expr) -> str:
        """The name of a function in its module; empty if it is unknown or irrelevant."""
        match node:
            case ast.Attribute(attr=name):
                return name
            case ast.Name(id=name):
                return self._known.get(name, name if name in _NAMING else "")
            case _:
                return ""

    def _from(self, node: ast.ImportFrom) -> None:
        module = self._relative(node.level, node.module or "") if node.level else node.module or ""
        for alias in node.names:
            if alias.name == "*":
                self._below.add(module)  # `__all__` of a package may name its modules, and then they are imported
            self._names.update({module, _joined(module, alias.name)} - {""})

    def _relative(self, level: int, module: str) -> str:
        parts = self._package.split(".") if self._package else []
        return _joined(*parts[: max(len(parts) - level + 1, 0)], module)

    def _call(self, node: ast.Call) -> None:
        name = self._function(node.func)
        if name in _NAMING:
            named = [word.value for word in node.keywords if word.arg == "target"]
            first = next(iter((*node.args, *named)), None)
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and _DOTTED.fullmatch(first.value):
                self._names.add(first.value)
        elif isinstance(node.func, ast.Name) and node.func.id in ("exec", "eval"):
            self._executed(node.args[0] if node.args else None)
        elif name in _IMPORTERS:
            self._called.add(id(node.func))
            self._imported(node.args[0] if node.args else None, node)

    def _executed(self, code: ast.expr | None) -> None:
        """What `exec` runs: a literal string is read like the file, any other may import anything."""
        tree = parse(code.value.encode()) if isinstance(code, ast.Constant) and isinstance(code.value, str) else None
        if tree is None:
            self._anything = True
            return
        for node in ast.walk(tree):
            self.look_at(node)

    def _imported(self, what: ast.expr | None, call: ast.Call) -> None:
        """What a call such as `import_module(what)` imports."""
        match what:
            case ast.Constant(value=str(text)) if text.endswith(".py"):
                self._names.add(posixpath.normpath(text.removesuffix(".py")).replace("/", "."))
            case ast.Constant(value=str(text)) if text.startswith("."):
                self._anything |= not self._import_relative(text, call)
            case ast.Constant(value=str(text)):
                self._names.add(text)
            case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]) if text.rpartition(".")[0]:
                self._below.add(text.rpartition(".")[0])
            case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Add()) if text.rpartition(".")[0]:
                self._below.add(text.rpartition(".")[0])
            case _:
                self._anything = True

    def _import_relative(self, text: str, call: ast.Call) -> bool:
        """Whether it is known what `import_module(".x", …)` imports."""
        anchors = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "package")]
        level = len(text) - len(text.lstrip("."))
        match anchors:
            case [ast.Name(id="__package__")]:
                self._names.add(self._relative(level, text[level:]))
            case [ast.Constant(value=str(package))]:
                parts = package.split(".")
                self._names.add(_joined(*parts[: max(len(parts) - level + 1, 0)], text[level:]))
            case _:
                return False
        return True

    def _plugins_of(self, value: ast.expr) -> None:
        texts = value.elts if isinstance(value, (ast.List, ast.Tuple, ast.Set)) else [value]
        for text in texts:
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                self._plugins.add(text.value)
            else:
                self._anything = True


def _joined(*parts: str) -> str:
    return ".".join(filter(None, parts))


def prefixes(names: Iterable[str]) -> frozenset[str]:
    """Every name with all its prefixes: for `a.b.c` also `a` and `a.b`."""
    found: set[str] = set()
    for name in names:
        parts = name.split(".")
        found.update(".".join(parts[:length]) for length in range(1, len(parts) + 1))
    return frozenset(found)
