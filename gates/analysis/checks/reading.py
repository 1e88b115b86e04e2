"""The files of one side: which hold tests, what each defines, and where a name of one comes from."""

from __future__ import annotations

import ast
import hashlib
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from gates.analysis.checks.trees import is_literal
from gates.analysis.reading import parse
from gates.vcs.git import kind_of_file

Function = ast.FunctionDef | ast.AsyncFunctionDef

_WORD = re.compile(r"[^\W\d]\w*")
_STRICT = re.compile(r"^[ \t]*filterwarnings[ \t]*=[\s\[]*[\"']?error\b(?!:)", re.MULTILINE)
SETTINGS = ("pyproject.toml", "pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg")
"""Files that may hold settings of pytest."""

_FILE = re.compile(r"(test_.*|.*_tests?)\.py")


def holds_tests(path: str) -> bool:
    """Whether pytest or unittest may find tests in a file with this name."""
    return bool(_FILE.fullmatch(posixpath.basename(path)))


def is_test_code(path: str) -> bool:
    """Whether a file belongs to the tests: it holds some, or helps them."""
    return kind_of_file(path) == "test" or holds_tests(path)


@dataclass(frozen=True)
class Module:
    """One file.

    Attributes:
        path: with `/`.
        tree: None if it is not Python.
    """

    path: str
    tree: ast.Module | None
    functions: dict[str, Function] = field(default_factory=dict)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    constants: dict[str, ast.expr] = field(default_factory=dict)
    loose: tuple[ast.stmt, ...] = ()

    @classmethod
    def of(cls, path: str, text: str) -> Module:
        """The module with this text."""
        tree = parse(text)
        made = cls(path, tree)
        if tree is not None:
            made.look_at(tree.body)
        return made

    def look_at(self, body: Iterable[ast.stmt]) -> None:
        """Note what statements define; the last definition of a name counts."""
        for node in body:
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    self.functions[node.name] = node
                case ast.ClassDef():
                    self.classes[node.name] = node
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self.constants[name] = value
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    self.constants[name] = value
                case ast.Import():
                    for alias in node.names:
                        name = alias.asname or alias.name.partition(".")[0]
                        self.imports[name] = alias.name if alias.asname else name
                case ast.ImportFrom():
                    front = self._from(node)
                    for alias in node.names:
                        self.imports[alias.asname or alias.name] = f"{front}.{alias.name}" if front else alias.name
                case ast.If() | ast.Try():
                    for part in ("body", "orelse", "finalbody"):
                        self.look_at(getattr(node, part, ()))
                    for handler in getattr(node, "handlers", ()):
                        self.look_at(handler.body)
                case _:
                    pass

    def _from(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        folder = self.path
        for _ in range(node.level):
            folder = posixpath.dirname(folder)
        return ".".join(part for part in (folder.replace("/", "."), node.module or "") if part)

    @cached_property
    def definitions(self) -> dict[str, tuple[str, frozenset[str]]]:
        """What others may use of the file: name → digest and the names in it; tests are left out."""
        each = {**self.constants, **self.classes, **self.functions}
        return {name: digest_of(node) for name, node in each.items() if not name.startswith(("test", "Test"))}


def digest_of(node: ast.AST) -> tuple[str, frozenset[str]]:
    """A digest of some code, and the names in it."""
    words = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            words.add(part.id)
        elif isinstance(part, ast.arg):
            words.add(part.arg)
        elif isinstance(part, ast.Attribute):
            words.add(part.attr)
        elif isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.isidentifier():
            words.add(part.value)  # `usefixtures("name")`
    text = ast.dump(node).encode("utf-8", "backslashreplace")
    return hashlib.sha256(text).hexdigest()[:16], frozenset(words)


class Side:
    """The files of base or head, each read once and only when something asks for it."""

    def __init__(self, texts: Mapping[str, str], other: Side | None = None) -> None:
        """Read these texts; what is the same on another side is not read twice."""
        self.texts = texts
        self._other = other
        self._modules: dict[str, Module | None] = {}
        self._by_name: dict[str, str] | None = None
        self._modules_of_code: dict[str, re.Pattern[str] | None] = {}
        self._homes: dict[ast.ClassDef, Module] = {}
        self.varying: dict[tuple[str, str], tuple[ast.expr, ast.expr]] = {}

    def value_of(self, name: str, module: Module) -> ast.expr | None:
        """The value of a constant of the test code that is not the same on both sides; None if it is, or is none."""
        both = self.both_of(name, module)
        return None if both is None else both[self._other is not None]

    def both_of(self, name: str, module: Module) -> tuple[ast.expr, ast.expr] | None:
        """The same, with the values of the base and of the head."""
        if not self.varying:
            return None
        if name in module.constants:
            return self.varying.get((module.path, name))
        there = self.found(module.imports[name]) if name in module.imports else None
        return None if there is None else self.varying.get((there[0].path, there[1]))

    def came(self, word: str) -> bool:
        """Whether a file of the code says a word that it did not say on the base: what is new was never compared."""
        said = re.compile(rf"\b{re.escape(word)}\b")
        was = self._other.texts if self._other is not None else self.texts
        code = [path for path in self.texts if path.endswith(".py") and not is_test_code(path)]
        return any(
            said.search(self.texts.get(path) or "") and not said.search(was.get(path) or "")
            for path in code
            if self.texts.get(path) != was.get(path)
        )

    def settle(self, owner: ast.ClassDef, module: Module) -> None:
        """Note the file of a class that tests of other files inherit from."""
        self._homes[owner] = module

    def home(self, owner: ast.ClassDef, otherwise: Module) -> Module:
        """The file of a class, if it was noted."""
        return self._homes.get(owner, otherwise)

    @cached_property
    def warnings_fail(self) -> bool:
        """Whether the settings of pytest make an error of each warning."""
        return any(_STRICT.search(self.texts.get(name) or "") for name in SETTINGS)

    def module(self, path: str) -> Module | None:
        """A file; None if it is not there, or not Python."""
        if path not in self._modules:
            text = self.texts.get(path) if path.endswith(".py") else None
            if self._other is not None and text is not None and text == self._other.texts.get(path):
                self._modules[path] = self._other.module(path)
                return self._modules[path]
            made = None if text is None else Module.of(path, text)
            self._modules[path] = None if made is None or made.tree is None else made
        return self._modules[path]

    def found(self, dotted: str) -> tuple[Module, str] | None:
        """The module that a dotted name is in, and its name there; only of test code."""
        front, _, name = dotted.rpartition(".")
        for path in (self._path(front), self._path(dotted)):
            module = self.module(path) if path and is_test_code(path) else None
            if module is not None:
                return module, name
        return None

    def production(self, dotted: str) -> tuple[Module, str] | None:
        """The same for production code."""
        front, _, name = dotted.rpartition(".")
        path = self._path(front)
        module = self.module(path) if path and not is_test_code(path) else None
        return None if module is None else (module, name)

    def plain(self, module: Module, text: str) -> str:
        """A text with what a test file takes from modules of production code named as if it were imported by name."""
        if module.path not in self._modules_of_code:
            names = [
                name for name, where in module.imports.items()
                if (path := self._path(where)) and not is_test_code(path)
            ]  # fmt: skip
            told = "|".join(map(re.escape, sorted(names)))
            self._modules_of_code[module.path] = re.compile(rf"(?<![\w.'\"])(?:{told})\.(?=[^\W\d])") if names else None
        prefix = self._modules_of_code[module.path]
        return text if prefix is None else prefix.sub("", text)

    def holds(self, dotted: str) -> bool:
        """Whether a dotted name, or the package that it is in, is one of the files."""
        first = dotted.partition(".")[0]
        return bool(self._path(dotted)) or any(
            part == first for path in self.texts for part in path.removesuffix(".py").split("/")[:3]
        )

    def _path(self, dotted: str) -> str:
        if not dotted:
            return ""
        if self._by_name is None:
            self._by_name = {}
            for path in self.texts:
                if path.endswith(".py"):
                    parts = path[:-3].removesuffix("/__init__").split("/")
                    for at in range(min(len(parts), 3)):  # below a folder on the search path, such as `src`
                        self._by_name.setdefault(".".join(parts[at:]), path)
        return self._by_name.get(dotted, "")

    def conftests(self, path: str) -> Iterator[Module]:
        """The conftest files that apply to a test file, the nearest first."""
        folder = posixpath.dirname(path)
        while True:
            module = self.module(f"{folder}/conftest.py" if folder else "conftest.py")
            if module is not None:
                yield module
            if not folder:
                return
            folder = posixpath.dirname(folder)


def varying(
    base: Side, head: Side, changed: Iterable[str]
) -> Iterator[tuple[tuple[str, str], tuple[ast.expr, ast.expr]]]:
    """The constants of test code that are written out on both sides, and differ: place → both values."""
    for path in changed:
        was, now = (side.module(path) if is_test_code(path) else None for side in (base, head))
        for name, value in was.constants.items() if was is not None and now is not None else ():
            other = now.constants.get(name) if now is not None else None
            if other is not None and _is_plain(value) and _is_plain(other) and ast.dump(value) != ast.dump(other):
                yield (path, name), (value, other)


def _is_plain(node: ast.expr) -> bool:
    """Whether a value is written out, or names classes, as `(ValueError, TypeError)` does."""
    if isinstance(node, ast.Tuple):
        return all(map(_is_plain, node.elts))
    return is_literal(node) or isinstance(node, ast.Name | ast.Attribute)


def words_in(node: ast.AST) -> Iterator[str]:
    """Names, attributes, and the words of strings."""
    for part in ast.walk(node):
        match part:
            case ast.Name(id=name):
                yield name.partition("§")[0]
            case ast.Attribute(attr=name):
                yield name
            case ast.Constant(value=str() as text):
                yield from (text,) if text.isidentifier() else _WORD.findall(text[:2000])
            case ast.keyword(arg=str() as name) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name):
                yield from name.split(".")
            case _:
                pass
