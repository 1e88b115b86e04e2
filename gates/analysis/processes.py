"""Find the test files that start processes: no import shows what such a process runs.

A conftest.py that starts processes in a fixture does not affect tests that do not use that fixture. So files
are followed by imports, and the contents of a conftest.py are followed by name.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from gates.analysis.project import above, below
from gates.analysis.reading import Reading, parse

if TYPE_CHECKING:
    from gates.analysis.modules import Modules

_MODULES = frozenset({"subprocess", "pexpect"})
_FIXTURES = frozenset({"pytester", "testdir"})
_OF_OS = re.compile(r"system|popen|(exec|spawn|posix_spawn)\w*")
_OF_ASYNCIO = frozenset({"create_subprocess_exec", "create_subprocess_shell"})
_WORD = re.compile(rb"\w+")
_SUSPICIOUS = re.compile(rb"subprocess|pexpect|pytester|testdir|\bos\b")

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class StarterSearch:
    """Looks for the test-side files that may start any process.

    Args:
        modules: of the project.
        texts: of the test-side Python files.
        imports: the files that each file imports, without what a test file gets from conftest.py automatically.
        readings: of the files that were read, including each conftest.py.
    """

    def __init__(
        self,
        modules: Modules,
        texts: Mapping[str, bytes],
        imports: Mapping[str, AbstractSet[str]],
        readings: Mapping[str, Reading],
    ) -> None:
        self._modules = modules
        self._imports = imports
        self._readings = readings
        self._words = {path: frozenset(word.decode() for word in _WORD.findall(text)) for path, text in texts.items()}
        conftests = [path for path in texts if posixpath.basename(path) == "conftest.py"]
        # Those above come first: fixtures below use theirs.
        self._conftests = sorted(conftests, key=lambda path: (path.count("/"), path))
        self._trees = {
            path: parse(text) for path, text in texts.items() if path in conftests or _SUSPICIOUS.search(text)
        }
        self._starting = {path for path, tree in self._trees.items() if path not in conftests and tree and starts(tree)}
        self._offers: dict[str, frozenset[str]] = {}

    def found(self) -> frozenset[str]:
        """Follow imports, fixtures and imports again, until nothing is added."""
        size = -1
        while size != len(self._starting):
            size = len(self._starting)
            self._follow_imports()
            for path in self._conftests:
                self._look_into(path)
            self._follow_names()
        return frozenset(self._starting)

    def _follow_imports(self) -> None:
        """Add the test-side files that import one that starts processes; a conftest.py is examined by name."""
        importers: dict[str, set[str]] = {}
        for path, imported in self._imports.items():
            for file in imported:
                importers.setdefault(file, set()).add(path)
        waiting = list(self._starting)
        while waiting:
            for path in importers.get(waiting.pop(), ()):
                if path in self._words and path not in self._starting and path not in self._conftests:
                    self._starting.add(path)
                    waiting.append(path)

    def _look_into(self, conftest: str) -> None:
        tree = self._trees[conftest]
        if tree is None:
            return
        folders = set(above(conftest))
        upper = [
            names for path, names in self._offers.items() if posixpath.dirname(path) in folders and path != conftest
        ]
        names = _FIXTURES.union(*upper) | _bound(tree) | self._bound_to_starting(tree, conftest)
        definitions = [node for node in tree.body if isinstance(node, _Definition)]
        size = -1
        while size != len(names):
            size = len(names)
            names |= {name for node in definitions if _mentions(node, names) for name in _offered(node)}
        self._offers[conftest] = frozenset(names)
        if self._at_once(tree, names) or self._by_plugin(conftest) or self._by_import(conftest):
            folder = posixpath.dirname(conftest)
            self._starting |= {path for path in self._words if below(path, folder) and path not in self._conftests}

    def _bound_to_starting(self, tree: ast.Module, path: str) -> set[str]:
        """The names under which a file imports others that start processes."""
        found = set()
        package = posixpath.dirname(path).split("/")
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                start = package[: max(len(package) - node.level + 1, 0)] if node.level else []
                for alias in node.names:
                    name = ".".join(filter(None, (*start, node.module, alias.name)))
                    if self._modules.meant(name, path) & self._starting:
                        found.add(alias.asname or alias.name)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if self._modules.meant(alias.name, path) & self._starting:
                        found.add(alias.asname or alias.name.split(".")[0])
        return found

    @staticmethod
    def _at_once(tree: ast.Module, names: AbstractSet[str]) -> bool:
        """Whether a conftest.py starts processes for every test: at import, in hooks, or in autouse fixtures."""
        if "*" in names or any(_mentions(node, names, texts=False) for node in _run_by_import(tree.body)):
            return True
        return any(
            _mentions(node, names) and (node.name.startswith("pytest_") or _for_all(node))
            for node in tree.body
            if isinstance(node, _Definition)
        )

    def _by_plugin(self, conftest: str) -> bool:
        """Whether a plugin that a conftest.py names starts processes: its fixtures need no import."""
        reading = self._readings.get(conftest)
        names = reading.plugins if reading else ()
        return any(self._modules.meant(name, conftest) & self._starting for name in names)

    def _by_import(self, conftest: str) -> bool:
        """Whether something that a conftest.py imports starts processes when it is imported."""
        waiting, seen = [conftest], {conftest}
        while waiting:
            for path in self._imports.get(waiting.pop(), frozenset()) - seen:
                seen.add(path)
                tree = self._trees.get(path)
                if tree is not None and any(
                    _mentions(node, _bound(tree), texts=False) for node in _run_by_import(tree.body)
                ):
                    return True
                waiting.append(path)
        return False

    def _follow_names(self) -> None:
        """Add the files that mention a name of a conftest.py above, or import such a conftest.py."""
        for conftest, names in self._offers.items():
            own = names - _FIXTURES
            folder = posixpath.dirname(conftest)
            for path, words in self._words.items():
                if path in self._starting or path in self._conftests or not own:
                    continue
                asks = below(path, folder) and (own & words or "getfixturevalue" in words)
                if asks or conftest in self._imports.get(path, ()):
                    self._starting.add(path)


def starts_python(text: bytes) -> bool:
    """Whether a file of production code may start Python, which may import anything; `git` and the like do not count."""
    if b"executable" not in text or not _SUSPICIOUS.search(text):
        return False
    tree = parse(text)
    if tree is None or not starts(tree):
        return False
    python = "sys.executable"
    return any(isinstance(node, ast.Attribute) and ast.unparse(node) == python for node in ast.walk(tree))


def starts(tree: ast.Module) -> bool:
    """Whether a file has anything to do with starting processes: by import, by `os`, or by the fixtures for it."""
    return bool(_bound(tree)) or any(_mentions(node, _FIXTURES) for node in tree.body)


def _bound(tree: ast.Module) -> set[str]:
    """The names under which a file knows what starts processes."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known = [alias for alias in node.names if alias.name.split(".")[0] in _MODULES]
            found.update(alias.asname or alias.name for alias in known)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module in _MODULES:
            found.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module in {"os", "asyncio"}:
            known = [alias for alias in node.names if _OF_OS.fullmatch(alias.name) or alias.name in _OF_ASYNCIO]
            found.update(alias.asname or alias.name for alias in known)
    return found


