"""Why a nox session could not install its packages: only messages of the installer about its environment count.

A branch that names a missing version, or one that cannot be built, fails. A package that no index has, an index
that cannot be reached and a full disk are not its fault. The messages count only in their place: in the output of an
installer whose command was the session's last, after the prefixes of its messages. A test that prints them is not an
installer.
"""

from __future__ import annotations

from gates.portable.patterns import lazy_pattern

_COLOUR = lazy_pattern(r"\x1b\[[0-9;]*m")
_FAILED = lazy_pattern(r"nox > Command (?P<command>[^\n]*) failed with exit code \d+:?")
_CLOSING = lazy_pattern(r"nox > Session [^\n]+ failed\.\s*\Z")
_INSTALLER = lazy_pattern(
    r"(?:\S*/)?(?:python[\d.]* -m )?(?:uv )?pip[\d.]* (?:install|download|sync)\b|(?:\S*/)?uv (?:sync|venv)\b"
    r"|(?:\S*/)?(?:conda|mamba|micromamba) (?:install|create|update)\b"
)
_OWN = lazy_pattern(r"\s*(?:nox > )?(?:error|cause|Caused by|ERROR|WARNING|╰─▶|├─▶|\u00d7)[: ]\s*(?P<words>\S.*)")
_BUILT = (
    *("build backend returned an error", "subprocess-exited-with-error", "metadata-generation-failed"),
    *("Failed to build", "Failed building"),
)
"""Messages for code of the project, or of a package, that ran and failed."""
_OF_THE_WORLD = (
    *("No space left on device", "Disk quota exceeded", "Read-only file system"),
    *("Failed to fetch", "tcp connect error", "dns error", "Connection refused", "connection broken by"),
    *("Temporary failure in name resolution", "Name or service not known", "Network is unreachable"),
    *("network was disabled", "network connectivity is disabled", "CondaHTTPError", "Could not fetch URL"),
    *("was not found in the package registry", "was not found in the provided package locations"),
    "from versions: none",
)


def install_trouble(tail: str) -> str:
    """Why packages could not be installed, if that is the environment's fault; else empty.

    Args:
        tail: the last lines of the session's log.
    """
    text = _COLOUR.sub("", tail)
    closing = _CLOSING.search(text)
    commands = [*_FAILED.finditer(text)]
    if closing is None or not commands or _INSTALLER.match(commands[-1]["command"]) is None:
        return ""
    command = commands[-1]
    said = text[command.end() : closing.start()]
    if not command[0].endswith(":"):  # its output was shown live: after the line that shows its start
        said = text[: command.start()].rpartition(f"nox > {command['command']}\n")[2] + said
    if any(words in said for words in _BUILT):
        return ""
    own = [match["words"] for line in said.splitlines() if (match := _OWN.match(line))]
    return next((words for sign in _OF_THE_WORLD for words in own if sign in words), "")
