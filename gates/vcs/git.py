"""Queries to git: subjects, changed files, merge base. Never changes the working tree or the index of the user."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
from functools import cached_property
from pathlib import Path
from typing import Literal, TypedDict

from gates.files.fingerprint import folder_identity
from gates.files.temporary import scratch
from gates.portable.errors import EnvironmentProblem, UsageError
from gates.results import Changes, FileChange, Subject

# Set by git inside hooks; they would make every command use another repository or index.
_HOOK_VARIABLES = ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR")


def git_environment(**more: str) -> dict[str, str]:
    """The environment for a git command: untranslated, without locks, without variables of a hook."""
    environment = {key: value for key, value in os.environ.items() if key not in _HOOK_VARIABLES}
    return {**environment, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", **more}


STRICT = (
    *("-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false", "-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.trustctime=true", "-c", "core.checkStat=default", "-c", "core.safecrlf=false"),
)
"""Trust only the files, not caches that may be stale or flags that hide changes; run no hooks."""

_NO_FILTERS = ("-c", "core.autocrlf=false")
"""Exported files are read by programs, not edited, so they stay exactly as in the tree."""


OWN_FILES = ("index", "info/exclude", "info/attributes", "info/sparse-checkout", "config", "config.worktree")
"""Files of git's own folder that decide what git sees of a tree."""

_WHERE = (
    *("rev-parse", "--is-inside-work-tree", "--path-format=absolute", "--is-shallow-repository", "--git-common-dir"),
    *(word for name in OWN_FILES for word in ("--git-path", name)),
    "--show-prefix",
)
"""All asked at once: starting git costs more than its answers."""

_READ_BY_GIT = (".gitignore", ".gitattributes", ".mailmap")
"""Files that git always reads by itself."""


