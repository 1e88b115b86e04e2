"""Only regular files are read, whatever somebody else put where a file belongs."""

from __future__ import annotations

import ast
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import gates
from gates.portable.regular import NotRegular, open_file, open_text, read_bytes, read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOME = Path(gates.__file__).parent


def fifo(path: Path) -> None:
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.fsencode(path))


def link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("read", [open_file, open_text, read_bytes, read_text])
@pytest.mark.parametrize(
    ("make", "kind"),
    [(fifo, "a FIFO"), (unix_socket, "a socket"), (link_to_a_device, "a device"), (Path.mkdir, "a folder")],
)
def test_what_is_no_regular_file_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[Path], object],
    make: Callable[[Path], object], kind: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)  # the address of a socket must be short
    make(Path("thing"))
    with pytest.raises(NotRegular) as caught:
        read(Path("thing"))
    assert caught.value.strerror == f"is {kind}, not a regular file"
    assert caught.value.filename == "thing"


def test_a_fifo_that_took_the_place_of_a_file_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, pipe = tmp_path / "file", tmp_path / "pipe"
    file.write_text("")
    os.mkfifo(pipe)
    was = os.stat(file)  # noqa: PTH116
    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", lambda _path: was)
        with pytest.raises(NotRegular):
            open_file(pipe)


def test_files_are_read_with_one_kind_of_newline(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes("ä\r\nb\rc\n".encode())
    assert read_bytes(path) == "ä\r\nb\rc\n".encode()
    assert read_text(path) == "ä\nb\nc\n"
    with open_text(path) as lines:
        assert list(lines) == ["ä\n", "b\n", "c\n"]


def test_no_more_than_a_bound_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    os.truncate(path, 1 << 40)  # takes no space, and no memory that is there
    with pytest.raises(OSError, match="is larger than 1024 MiB"):
        read_bytes(path)


def test_what_the_system_tells_in_files_without_a_size_is_read() -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("no /proc")
    assert b"Pid:" in read_bytes("/proc/self/status")


OTHER_WAYS = {
    "run/event_writer.py": "a file of events that files/folders.py opened, which is a regular one",
    "files/folders.py": "by descriptor of an open folder, never through a link",
    "run/processes.py": "every process of the system, in /proc: one call for each",
    "run/keeper.py": "the same, in a program of its own",
    "pytest_plugin/execution/leaks.py": "the same, after every test",
    "noxtools": "the checklist of this repository reads its own files",
}
"""Who reads without `gates.portable.regular`, and why."""


def readers_of(text: str) -> Iterator[int]:
    """Lines that open a file to read."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        of = node.func.value if isinstance(node.func, ast.Attribute) else None
        by_method = name in ("read_bytes", "read_text") and of is not None
        words = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "mode")]
        modes = [word.value for word in words if isinstance(word, ast.Constant) and isinstance(word.value, str)]
        opens = name == "open" and not (isinstance(of, ast.Name) and of.id in ("os", "self"))
        writes = any(set(mode) & set("wax+") and set(mode) <= set("rwaxbt+") for mode in modes)
        flags = ast.unparse(node) if name == "open" and isinstance(of, ast.Name) and of.id == "os" else ""
        if by_method or (opens and not writes) or ("O_RDONLY" in flags and "O_DIRECTORY" not in flags):
            yield node.lineno


@pytest.mark.slow
def test_nothing_reads_files_in_another_way() -> None:
    found = [
        f"{path}:{line}"
        for file in sorted(HOME.rglob("*.py"))
        if (path := file.relative_to(HOME).as_posix()) != "portable/regular.py"
        and not path.startswith(tuple(OTHER_WAYS))
        for line in readers_of(file.read_text())
    ]
    assert not found, "use gates.portable.regular"


@pytest.mark.parametrize(
    "line",
    ["path.read_bytes()", "path.read_text('utf-8')", "open(path)", "path.open()", "path.open('rb')",
     "os.open(path, os.O_RDONLY)", "open(path, mode='r')"],
)  # fmt: skip
def test_each_other_way_would_be_found(line: str) -> None:
    assert list(readers_of(line)) == [1]
