"""Forks Python programs from a process that has imported what they need; `tests.warm` starts it and asks.

`python -P warm_server.py SOCKET IMPORTS PATH`: a request is its length (8 bytes, with the three standard streams attached)
and JSON of `module`, `arguments`, `folder` and `environment`; the answers are the process's id, then its wait status.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import runpy
import socket
import sys


def load(names: "list[str]") -> None:
    """Import modules; `name.*` also means all that is in it. What cannot be imported here is left to the program."""
    for name, everything in ((name.removesuffix(".*"), name.endswith(".*")) for name in names):
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}.") if everything else ():
            if not found.name.endswith("__main__"):
                with contextlib.suppress(ImportError):
                    importlib.import_module(found.name)


def serve(connection: socket.socket) -> "dict[str, object] | None":
    """Fork for each request, and return it in the child; None where nobody asks any more."""
    while True:
        head, streams, _, _ = socket.recv_fds(connection, 8, 3)
        if not head:
            return None
        size, text = int.from_bytes(head, "big"), b""
        while len(text) < size:
            text += connection.recv(size - len(text))
        child = os.fork()
        if not child:
            connection.close()
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
                os.close(stream)
            request: dict[str, object] = json.loads(text)
            return request
        for stream in streams:
            os.close(stream)
        connection.sendall(child.to_bytes(8, "big"))
        connection.sendall(os.waitpid(child, 0)[1].to_bytes(8, "big"))


def main() -> None:
    """Serve; in a child, be the program that was asked for."""
    _, number, imports, path = sys.argv
    ours = list(filter(None, path.split(os.pathsep)))
    with socket.socket(fileno=int(number)) as connection:
        sys.path[:0] = ours  # before anything is imported: another copy may be installed
        load(list(filter(None, imports.split(","))))
        gc.freeze()
        request = serve(connection)
    if request is None:
        return
    os.chdir(str(request["folder"]))
    environment: dict[str, str] = request["environment"]  # type: ignore[assignment]
    os.environ.clear()
    os.environ.update(environment)
    sys.dont_write_bytecode = bool(environment.get("PYTHONDONTWRITEBYTECODE"))
    front = ours or [str(request["folder"])]
    sys.path[: len(ours)] = [*front, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv = ["-m", *request["arguments"]]  # type: ignore[misc]
    runpy.run_module(str(request["module"]), run_name="__main__", alter_sys=True)


main()
