"""Find the tests whose own code differs between a commit and the working tree."""

from __future__ import annotations

import ast
import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gates.analysis.reading import parse
from gates.portable.regular import read_bytes
from gates.vcs.git import Git, changed_files

# What pytest and unittest run around the tests of a class or a module.
_AROUND = frozenset(
    {
        *("setup", "teardown", "setUp", "tearDown", "asyncSetUp", "asyncTearDown", "setUpClass", "tearDownClass"),
        *(f"{when}_{what}" for when in ("setup", "teardown") for what in ("method", "class", "module", "function")),
        *("setUpModule", "tearDownModule"),
    }
)

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class ChangedTests:
    """The tests whose own code differs.

    Attributes:
        functions: ids without parameters, `path::Class::name`, paths relative to the project's root. They may name
            functions that are not tests.
        files: new files and those that cannot be read on either side: each test in them counts.
    """

    functions: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()


def changed_paths(git: Git, root: Path, merge_base: str) -> tuple[str, ...]:
    """The paths that differ between a commit and the working tree, with both names of what was renamed.

    Uncommitted changes count, and so do untracked files that git does not ignore.

    Args:
        git: the repository.
        root: the project's folder, which may be inside the repository's. Paths are relative to it; those of files
            outside of it begin with `../`.
        merge_base: the commit.
    """
    here = Git(root)
    changes = changed_files(git, git.tree(merge_base), git.worktree_tree())
    return tuple(sorted(_from_root(change.path, here.prefix) for change in changes))


def _from_root(path: str, prefix: str) -> str:
    return path.removeprefix(prefix) if path.startswith(prefix) else posixpath.relpath(path, prefix)


def changed_tests(git: Git, root: Path, merge_base: str, files: Sequence[str]) -> ChangedTests:
    """The tests whose own code differs between a commit and the working tree.

    A test's code is its function with decorators and docstring; of the classes around it (and their bases in the same
    file) everything but methods, and the methods that set up and tear down; and the module's `pytestmark`, set-up and
    tear-down. Comments and layout do not count, and neither does what a test calls.

    Args:
        git: the repository.
        root: the project's folder; `files` are relative to it.
        merge_base: the commit.
        files: the test files to look at.
    """
    prefix = Git(root).prefix
    old_names = _old_names(git, merge_base)
    differing = {file: old_names[prefix + file] for file in files if prefix + file in old_names}
    texts = _texts_at(git, merge_base, {old for old in differing.values() if old})
    functions: set[str] = set()
    whole: set[str] = set()
    for file, old in differing.items():
        before, now = _codes(texts.get(old)), _codes(_text(root / file))
        if before is None or now is None:
            whole.add(file)
        else:
            functions |= {f"{file}::{stem}" for stem, code in now.items() if before.get(stem) != code}
    return ChangedTests(frozenset(functions), frozenset(whole))


def _text(path: Path) -> bytes | None:
    try:
        return read_bytes(path)
    except OSError:
        return None


def _old_names(git: Git, merge_base: str) -> dict[str, str]:
    """The old name of each changed file of the working tree; empty for a new file."""
    trees = (git.tree(merge_base), git.worktree_tree())
    fields = iter(git.need("diff-tree", "-r", "-z", "-M", "--name-status", *trees).split("\0"))
    found = {}
    for status in fields:
        if status.startswith("R"):
            old = next(fields)
            found[next(fields)] = old
        elif status:
            path = next(fields)
            found[path] = "" if status.startswith("A") else path
    return found


def _texts_at(git: Git, commit: str, paths: Iterable[str]) -> dict[str, bytes]:
    """The text of files at a commit, read by one process for all of them."""
    asked = sorted(path for path in paths if "\n" not in path)
    question = "".join(f"{commit}:{path}\n" for path in asked).encode("utf-8", "surrogateescape")
    answer = git.run("cat-file", "--batch", stdin=question).stdout if asked else b""
    texts = {}
    for path in asked:
        head, _, answer = answer.partition(b"\n")
        about = head.rsplit(b" ", 2)
        if len(about) == 3 and about[1] == b"blob":
            size = int(about[2])
            texts[path], answer = answer[:size], answer[size + 1 :]
    return texts


