"""The text of a noxfile for a Python project, one session per tool that it uses. It is clean for linters and formatters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gates.planning.discover import TAG

if TYPE_CHECKING:
    from gates.starter.python_project import PythonProject, Source

_HEAD = '''"""The checklist: each session with the tag "gate" must pass before a merge."""

import nox

nox.options.default_venv_backend = "uv|virtualenv"
'''
_PROJECT = '\nPROJECT = nox.project.load_toml("pyproject.toml")\n'
Session = tuple[str, str, tuple[str, ...]]
"""Name, title and statements of a session."""


def noxfile(project: PythonProject) -> str:
    """The noxfile; empty if there is nothing to check."""
    sessions = list(_sessions(project))
    if not sessions:
        return ""
    text = "".join(map(_session, sessions))
    return _HEAD + (_PROJECT if "PROJECT" in text else "") + text


def _session(session: Session) -> str:
    name, title, statements = session
    body = "".join(f"    {statement}\n" for statement in statements)
    named = f'name="{name.rstrip("_")}", ' if name.endswith("_") else ""
    head = f'@nox.session({named}tags=["{TAG}"])\ndef {name}(session: nox.Session) -> None:'
    return f'\n\n{head}\n    """{title}"""\n{body}'


def _sessions(project: PythonProject) -> Iterator[Session]:
    tools = project.tools
    if project.installable:
        build = _run("python", "-m", "build", "--outdir", raw=("session.create_tmp()",))
        yield "build", "Build the sdist and the wheel.", (_install("build"), build)
    if "ruff" in tools:
        yield "lint", "Run the linter.", (_install(project.requirement("ruff")), _run("ruff", "check"))
    for tool, words, title in _CHECKERS:
        if tool in tools:
            yield tool, title, (_install(project.requirement(tool)), _run(*words))
    if project.ruff_formats:
        title = "Check that the formatter would change nothing."
        yield "format_", title, (_install(project.requirement("ruff")), _run("ruff", "format", "--check"))
    if "mypy" in tools:
        needed = _needed(project, project.for_types or project.for_tests, project.requirement("mypy"))
        also = (_install("nox"),) if project.mypy_reads_all else ()
        yield "types", "Check the types.", (*needed, *also, _run("mypy", *project.mypy_paths))
    if "pyright" in tools:
        needed = _needed(project, project.for_types or project.for_tests, project.requirement("pyright"))
        yield "types" if "mypy" not in tools else "pyright", "Check the types.", (*needed, _run("pyright"))
    if project.docs and project.for_docs:
        needed = _needed(project, project.for_docs, "sphinx")
        build = _run("sphinx-build", "-b", "html", project.docs, raw=("session.create_tmp()",))
        yield "docs", "Build the documentation.", (*needed, build)
    if "pytest" in tools:
        needed = _needed(project, project.for_tests, project.requirement("pytest"))
        yield "test", "Run the tests.", (*needed, _run("pytest", raw=("*session.posargs",)))


_CHECKERS = (
    ("flake8", ("flake8",), "Run the linter."),
    ("pylint", ("pylint", "--recursive=y", "."), "Run the linter."),
    ("black", ("black", "--check", "."), "Check that the formatter would change nothing."),
    ("isort", ("isort", "--check", "."), "Check the order of imports."),
)


def _needed(project: PythonProject, source: Source | None, tool: str) -> Iterator[str]:
    """Install the project, the requirements for the purpose, and the tool."""
    words = ["-e", "."] if project.installable else []
    raw: tuple[str, ...] = ()
    if source is not None and source.kind == "group":
        raw = (f"*nox.project.dependency_groups(PROJECT, {_text(source.name)})",)
    elif source is not None and source.kind == "extra" and project.installable:
        words = ["-e", f".[{source.name}]"]
    elif source is not None and source.kind == "file":
        words += ["-r", source.name]
    if not project.installable:
        words += [word for file in project.sources if file.name == "requirements.txt" for word in ("-r", file.name)]
    if source is None or tool not in source.requirements:
        words.append(tool)
    yield _install(*dict.fromkeys(words) if "-r" not in words else words, raw=raw)


def _install(*words: str, raw: tuple[str, ...] = ()) -> str:
    return f"session.install({_arguments(words, raw)})"


def _run(*words: str, raw: tuple[str, ...] = ()) -> str:
    return f"session.run({_arguments(words, raw)})"


def _arguments(words: tuple[str, ...], raw: tuple[str, ...]) -> str:
    return ", ".join([*map(_text, words), *raw])


def _text(text: str) -> str:
    """A string literal as formatters write it: in double quotes."""
    return json.dumps(text, ensure_ascii=False)