class Git:
    """The git repository that contains a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @staticmethod
    def of(folder: Path) -> Git | None:
        """The repository that contains `folder`; None if there is none or git is not installed.

        Raises:
            EnvironmentProblem: there is one, but it belongs to another user and git refuses to read it; or git would
                wait forever.
        """
        if shutil.which("git") is None:
            return None
        git = Git(folder)
        done = git.run(*_WHERE)
        if b"dubious ownership" in done.stderr:
            raise EnvironmentProblem(
                "git refuses to read this repository: another user owns it",
                place=str(folder),
                remedy=f"git config --global --add safe.directory {shlex.quote(str(folder))}",
            )
        if not done.stdout.startswith(b"true\n"):
            return None
        if done.returncode == 0:
            git._places = [*_text(done.stdout).split("\n"), ""]
        for name in _READ_BY_GIT:
            if (folder / name).is_fifo():
                raise EnvironmentProblem(
                    "is a FIFO, and git would wait forever to read it",
                    place=str(folder / name),
                    expected="a file",
                    remedy="remove it",
                )
        return git

    def run(
        self, *arguments: str, env: dict[str, str] | None = None, stdin: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """Run git in the folder; the caller checks the exit code."""
        return subprocess.run(
            ["git", "-C", str(self.folder), *arguments],
            input=stdin,
            capture_output=True,
            env=env or git_environment(),
            check=False,
        )

    def answer(self, *arguments: str, env: dict[str, str] | None = None) -> str:
        """The output of git, without surrounding line ends; empty if git fails."""
        done = self.run(*arguments, env=env)
        return _text(done.stdout) if done.returncode == 0 else ""

    def need(self, *arguments: str, env: dict[str, str] | None = None, stdin: bytes = b"") -> str:
        """The output of git, without surrounding line ends.

        Raises:
            EnvironmentProblem: git failed.
        """
        return _text(self.need_bytes(*arguments, env=env, stdin=stdin))

    def need_bytes(self, *arguments: str, env: dict[str, str] | None = None, stdin: bytes = b"") -> bytes:
        """The output of git as it is. Raises as `need`."""
        done = self.run(*arguments, env=env, stdin=stdin)
        if done.returncode != 0:
            raise EnvironmentProblem(
                f"git failed with exit code {done.returncode}",
                place=f"git {' '.join(arguments)}",
                got=done.stderr.decode("utf-8", "replace").strip(),
            )
        return done.stdout

    def listed(self, *arguments: str, env: dict[str, str] | None = None) -> list[str]:
        """The output of git with `-z`, as a list.

        Raises:
            EnvironmentProblem: git failed.
        """
        return [entry for entry in self.need(*arguments, env=env).split("\0") if entry]

    @cached_property
    def _places(self) -> list[str]:
        return [*self.need(*_WHERE).split("\n"), ""]

    @property
    def shallow(self) -> bool:
        """Whether the history is incomplete."""
        return self._places[1] == "true"

    @property
    def common_folder(self) -> Path:
        """The folder that all worktrees of the repository share."""
        return Path(self._places[2])

    @property
    def own_files(self) -> dict[str, Path]:
        """Where git keeps `OWN_FILES`."""
        return {name: Path(place) for name, place in zip(OWN_FILES, self._places[3:], strict=False)}

    @property
    def index(self) -> Path:
        """The file of the index."""
        return self.own_files["index"]

    @property
    def prefix(self) -> str:
        """The folder's path below the root of the working tree, with `/` at its end; empty for the root itself."""
        return self._places[3 + len(OWN_FILES)]

    def objects(self, *names: str) -> list[str]:
        """What each name stands for, asked at once; empty for each that stands for nothing."""
        words = "".join(name.replace("\n", " ") + "\n" for name in names)
        told = self.need("cat-file", "--batch-check=%(objectname)", stdin=words.encode("utf-8", "surrogateescape"))
        return ["" if " " in line else line for line in told.split("\n")]  # else `NAME missing`

    def commit(self, name: str) -> str:
        """The commit that `name` refers to; empty if there is none."""
        return self.answer("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")

    def need_commit(self, name: str, also: str = "") -> str:
        """The commit that `name` refers to.

        Args:
            name: of the commit.
            also: what else it is not, for the error message.

        Raises:
            UsageError: there is none.
        """
        found = self.commit(name)
        if not found:
            near = [line for line in self.answer("for-each-ref", "--format=%(refname:short)").splitlines() if line]
            remedy = "git fetch --unshallow" if self.shallow else f"known: {', '.join(near[:8]) or 'no branch yet'}"
            raise UsageError(f"no commit is named {name!r}{also}", place=str(self.folder), remedy=remedy)
        return found

    def export(self, tree: str, folder: Path, *paths: str) -> None:
        """Write the files of a tree into a folder, without touching index or working tree.

        Args:
            tree: its name.
            folder: created if missing.
            paths: pathspecs from the folder; all files of the tree if empty.

        Raises:
            EnvironmentProblem: git failed.
        """
        folder.mkdir(parents=True, exist_ok=True)
        index = folder.with_name(f"{folder.name}.index")
        env = git_environment(GIT_INDEX_FILE=str(index))
        self.need("read-tree", tree, env=env)
        names = self.need("ls-files", "-z", "--full-name", "--", *paths, env=env) if paths else ""
        words = ("checkout-index", "--quiet", f"--prefix={folder}/", *(("-z", "--stdin") if paths else ("--all",)))
        top = ("-C", "../" * self.prefix.count("/") or ".")  # git reads names relative to its working directory
        self.need(*top, *_NO_FILTERS, *words, env=env, stdin=names.encode("utf-8", "surrogateescape"))
        index.unlink(missing_ok=True)

    def tree(self, commit: str) -> str:
        """The tree of a commit."""
        return self.need("rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}")

    def head(self) -> tuple[str, str]:
        """Commit and tree of HEAD; before the first commit, nothing and the empty tree."""
        commit, tree = self.objects("HEAD^{commit}", "HEAD^{tree}")
        return (commit, tree) if commit and tree else ("", self.empty_tree())

    def empty_tree(self) -> str:
        """The empty tree: its name depends on the repository's hash function."""
        return self.need("hash-object", "-t", "tree", "--stdin")

    def worktree_tree(self) -> str:
        """The tree that committing everything not ignored would give.

        Uses a temporary index: `write-tree` reads only an index, and the user's must not change.
        """
        with scratch("index-") as folder:
            index = folder / "index"
            if self.index.exists():  # its cached file stamps make `add` fast
                # With its time: git checks files again that changed in the second in which the index was written.
                shutil.copy2(self.index, index)
            environment = git_environment(GIT_INDEX_FILE=str(index))
            self._look_everywhere(environment)
            self.need(*STRICT, "add", "-A", env=environment)
            return self.need("write-tree", env=environment)

    def _look_everywhere(self, environment: dict[str, str]) -> None:
        """Remove the flags from an index that make git ignore changed or missing files."""
        flagged: dict[str, list[str]] = {"assume-unchanged": [], "skip-worktree": []}
        for entry in self.listed("ls-files", "-v", "-z", "--full-name", env=environment):
            if entry[0].islower():
                flagged["assume-unchanged"].append(entry[2:])
            if entry[0] in "sS":
                flagged["skip-worktree"].append(entry[2:])
        if not any(flagged.values()):
            return
        top = self.folder.resolve().parents[len(Path(self.prefix).parts) - 1] if self.prefix else self.folder
        if self.answer("config", "--bool", "core.sparseCheckout") == "true":  # those are missing on purpose
            flagged["skip-worktree"] = [name for name in flagged["skip-worktree"] if os.path.lexists(top / name)]
        for flag, names in flagged.items():
            words = b"".join(os.fsencode(name) + b"\0" for name in names)
            Git(top).need(*STRICT, "update-index", f"--no-{flag}", "-z", "--stdin", env=environment, stdin=words)

    def has_dirty_submodules(self) -> bool:
        """Whether a submodule has content that its commit does not have: the tree names only that commit."""
        top = Path(os.path.abspath(self.folder / ("../" * self.prefix.count("/"))))  # noqa: PTH100 - links stay
        if not (top / ".gitmodules").is_file():
            return False
        told = self.answer(*STRICT, "status", "--porcelain=v2", "-z", "--ignore-submodules=none")
        kinds = [entry.split(" ")[2] for entry in told.split("\0") if entry[:2] in ("1 ", "2 ", "u ")]
        return any(kind[0] == "S" and kind[2:] != ".." for kind in kinds)

    def merge_base(self, one: str, other: str) -> str:
        """The best common ancestor; empty if there is none."""
        return self.answer("merge-base", "--end-of-options", one, other)

    def merge_bases(self, one: str, other: str) -> tuple[str, ...]:
        """All best common ancestors: several after merges in both directions, none for unrelated histories."""
        return tuple(self.answer("merge-base", "--all", "--end-of-options", one, other).split())


