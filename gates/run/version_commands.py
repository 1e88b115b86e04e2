"""Which commands print the versions of the programs that a gate uses, and what they print. Pure.

Only programs that are known to print their version and do nothing else are asked; a project names others itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from gates.analysis.shell import Part, base_name, started_by, started_in_shell
from gates.portable.escapes import clean
from gates.portable.patterns import lazy_pattern

Words = tuple[str, ...]

_PYTHON = lazy_pattern(r"(?:python|pypy)[\d.]*(?:\.exe)?")
_WORD = lazy_pattern(r"[A-Za-z0-9][\w.+-]*")
_NOX = lazy_pattern(r"nox > (?P<command>\S.*)")

PYTHON_TOOLS = frozenset({
    "bandit", "basedpyright", "black", "coverage", "flake8", "hatch", "isort", "mkdocs", "mypy", "nox", "pdm", "pip", "poetry",
    "pre-commit", "pyflakes", "pylint", "pyright", "pytest", "py.test", "ruff", "sphinx-build", "tox", "twine", "uv", "vulture",
})  # fmt: skip
"""Programs of Python packages: all of them understand `--version`."""

_NODE_TOOLS = frozenset(
    {"biome", "eslint", "jest", "mocha", "playwright", "prettier", "stylelint", "tsc", "vitest", "webpack"}
)

_DASHED = frozenset({
    *PYTHON_TOOLS, *_NODE_TOOLS, "python", "actionlint", "bazel", "bun", "buf", "c++", "cargo", "cc", "clang", "clang++", "clang-format", "clang-tidy",
    "cmake", "composer", "cppcheck", "deno", "docker", "dotnet", "elixir", "g++", "gcc", "ghc", "golangci-lint", "julia", "just",
    "make", "meson", "mvn", "ninja", "node", "npm", "php", "pnpm", "podman", "protoc", "ruby", "rustc", "shellcheck", "shfmt", "stack",
    "swift", "terraform-docs", "yarn",
})  # fmt: skip
"""Programs that print their version for `--version`."""

_ASKED: Mapping[str, Words] = {
    **dict.fromkeys(("go", "helm", "zig"), ("version",)),
    **dict.fromkeys(("java", "javac", "xcodebuild"), ("-version",)),
}
"""Programs that print it for something else."""

_OTHERWISE: Mapping[str, Words] = {"ctest": ("cmake", "--version"), "gofmt": ("go", "version")}
"""Programs that have the version of another one."""

_BENEATH: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("cargo",), ("rustc",)),
    **dict.fromkeys(("npm", "npx", "pnpm", "yarn", *sorted(_NODE_TOOLS)), ("node",)),
    **dict.fromkeys(("mvn", "gradle", "sbt"), ("java",)),
    **dict.fromkeys(("bundle", "rake", "rspec", "rubocop"), ("ruby",)),
    **dict.fromkeys(("composer", "phpunit"), ("php",)),
    **dict.fromkeys(("mix",), ("elixir",)),
    "golangci-lint": ("go",),
}
"""Program → what it runs on, whose version matters as much."""

_CARGO = frozenset({"nextest", "clippy", "deny", "audit", "llvm-cov"})
"""Commands of cargo that have a version of their own."""

_FOLDER = lazy_pattern(r"[/\\]")
_TOOL = lazy_pattern(r"(?:^|[/\\])(?:bin|\.bin|Scripts)[/\\][^/\\]+\Z")
"""The path of an installed tool: a script of the project may do anything when it is asked."""


def version_commands(command: Sequence[str]) -> tuple[Words, ...]:
    """The commands to start for the versions of what a gate's command starts, in its order, each once."""
    return _unique(started_by(command))


def version_commands_of_session(lines: Iterable[str]) -> tuple[Words, ...]:
    """The same for the commands that nox printed. Python packages are left out: the session's environment shows them."""
    parts = [part for match in map(_NOX.match, lines) if match for part in started_in_shell(match["command"])]
    names = (*PYTHON_TOOLS, "python")
    return tuple(words for words in _unique(parts) if _plain(words[0]) not in names)


def _unique(parts: Iterable[Part]) -> tuple[Words, ...]:
    return tuple(dict.fromkeys(asked for part in parts for asked in _asked(part)))


def _asked(part: Part) -> Iterator[Words]:
    # What a runner starts is not what the same word starts without it.
    words = (part.runner,) if part.runner else part.words
    program, name = words[0], _plain(words[0])
    if _FOLDER.search(program) and not _TOOL.search(program):
        return
    chosen = words[1:2] if name == "cargo" and words[1:2] and words[1].startswith("+") else ()  # `cargo +nightly`
    for beneath in _BENEATH.get(name, ()):
        yield (beneath, *chosen, *_ASKED.get(beneath, ("--version",)))
    if name in _OTHERWISE:
        yield _OTHERWISE[name]
    elif name in _ASKED or name in _DASHED:
        yield (program, *chosen, *_ASKED.get(name, ("--version",)))
    more = words[1 + len(chosen) : 2 + len(chosen)]
    if name == "cargo" and more and more[0] in _CARGO:
        yield (program, *chosen, *more, "--version")
    if name == "python" and words[1:2] == ("-m",) and words[2:3] and words[2] in PYTHON_TOOLS:
        yield (program, "-m", words[2], "--version")


def _plain(program: str) -> str:
    name = base_name(program).removesuffix(".exe")
    return "python" if _PYTHON.fullmatch(name) else name


def program_name(command: Sequence[str]) -> str:
    """The name to show for what a version command asks: `cargo nextest`."""
    words = [word for word in command[1:] if _WORD.fullmatch(word) and word != "version"]
    if "-m" in command and words:
        return words[0]
    return " ".join((_plain(command[0]), *words))


def version_in(output: str, name: str) -> str:
    """The version in what a program printed: its first line with a number, without the program's name."""
    line = next((text for text in map(str.strip, clean(output).splitlines()) if re.search(r"\d", text)), "")
    names = "|".join(re.escape(one).replace(r"\ ", "[ -]") for one in dict.fromkeys((name, name.rpartition(" ")[2])))
    line = re.sub(rf"\A(?:{names})\b[,:]?\s+(?=.*\d)", "", line, flags=re.IGNORECASE)
    line = re.sub(r"\A(?:version:?\s+)?v?(?=\d)|\Aversion:?\s+", "", line, flags=re.IGNORECASE)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


LONGEST = 100
"""Characters of a version."""
