"""What git keeps of this project: texts that people wrote, small pictures, and no address of a registry."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST = 200_000
"""Bytes of a file: the largest ones are lists of requirements."""

PICTURE = 150_000
"""Bytes of a picture: those in docs/pictures are the only files that are no text."""

PNG = b"\x89PNG\r\n\x1a\n"

REGISTRIES = re.compile("|".join(map(re.escape, ("py" + "pi.org", "python" + "hosted.org", "registry." + "npmjs", "deb." + "debian.org", "download." + "pytorch"))))  # fmt: skip


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("this is no git repository")
    return [name for name in done.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def test_every_file_is_a_text_or_a_picture_of_a_reasonable_size_without_an_address_of_a_registry() -> None:
    problems = []
    for name in tracked():
        data = (ROOT / name).read_bytes()
        picture = name.startswith("docs/pictures/")
        if len(data) > (PICTURE if picture else MOST):
            problems.append(f"{name}: {len(data)} bytes")
        if picture and name.endswith(".png"):
            if not data.startswith(PNG):
                problems.append(f"{name}: no picture")
        elif b"\0" in data[:8000]:
            problems.append(f"{name}: no text")
        elif found := REGISTRIES.search(data.decode("utf-8", "replace")):
            problems.append(f"{name}: {found[0]}")
    assert problems == []
