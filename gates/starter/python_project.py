"""The tools of a Python project, where their settings are, and what must be installed for each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from configparser import Error as ConfigError
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import msgspec

from gates.config.load import PROJECT_FILE
from gates.portable.regular import read_text
from gates.readers.toml import read_toml, table_at

_TEST_FILE = re.compile(r"(test_.*|.*_tests?)\.py")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_OF_TESTS = ("test", "tests", "testing")
_OF_WORK = ("dev", "develop", "development")
_OF_TYPES = ("types", "typing", "mypy", "typecheck")
_OF_DOCS = ("docs", "doc", "documentation")
_NO_PACKAGES = frozenset(
    {"tests", "test", "docs", "doc", "examples", "benchmarks", "scripts", "tools", "build", "dist"}
)


class Source(msgspec.Struct, frozen=True):
    """A source of requirements.

    Attributes:
        kind: a dependency group or an extra of `pyproject.toml` (or `setup.cfg`), or a file of requirements.
        name: of the group, the extra, or the file.
        requirements: its lines.
    """

    kind: str
    name: str
    requirements: tuple[str, ...] = ()


class PythonProject(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in a Python project.

    Attributes:
        tools: names of what it has settings or tests for.
        installable: pip can install it.
        sources: all sources of its requirements.
        mypy_paths: arguments of mypy; none if its settings name the files.
        mypy_reads_all: mypy also reads the noxfile.
        ruff_formats: ruff is its formatter.
        docs: folder with Sphinx's `conf.py`; empty for none.
    """

    tools: frozenset[str] = frozenset()
    installable: bool = False
    sources: tuple[Source, ...] = ()
    mypy_paths: tuple[str, ...] = ()
    mypy_reads_all: bool = False
    ruff_formats: bool = False
    docs: str = ""

    def source(self, names: tuple[str, ...]) -> Source | None:
        """The first place with one of these names, groups before extras before files."""
        for kind in ("group", "extra", "file"):
            for source in self.sources:
                if source.kind == kind and _purpose(source.name) in names:
                    return source
        return None

    @property
    def for_tests(self) -> Source | None:
        """What its tests need."""
        return self.source(_OF_TESTS) or self.source(_OF_WORK)

    @property
    def for_types(self) -> Source | None:
        """What its type checker needs."""
        return self.source(_OF_TYPES)

    @property
    def for_docs(self) -> Source | None:
        """What its documentation needs."""
        return self.source(_OF_DOCS)

    def requirement(self, tool: str) -> str:
        """The project's requirement for the tool, with its version; else its bare name."""
        for source in self.sources:
            for line in source.requirements:
                found = _NAME.match(line)
                if found and found[0].lower().replace("_", "-") == tool:
                    return line
        return tool


def look(root: Path) -> PythonProject | None:
    """What the folder contains; None if it is not a Python project."""
    project = read_toml(root / PROJECT_FILE)
    ini = {name: _ini(root / name) for name in ("setup.cfg", "tox.ini", "mypy.ini", ".mypy.ini")}
    signs = (PROJECT_FILE, "setup.py", "setup.cfg", "tox.ini", "pytest.ini", "requirements.txt")
    if not any((root / name).is_file() for name in signs) and not _has_tests(root):
        return None
    tools = frozenset(_tools(root, project.get("tool", {}), ini))
    files = _files_of_mypy(project, ini)
    paths = () if files else _code(root)
    return PythonProject(
        tools=tools,
        installable="build-system" in project
        or "project" in project
        or (root / "setup.py").is_file()
        or ini["setup.cfg"].has_section("metadata"),
        sources=tuple(_sources(root, project, ini["setup.cfg"])),
        mypy_paths=paths,
        mypy_reads_all="." in (*paths, *files),
        ruff_formats="ruff" in tools and _ruff_formats(root, project),
        docs=next((name for name in ("docs", "doc", "docs/source") if (root / name / "conf.py").is_file()), ""),
    )


def _ini(path: Path) -> RawConfigParser:
    parser = RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(read_text(path))
    except (OSError, ValueError, ConfigError):
        return RawConfigParser()
    return parser


