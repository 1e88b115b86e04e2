"""Describe the environment of a run."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from gates.portable.regular import open_text
from gates.results import Environment
from gates.run.versions import distributions


def describe_environment(variables: Mapping[str, str], record: Sequence[str], cores: int) -> Environment:
    """Interpreter, system, processor, tools; variables only if the config names them."""
    return Environment(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        system=_system(),
        machine=platform.machine(),
        cpu=_cpu(),
        cores=cores,
        tools=_tools(),
        variables={name: variables[name] for name in record if name in variables},
    )


def _system() -> str:
    about = os.uname() if hasattr(os, "uname") else None
    kernel = f"{about.sysname} {about.release}" if about else platform.platform()
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        name = ""
    return f"{name} ({kernel})" if name else kernel


def _cpu() -> str:
    try:
        with open_text("/proc/cpuinfo", errors="replace") as lines:
            for line in lines:
                if line.startswith(("model name", "Model")):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


def _tools() -> dict[str, str]:
    # Not by importlib.metadata, whose import takes as long as starting Python.
    installed = distributions(map(Path, sys.path))
    found: dict[str, str] = {name: installed[name] for name in ("kv-gates", "nox", "uv") if name in installed}
    try:
        git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=False).stdout
        found["git"] = git.removeprefix("git version").strip()
    except OSError:
        pass
    return found
