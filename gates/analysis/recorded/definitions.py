"""What the test code of one side defines, and which definitions use which: by words, without deciding what each word means."""

from __future__ import annotations

import ast
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cached_property

from gates.analysis.project import above
from gates.analysis.reading import parse, read_imports
from gates.analysis.recorded.sites import Function, flat, is_fixture

WHOLE = "*"
"""The name for what affects every test of a file: set-ups, marks, and fixtures that each test uses."""

_AROUND = re.compile(r"(setUp|tearDown|setup|teardown|asyncSetUp|asyncTearDown)\w*|pytestmark|pytest_\w+")
_WORD = re.compile(r"[^\W\d]\w*")

Code = tuple[str, ...]


class _File:
    """One file: its definitions by name, with their code, their words and their strings."""

    def __init__(self, path: str, tree: ast.Module) -> None:
        self.tree = tree
        self.code: dict[str, Code] = {}
        self._nodes: dict[str, list[ast.AST]] = defaultdict(list)
        self.tests: set[str] = set()
        self.imports = read_imports(tree, path).names
        self._read(tree.body, "")

    def _read(self, body: list[ast.stmt], front: str) -> None:
        for node in flat(body):
            if isinstance(node, ast.ClassDef):
                self._read(node.body, f"{front}{node.name}::")
                frame = [*node.bases, *node.keywords, *node.decorator_list]
                self._note(f"{front}{node.name}", *frame)
                continue
            if isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    source = ast.Constant(getattr(node, "module", ""))
                    self._note((alias.asname or alias.name).partition(".")[0], alias, source)
                continue
            for name in _names(node):
                self._note(f"{front}{WHOLE if _is_around(name, node) else name}", node)
                if isinstance(node, Function) and name.lower().startswith("test"):
                    self.tests.add(f"{front}{name}")

    def _note(self, name: str, *nodes: ast.AST) -> None:
        self.code[name] = (*self.code.get(name, ()), *map(ast.dump, nodes))
        self._nodes[name] += nodes

    @cached_property
    def words(self) -> dict[str, frozenset[str]]:
        """The words in each definition, and those in its strings."""
        found = {}
        for name, nodes in self._nodes.items():
            words = {word for node in nodes for part in ast.walk(node) for word in _words(part)}
            found[name] = frozenset(words)
        return found

    @cached_property
    def strings(self) -> dict[str, list[str]]:
        """The strings in each definition."""
        return {
            name: [
                part.value
                for node in nodes
                for part in ast.walk(node)
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            ]
            for name, nodes in self._nodes.items()
        }