def subject_of_worktree(root: Path, git: Git | None, base: str = "") -> Subject:
    """The working tree in `root` as a subject; a folder without git is identified by its files.

    Args:
        root: the project's folder.
        git: its repository, if any.
        base: the name of the base; empty finds one. A base that exists neither locally nor on `origin` is ignored.
    """
    if git is None:
        return Subject(kind="folder", name=root.name, identity=folder_identity(root))
    tree = git.worktree_tree()
    head, head_tree = git.head()
    dirty = tree != head_tree or git.has_dirty_submodules()
    branch = git.answer("symbolic-ref", "--quiet", "--short", "HEAD")
    return Subject(
        kind="worktree",
        name="working tree",
        identity=f"git-tree:{tree}",
        commit=head,
        dirty=dirty,
        change_digest=_change_digest(git, head_tree, tree) if dirty else "",
        branch=readable(branch),
        **_base_fields(git, head, base),
    )


def subject_of_commit(
    git: Git, commit: str, name: str, base: str = "", kind: Literal["commit", "merge"] = "commit"
) -> Subject:
    """A commit, or the commit of a would-be merge, as a subject."""
    return Subject(
        kind=kind,
        name=name,
        identity=f"git-tree:{git.tree(commit)}",
        commit=commit,
        **_base_fields(git, commit, base),
    )


_REMOTE_HEAD = "refs/remotes/origin/HEAD"


class _Base(TypedDict, total=False):
    shallow: bool
    base: str
    base_commit: str
    merge_base: str


def _base_fields(git: Git, head: str, base: str) -> _Base:
    shallow = git.shallow
    name, commit = find_base(git, base)
    if not name or not head:
        return {"shallow": shallow}
    # In a shallow clone the true merge base may be missing, and git then silently names a wrong one.
    merge_base = "" if shallow else head if commit == head else git.merge_base(commit, head)
    return {"shallow": shallow, "base": name, "base_commit": commit, "merge_base": merge_base}


