"""Commands for projects with other build tools than Python's: each is one that really checks something."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from gates.portable.regular import read_text


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A gate that is a plain command.

    Attributes:
        name: of the gate.
        command: its words, as a person writes them.
        title: one line.
        needs: gates that come before it.
        junit: a file with its results, which it writes.
    """

    name: str
    command: str
    title: str = ""
    needs: tuple[str, ...] = ()
    junit: str = ""


def commands_of(root: Path) -> dict[str, tuple[Command, ...]]:
    """Known build files → their gates. If two of them use a name, the tool's name is added in front."""
    found = {name: commands for name, look in _KINDS.items() if (root / name).is_file() and (commands := look(root))}
    if len(found) > 1:
        found.pop("Makefile", None)  # usually calls the others
    taken: set[str] = set()
    result: dict[str, tuple[Command, ...]] = {}
    for file, commands in found.items():
        names = {command.name for command in commands}
        prefix = f"{commands[0].command.split()[0].strip('./')}-" if names & taken else ""
        result[file] = tuple(
            msgspec.structs.replace(
                command, name=prefix + command.name, needs=tuple(prefix + need for need in command.needs)
            )
            for command in commands
        )
        taken |= {command.name for command in result[file]}
    return result


def _text(path: Path) -> str:
    try:
        return read_text(path, errors="replace")
    except OSError:
        return ""


def _cargo(root: Path) -> tuple[Command, ...]:
    locked = " --locked" if (root / "Cargo.lock").exists() else ""
    test = "nextest run --workspace --no-fail-fast" if (root / ".config/nextest.toml").exists() else ""
    return (
        Command(name="build", command=f"cargo build{locked} --workspace", title="Build"),
        Command(name="lint", command="cargo clippy --workspace --all-targets -- -D warnings", title="Clippy"),
        Command(name="format", command="cargo fmt --all -- --check", title="Format"),
        Command(name="docs", command=f"cargo doc{locked} --no-deps --workspace", title="Docs"),
        Command(name="test", command=f"cargo {test or 'test --workspace --no-fail-fast'}", title="Tests"),
    )


def _node(root: Path) -> tuple[Command, ...]:
    try:
        package: Any = json.loads(_text(root / "package.json"))
    except (ValueError, RecursionError):
        package = {}
    package = package if isinstance(package, dict) else {}
    given = package.get("scripts")
    scripts = {str(name): str(line) for name, line in given.items()} if isinstance(given, dict) else {}
    tool, install = _node_tool(root, str(package.get("packageManager") or ""))
    wanted = ("build", "lint", "typecheck", "type-check", "format:check", "test")
    found = [
        Command(name=name.replace(":", "-"), command=f"{tool} run {name}", title=scripts[name], needs=("install",))
        for name in wanted
        if name in scripts and "no test specified" not in scripts[name]
    ]
    if not found and (root / "tsconfig.json").exists():
        found = [Command(name="types", command="npx --no-install tsc --noEmit", title="Types", needs=("install",))]
    return (Command(name="install", command=install, title="Dependencies, as locked"), *found)


def _node_tool(root: Path, declared: str) -> tuple[str, str]:
    """The package manager, and how it installs what is locked."""
    for tool, lock, install in (
        ("pnpm", "pnpm-lock.yaml", "pnpm install --frozen-lockfile"),
        (
            "yarn",
            "yarn.lock",
            "yarn install --immutable" if (root / ".yarnrc.yml").exists() else "yarn install --frozen-lockfile",
        ),
        ("bun", "bun.lock", "bun install --frozen-lockfile"),
        ("npm", "package-lock.json", "npm ci"),
    ):
        if declared.startswith(f"{tool}@") or (root / lock).exists():
            return tool, install
    return "npm", "npm install --no-package-lock"


def _go(root: Path) -> tuple[Command, ...]:
    lint = any((root / f".golangci.{ending}").exists() for ending in ("yml", "yaml", "toml", "json"))
    return (
        Command(name="build", command="go build ./...", title="Build"),
        Command(name="lint", command="golangci-lint run" if lint else "go vet ./...", title="Lint" if lint else "Vet"),
        Command(name="test", command="go test ./...", title="Tests"),
    )


def _cmake(root: Path) -> tuple[Command, ...]:
    text = _text(root / "CMakeLists.txt")
    found = [
        Command(name="configure", command="cmake -S . -B build", title="Configure"),
        Command(name="build", command="cmake --build build --parallel", title="Build", needs=("configure",)),
    ]
    if re.search(r"(?i)^\s*(enable_testing|include\s*\(\s*CTest|add_test)\b", text, re.MULTILINE):
        test = "ctest --test-dir build --output-on-failure --no-tests=error --output-junit junit.xml"
        found.append(Command(name="test", command=test, title="Tests", needs=("build",), junit="build/junit.xml"))
    return tuple(found)


def _meson(root: Path) -> tuple[Command, ...]:
    found = [
        Command(name="configure", command="meson setup build --reconfigure", title="Configure"),
        Command(name="build", command="meson compile -C build", title="Build", needs=("configure",)),
    ]
    if re.search(r"(?m)^\s*(test|subdir)\s*\(", _text(root / "meson.build")):
        log = "build/meson-logs/testlog.junit.xml"
        found.append(Command(name="test", command="meson test -C build", title="Tests", needs=("build",), junit=log))
    return tuple(found)


def _maven(root: Path) -> tuple[Command, ...]:
    maven = "./mvnw" if (root / "mvnw").exists() else "mvn"
    tests = "**/target/surefire-reports/TEST-*.xml" if (root / "src/test").is_dir() else ""
    return (Command(name="verify", command=f"{maven} --batch-mode verify", title="Build and tests", junit=tests),)


def _gradle(root: Path) -> tuple[Command, ...]:
    gradle = "./gradlew" if (root / "gradlew").exists() else "gradle"
    return (Command(name="check", command=f"{gradle} check", title="Build and tests"),)


def _make(root: Path) -> tuple[Command, ...]:
    lines = _text(root / "Makefile").splitlines()
    rules = [line for line in lines if re.match(r"[^\t#.=:][^=:]*::?(?!=)", line)]
    targets = {target for line in rules for target in line.split(":")[0].split()}
    names = [name for name in ("build", "lint", "format-check", "docs", "check", "test") if name in targets]
    return tuple(Command(name=name, command=f"make {name}", title=f"make {name}") for name in names or ("all",))


_KINDS: dict[str, Callable[[Path], tuple[Command, ...]]] = {
    "Cargo.toml": _cargo,
    "package.json": _node,
    "go.mod": _go,
    "CMakeLists.txt": _cmake,
    "meson.build": _meson,
    "pom.xml": _maven,
    "build.gradle": _gradle,
    "build.gradle.kts": _gradle,
    "Makefile": _make,
}

BUILD_FILES = tuple(_KINDS)
"""Names of the files that identify a kind of project."""