_FILES = {
    "ruff.toml": "ruff",
    ".ruff.toml": "ruff",
    "mypy.ini": "mypy",
    ".mypy.ini": "mypy",
    ".flake8": "flake8",
    ".pylintrc": "pylint",
    "pylintrc": "pylint",
    ".isort.cfg": "isort",
    "pyrightconfig.json": "pyright",
    "pytest.ini": "pytest",
    ".pytest.ini": "pytest",
    "pytest.toml": "pytest",
}
_SECTIONS = {
    "setup.cfg": {"tool:pytest": "pytest", "flake8": "flake8", "mypy": "mypy", "isort": "isort"},
    "tox.ini": {"pytest": "pytest", "flake8": "flake8", "isort": "isort"},
}


def _tools(root: Path, tables: Any, ini: dict[str, RawConfigParser]) -> Iterator[str]:
    for name in ("ruff", "mypy", "black", "pytest", "pylint", "isort", "pyright"):
        if name in table_at(tables):
            yield name
    yield from (tool for name, tool in _FILES.items() if (root / name).is_file())
    for file, sections in _SECTIONS.items():
        yield from (tool for section, tool in sections.items() if ini[file].has_section(section))
    if _has_tests(root):
        yield "pytest"


def _has_tests(root: Path) -> bool:
    folders = (root, root / "tests", root / "test", root / "src")
    return any(
        _TEST_FILE.fullmatch(path.name)
        for folder in folders
        if folder.is_dir()
        for path in (folder.rglob("*.py") if folder != root else folder.glob("*.py"))
    )


def _sources(root: Path, project: dict[str, Any], setup: RawConfigParser) -> Iterator[Source]:
    groups = table_at(project, "dependency-groups")
    for name in groups:
        yield Source("group", name, tuple(_of_group(groups, name)))
    for name, lines in table_at(project, "project", "optional-dependencies").items():
        yield Source("extra", name, _texts(lines))
    if setup.has_section("options.extras_require"):
        for name, value in setup.items("options.extras_require"):
            yield Source("extra", name, tuple((value or "").split()))
    for path in sorted(
        [*root.glob("*requirements*.txt"), *(root / "requirements").glob("*.txt"), *root.glob("docs/requirements.txt")]
    ):
        name = path.relative_to(root).as_posix()
        yield Source("file", name, tuple(_lines(path)))


def _of_group(groups: dict[str, Any], name: str, above: tuple[str, ...] = ()) -> Iterator[str]:
    for entry in groups.get(name) or ():
        included = entry.get("include-group") if isinstance(entry, dict) else None
        if isinstance(entry, str):
            yield entry
        elif isinstance(included, str) and included not in (*above, name):
            yield from _of_group(groups, included, (*above, name))


def _texts(lines: Any) -> tuple[str, ...]:
    return tuple(line for line in lines if isinstance(line, str)) if isinstance(lines, list) else ()


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in read_text(path).splitlines() if _NAME.match(line)]
    except (OSError, ValueError):
        return []


def _purpose(name: str) -> str:
    """The purpose of a group, an extra or a file of requirements: `requirements-test.txt` → `test`."""
    stem = name.rpartition("/")[2].removesuffix(".txt").lower()
    if name.startswith("docs/"):
        return "docs"
    return stem.replace("requirements", "").strip("-_.") or stem


def _files_of_mypy(project: dict[str, Any], ini: dict[str, RawConfigParser]) -> tuple[str, ...]:
    """What mypy checks according to its settings: files, packages or modules."""
    keys = ("files", "packages", "modules")
    own = table_at(project, "tool", "mypy")
    found = [own[key] for key in keys if key in own]
    parsers = [parser for parser in ini.values() if parser.has_section("mypy")]
    found += [parser.get("mypy", key) for parser in parsers for key in keys if parser.has_option("mypy", key)]
    return tuple(word for value in found for word in (_texts(value) or re.split(r"[\s,]+", str(value or ""))) if word)


def _code(root: Path) -> tuple[str, ...]:
    """The folder `src`, or packages at the top; the whole folder if there are none."""
    if (root / "src").is_dir():
        return ("src",)
    packages = sorted(path.parent.name for path in root.glob("*/__init__.py") if path.parent.name not in _NO_PACKAGES)
    return tuple(packages) or (".",)


def _ruff_formats(root: Path, project: dict[str, Any]) -> bool:
    settings = [table_at(project, "tool", "ruff"), read_toml(root / "ruff.toml"), read_toml(root / ".ruff.toml")]
    if any("format" in table for table in settings):
        return True
    try:
        return "ruff-format" in read_text(root / ".pre-commit-config.yaml")
    except (OSError, ValueError):
        return False
