from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from gates.noxtools.locks import Lock, problems, remake, tables_digest, with_header

PYPROJECT = """
[build-system]
requires = ["hatchling>=1"]
[project]
name = "sample"
description = "a sample"
requires-python = ">=3.11"
dependencies = ["click>=8"]
[dependency-groups]
test = ["pytest>=9"]
"""
HASH = "0" * 64
BODY = (
    f"click==8.1.7 \\\n    --hash=sha256:{HASH} \\\n    --hash=sha256:{HASH}\nsix==1.0 \\\n    --hash=sha256:{HASH}\n"
)
LOCK = Lock("test", groups=("test",), project=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "requirements").mkdir()
    write(tmp_path, BODY)
    return tmp_path


def write(root: Path, body: str) -> None:
    text = with_header(body, tables_digest(tomllib.loads(PYPROJECT)))
    (root / "requirements" / "test.txt").write_text(text)


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


class TestProblems:
    def test_a_lock_that_fits_has_none(self, root: Path) -> None:
        assert problems(root, [LOCK]) == ()

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("click>=8", "click>=8.1"),
            ("pytest>=9", "pytest>=9.1"),
            (">=3.11", ">=3.12"),
            ("hatchling>=1", "hatchling>=2"),
            ('test = ["pytest>=9"]', 'test = ["pytest>=9"]\nlint = ["ruff"]'),
        ],
    )
    def test_a_changed_dependency_table_makes_it_stale(self, root: Path, old: str, new: str) -> None:
        change(root / "pyproject.toml", old, new)
        (found,) = problems(root, [LOCK])
        assert found.startswith("requirements/test.txt: is stale")
        assert "nox -s lock" in found

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('"a sample"', '"another text"'),
            ('dependencies = ["click>=8"]', 'dependencies = [\n  "click>=8", # why\n]'),
            ("[build-system]", "[tool.other]\nkey = 1\n[build-system]"),
        ],
    )
    def test_other_changes_do_not(self, root: Path, old: str, new: str) -> None:
        change(root / "pyproject.toml", old, new)
        assert problems(root, [LOCK]) == ()

    def test_an_edit_by_hand_is_seen(self, root: Path) -> None:
        change(root / "requirements" / "test.txt", "click==8.1.7", "click==8.1.8")
        (found,) = problems(root, [LOCK])
        assert "edited by hand" in found

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("--index-url something\n", "an index"),
            ("-f folder\n", "an index"),
            (f"x @ https://example.org/x.whl --hash=sha256:{HASH}\n", "an index"),
            ("bare==1.0\n", "bare==1.0 has no hash"),
        ],
    )
    def test_addresses_and_missing_hashes_are_refused(self, root: Path, line: str, expected: str) -> None:
        write(root, BODY + line)
        (found,) = problems(root, [LOCK])
        assert expected in found

    def test_missing_headless_and_unknown_files_are_named_together(self, root: Path) -> None:
        (root / "requirements" / "lint.txt").write_text(BODY)
        (root / "requirements" / "old.txt").write_text("")
        found = problems(root, [LOCK, Lock("lint"), Lock("docs")])
        assert [text.split(":")[0] for text in found] == [
            "requirements/lint.txt",
            "requirements/docs.txt",
            "requirements/old.txt",
        ]


class TestRemake:
    def test_writes_what_then_fits(self, root: Path) -> None:
        (root / "requirements" / "test.txt").unlink()
        commands: list[tuple[str, ...]] = []

        def resolver(words: tuple[str, ...]) -> None:
            commands.append(words)
            assert not Path(words[-1]).exists()
            Path(words[-1]).write_text(BODY)

        remake(root, [LOCK], (3, 11), resolver)
        assert problems(root, [LOCK]) == ()
        (words,) = commands
        assert words[-2] == "--output-file"
        assert {"--universal", "--generate-hashes", "--no-header", "pyproject.toml"} <= set(words)
        assert words[words.index("--python-version") + 1] == "3.11"

    @pytest.mark.parametrize("upgrade", [False, True])
    def test_shows_the_resolver_the_versions_locked_so_far_unless_told_to_upgrade(
        self, root: Path, upgrade: bool
    ) -> None:
        seen: list[bool] = []

        def resolver(words: tuple[str, ...]) -> None:
            seen.append(Path(words[-1]).exists())
            Path(words[-1]).write_text(BODY)

        remake(root, [LOCK], (3, 11), resolver, upgrade=upgrade)
        assert seen == [not upgrade]

    def test_a_resolver_that_fails_half_way_changes_nothing(self, root: Path) -> None:
        before = (root / "requirements" / "test.txt").read_bytes()

        def resolver(words: tuple[str, ...]) -> None:
            if "other" in words[-1]:
                raise RuntimeError("no network")
            Path(words[-1]).write_text("changed==1\n")

        with pytest.raises(RuntimeError, match="no network"):
            remake(root, [LOCK, Lock("other")], (3, 11), resolver)
        assert (root / "requirements" / "test.txt").read_bytes() == before
        assert not (root / "requirements" / "other.txt").exists()


def test_the_resolution_and_the_groups_reach_the_command() -> None:
    words = Lock("low", groups=("a", "b"), resolution="lowest-direct").command((3, 9))
    assert words[words.index("--resolution") + 1] == "lowest-direct"
    assert [words[i + 1] for i, word in enumerate(words) if word == "--group"] == ["a", "b"]
    assert "pyproject.toml" not in words