def find_base(git: Git, base: str) -> tuple[str, str]:
    """Name and commit of the base; empty if there is none. A clone for CI often has only `origin/…`.

    Args:
        git: the repository.
        base: its name in the config; without one, the branch that others probably start from.
    """
    names = (base, f"origin/{base}") if base else (_REMOTE_HEAD, "main", "master", "origin/main", "origin/master")
    for name, commit in zip(names, git.objects(*(f"{name}^{{commit}}" for name in names)), strict=True):
        short = git.answer("symbolic-ref", "--quiet", "--short", name) if commit and name == _REMOTE_HEAD else name
        if commit and short:
            return short, commit
    return "", ""


def _change_digest(git: Git, before: str, after: str) -> str:
    difference = git.run("diff-tree", "-p", "--binary", "--full-index", "--no-ext-diff", before, after).stdout
    return "sha256:" + hashlib.sha256(difference).hexdigest()


def changes_of(git: Git, subject: Subject) -> Changes | None:
    """The changes of the subject against its merge base; None if no merge base is known."""
    if not subject.merge_base:
        return None
    if subject.merge_base == subject.commit and not subject.dirty:
        return Changes(commits=(), files=())
    tree = subject.identity.removeprefix("git-tree:")
    log = git.answer(
        "log", "--no-show-signature", "--format=%h%x00%s", "--max-count=200", f"{subject.merge_base}..{subject.commit}"
    )
    commits = []
    for line in log.split("\n") if log else ():  # a title may contain other line separators
        short, _, title = line.partition("\0")
        commits.append((short, readable(title)))
    return Changes(commits=tuple(commits), files=changed_files(git, subject.merge_base, tree))


def changed_files(git: Git, before: str, after: str) -> tuple[FileChange, ...]:
    """Files that differ between two trees, with lines added and removed."""
    status = {}
    found = []
    fields = iter(git.need("diff-tree", "-r", "-z", "--no-renames", "--raw", "--numstat", before, after).split("\0"))
    for field in fields:
        if field.startswith(":"):
            status[next(fields)] = field.rsplit(" ", 1)[-1]
            continue
        added, _, rest = field.partition("\t")
        removed, _, path = rest.partition("\t")
        if not path:
            continue
        found.append(
            FileChange(
                path=readable(path),
                kind=kind_of_file(path),
                status=status.get(path, "M"),
                added=None if added == "-" else int(added),
                removed=None if removed == "-" else int(removed),
            )
        )
    return tuple(found)


def _text(told: bytes) -> str:
    return told.decode("utf-8", "surrogateescape").strip("\n")


def readable(text: str) -> str:
    """Text from git with bytes that are not UTF-8 spelled out, because JSON cannot contain them."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


_DOCS = (".md", ".rst", ".txt", ".adoc")
_REQUIREMENTS = r"(dev-|test-|docs-)?requirements.*\.(txt|in)$"
_CONFIG_NAMES = {"noxfile.py", "setup.py", "Makefile", "CMakeLists.txt", "Dockerfile"}
_CONFIG = (".toml", ".cfg", ".ini", ".yml", ".yaml", ".json", ".lock")


def kind_of_file(path: str) -> Literal["production", "test", "docs", "config"]:
    """Classify a path as production, test, docs or config, by its folders first, then by its name."""
    parts = path.split("/")
    folders, name = parts[:-1], parts[-1]
    if any(part in {"tests", "test", "testing", "__tests__", "spec"} for part in folders):
        return "test"
    if any(part in {"docs", "doc", "changelog.d"} for part in folders):
        return "docs"
    if any(part in {".github", ".ci", "requirements"} for part in folders):
        return "config"
    return _kind_of_name(name)


def _kind_of_name(name: str) -> Literal["production", "test", "docs", "config"]:
    stem = name.rsplit(".", 1)[0]
    if stem.startswith("test_") or stem.endswith(("_test", ".test", ".spec")) or name == "conftest.py":
        return "test"
    if name.startswith(".") or name.endswith(_CONFIG) or name in _CONFIG_NAMES or re.match(_REQUIREMENTS, name):
        return "config"
    if name.endswith(_DOCS) or name in {"LICENSE", "README"}:
        return "docs"
    return "production"