def _names(node: ast.stmt) -> list[str]:
    """The names that a statement of a module or a class defines; `WHOLE` for one that does something else."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            named = [part.id for one in targets for part in ast.walk(one) if isinstance(part, ast.Name)]
            return named or [WHOLE]
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.AugAssign(target=ast.Name(id=name)):
            return [name]
        case ast.If() | ast.Try() | ast.With():
            return []  # what is in it counts
        case ast.Expr(value=ast.Constant()):
            return []
        case _:
            return [WHOLE]


def _is_around(name: str, node: ast.stmt) -> bool:
    if name == WHOLE or _AROUND.fullmatch(name):
        return True
    return (
        isinstance(node, Function)
        and is_fixture(node)
        and any(
            word.arg == "autouse" for one in node.decorator_list if isinstance(one, ast.Call) for word in one.keywords
        )
    )


def _words(part: ast.AST) -> Iterator[str]:
    match part:
        case ast.Constant(value=str() as text):
            yield from _WORD.findall(text[:2000])
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str() as name):
            yield name
        case ast.alias(name=name):
            yield from name.split(".")
        case _:
            pass


class Definitions:
    """The test code of one side. Each file is parsed once, and only if something asks for it.

    Args:
        texts: path → text.
    """

    def __init__(self, texts: Mapping[str, bytes]) -> None:
        self.texts = texts
        self._files: dict[str, _File | None] = {}
        self._reaching: dict[str, list[str]] = {}

    def _file(self, path: str) -> _File | None:
        if path not in self._files:
            text = self.texts.get(path)
            tree = None if text is None else parse(text)
            self._files[path] = None if tree is None else _File(path, tree)
        return self._files[path]

    def tree(self, path: str) -> ast.Module | None:
        """The syntax tree of a file; None if it is not there, or not Python."""
        file = self._file(path)
        return None if file is None else file.tree

    def of(self, path: str) -> Mapping[str, Code]:
        """The definitions of a file, by name."""
        file = self._file(path)
        return {} if file is None else file.code

    def tests(self, path: str) -> set[str]:
        """The test functions of a file, `Class::name`."""
        file = self._file(path)
        return set() if file is None else file.tests

    def conftests(self, path: str) -> list[str]:
        """The conftest files that apply to a file, without itself."""
        files = (posixpath.join(folder, "conftest.py") for folder in above(path))
        return [file for file in files if file in self.texts and file != path]

    def imported(self, path: str) -> set[str]:
        """The test code that a file imports."""
        file = self._file(path)
        names = () if file is None else file.imports
        return {found for name in names for found in self._named(name)}

    def _named(self, name: str) -> Iterator[str]:
        """The files that a dotted name may mean, from any folder on the search path."""
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            found = self._by_ending.get("/".join(parts[:length]))
            if found:
                yield from found
                return

    @cached_property
    def _by_ending(self) -> Mapping[str, list[str]]:
        """The files whose paths, without suffix, end with some parts: from `a/b.py`, `a/b` and `b`."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in self.texts:
            parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
            for at in range(len(parts)):
                found["/".join(parts[at:])].append(path)
        return found

    def using(self, path: str, name: str) -> Iterator[tuple[str, str]]:
        """The definitions that use one: in its own file, below its conftest, or in a file that names its module."""
        front, _, last = name.rpartition("::")
        for other in self._reached(path):
            # Its own file has its name once in any case; words are read only where one is.
            if (
                last != WHOLE
                and self.texts[other].count(last.encode()) <= (other == path)
                and not self._is_class(path, name)
            ):
                continue
            file = self._file(other)
            for known, words in () if file is None else file.words.items():
                if last == WHOLE:
                    uses = known.startswith(front) if other == path else not front and _is_conftest(path)
                else:
                    uses = last in words or (other == path and known.startswith(f"{name}::"))
                if uses and (other, known) != (path, name):
                    yield other, known

    def _is_class(self, path: str, name: str) -> bool:
        return any(known.startswith(f"{name}::") for known in self.of(path))

    def _reached(self, path: str) -> list[str]:
        """The files whose definitions may use those of a file; looked for once a file, whatever it defines."""
        if path not in self._reaching:
            folder, file = posixpath.split(path)
            module = (posixpath.basename(folder) if file == "__init__.py" else file[:-3]).encode()
            if _is_conftest(path):
                front = f"{folder}/" if folder else ""
                self._reaching[path] = [other for other in self.texts if other.startswith(front)]
            else:
                self._reaching[path] = [other for other, text in self.texts.items() if other == path or module in text]
        return self._reaching[path]

    def mentioning(self, path: str) -> Iterator[tuple[str, str]]:
        """The definitions that name a data file: itself, its folder, or a pattern that it matches."""
        folder, name = posixpath.split(path)
        near = posixpath.basename(folder)
        for other, text in self.texts.items():
            if not any(one.encode() in text for one in (name, near, "*") if one):
                continue
            file = self._file(other)
            for known, strings in () if file is None else file.strings.items():
                if any(_names_file(one, name, near) for one in strings):
                    yield other, known


def _is_conftest(path: str) -> bool:
    return posixpath.basename(path) == "conftest.py"


def _names_file(string: str, name: str, folder: str) -> bool:
    last = posixpath.basename(string)
    return last == name or string == folder or ("*" in last and last != "*" and fnmatchcase(name, last))