def _mentions(node: ast.AST, names: AbstractSet[str], *, texts: bool = True) -> bool:
    """Whether a piece of code contains any of the names, as a name, an argument or (as for fixtures) a string."""
    for part in ast.walk(node):
        match part:
            case ast.Name(id=name) | ast.arg(arg=name) if name in names:
                return True
            case ast.Constant(value=str(name)) if texts and name in names:
                return True
            case ast.Attribute(value=ast.Name(id="os"), attr=name) if _OF_OS.fullmatch(name):
                return True
            case ast.Attribute(attr=name) if name in _OF_ASYNCIO:
                return True
            case _:
                pass
    return False


def _offered(node: _Definition) -> Iterator[str]:
    """The names by which others use a definition: its own, and the name given to a fixture."""
    yield node.name
    for decorator in node.decorator_list:
        for word in decorator.keywords if isinstance(decorator, ast.Call) else ():
            if word.arg == "name" and isinstance(word.value, ast.Constant):
                yield str(word.value.value)


def _for_all(node: _Definition) -> bool:
    words = (word.arg for call in node.decorator_list if isinstance(call, ast.Call) for word in call.keywords)
    return "autouse" in words


def _run_by_import(body: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    """The code that runs on import: no bodies of functions, and nothing that only type checkers see."""
    for node in body:
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Assign(targets=[ast.Name(id="pytest_plugins")]):
                pass
            case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                yield from _run_by_import(node.orelse)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from node.decorator_list
                yield from node.args.defaults
                yield from filter(None, node.args.kw_defaults)
            case ast.ClassDef():
                yield from node.decorator_list
                yield from _run_by_import(node.body)
            case _:
                yield node
