"""`gates serve`: show the last runs of a project in a browser."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gates.serve.server import Server
from gates.serve.site import Site
from gates.storage.cache import Store
from gates.vcs.git import Git


def serve(
    root: Path, port: int, said: Callable[[str], None], wait: Callable[[], object] = lambda: threading.Event().wait()
) -> None:
    """Serve until the user ends it.

    Args:
        root: the project's folder.
        port: to listen on; 0 for a free one.
        said: shows a text.
        wait: until the end; an interruption is the usual one.

    Raises:
        EnvironmentProblem: the port is taken.
    """
    server = Server(Site(root.name, Store.of(root, Git.of(root))), port)
    with server.answering(), suppress(KeyboardInterrupt):
        said(f"the runs of {root.name}: {server.address}\n(Ctrl-C ends it)\n")
        wait()