def _codes(text: bytes | None) -> Mapping[str, tuple[str, ...]] | None:
    """The code of each function in a file, with the frame that it runs in, by id; None if the file is not Python."""
    tree = None if text is None else parse(text)
    if tree is None:
        return None
    frame = tuple(ast.dump(node) for node in _flat(tree.body) if _is_around(node) or _is_mark(node))
    codes: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for stem, code in _functions(tree.body, frame, {}):
        codes[stem] += code
    return codes


def _functions(
    body: Iterable[ast.stmt], frame: tuple[str, ...], outer: Mapping[str, ast.ClassDef]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each function of a body and of the classes in it, with its id there and its code."""
    nodes = list(_flat(body))
    classes = {**outer, **{node.name: node for node in nodes if isinstance(node, ast.ClassDef)}}
    for node in nodes:
        if isinstance(node, _Function):
            yield node.name, (*frame, ast.dump(node))
        elif isinstance(node, ast.ClassDef):
            family = _family(node, classes)
            around = (*frame, *(part for relative in family for part in _frame(relative)))
            # The nearest definition is the one that runs; the others cannot be told apart from it by name, so all count.
            inherited = [statement for relative in family for statement in relative.body]
            others = {name: one for name, one in classes.items() if one not in family}
            for stem, code in _functions(inherited, around, others):
                yield f"{node.name}::{stem}", code
        else:
            yield from _made(node, frame, classes)


def _made(
    node: ast.stmt, frame: tuple[str, ...], classes: Mapping[str, ast.ClassDef]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The test of a class derived from another, as from a state machine: `TestPool = PoolMachine.TestCase`."""
    if not isinstance(node, ast.Assign):
        return
    used = {part.id for part in ast.walk(node.value) if isinstance(part, ast.Name)} & classes.keys()
    for target in node.targets:
        if used and isinstance(target, ast.Name):
            sources = (ast.dump(one) for name in sorted(used) for one in _family(classes[name], classes))
            yield f"{target.id}::runTest", (*frame, ast.dump(node), *sources)


def _family(node: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> list[ast.ClassDef]:
    """A class and its bases in the same file."""
    found = [node]
    for one in found:  # grows while it is walked
        names = {base.id for base in one.bases if isinstance(base, ast.Name)}
        found += [classes[name] for name in sorted(names) if name in classes and classes[name] not in found]
    return found


def _frame(node: ast.ClassDef) -> Iterator[str]:
    """The parts of a class that affect each of its tests."""
    for part in (*node.decorator_list, *node.bases, *node.keywords):
        yield ast.dump(part)
    for statement in _flat(node.body):
        if _is_around(statement) or not isinstance(statement, _Function | ast.ClassDef):
            yield ast.dump(statement)


def _flat(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body, including those under `if`, `try` and `with`."""
    for node in body:
        yield node
        if isinstance(node, (ast.If, ast.Try, ast.With)):
            for part in ("body", "orelse", "finalbody"):
                yield from _flat(getattr(node, part, ()))
            for handler in getattr(node, "handlers", ()):
                yield from _flat(handler.body)


def _is_around(node: ast.stmt) -> bool:
    """Whether a statement is a function that runs around tests: by its name, or as a fixture for all of them."""
    if not isinstance(node, _Function):
        return False
    calls = (decorator for decorator in node.decorator_list if isinstance(decorator, ast.Call))
    return node.name in _AROUND or any(word.arg == "autouse" for call in calls for word in call.keywords)


def _is_mark(node: ast.stmt) -> bool:
    match node:
        case ast.Assign(targets=targets):
            return any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in targets)
        case ast.AnnAssign(target=ast.Name(id="pytestmark")) | ast.AugAssign(target=ast.Name(id="pytestmark")):
            return True
        case _:
            return False
