from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.noxtools.fragments import fragment_problems, release

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "changelog.d"
    folder.mkdir()
    (folder / "README.md").write_text("How to write a fragment.\n")
    (folder / "faster-start.md").write_text("Changed: it starts\nfaster.\n")
    return folder


def test_good_fragments_have_no_problems(folder: Path) -> None:
    (folder / "issue-12.1.md").write_text("Added: one.\n\nFixed: two.\n")
    assert fragment_problems(folder) == ()


@pytest.mark.parametrize(
    "name", ["Faster.md", "faster start.md", "faster_start.md", "faster.txt", "-faster.md", "a--b.md"]
)
def test_other_names_are_refused(folder: Path, name: str) -> None:
    (folder / name).write_text("Added: text.\n")
    (found,) = fragment_problems(folder)
    assert name in found


@pytest.mark.parametrize("text", ["", "Text.\n", "Added:\n", "added: text\n", "Added: one.\n\nand more\n"])
def test_every_paragraph_begins_with_its_kind(folder: Path, text: str) -> None:
    (folder / "other.md").write_text(text)
    (found,) = fragment_problems(folder)
    assert "Added, Changed" in found


class TestRelease:
    def test_moves_the_fragments_under_a_new_heading_by_kind(self, folder: Path, tmp_path: Path) -> None:
        changelog = tmp_path / "CHANGELOG.md"
        changelog.write_text("# Changelog\n\n<!-- releases -->\n\n## 0.1\n\n- Old.\n")
        (folder / "b.md").write_text("Fixed: a leak.\n\nAdded: a command.")
        removed = release(changelog, folder, "0.2 (2026-12-01)")
        assert changelog.read_text() == (
            "# Changelog\n\n<!-- releases -->\n\n## 0.2 (2026-12-01)\n"
            "\n### Added\n\n- A command.\n"
            "\n### Changed\n\n- It starts\n  faster.\n"
            "\n### Fixed\n\n- A leak.\n"
            "\n## 0.1\n\n- Old.\n"
        )
        assert [path.name for path in removed] == ["b.md", "faster-start.md"]
        assert [path.name for path in folder.iterdir()] == ["README.md"]

    def test_refuses_to_release_nothing(self, folder: Path, tmp_path: Path) -> None:
        (folder / "faster-start.md").unlink()
        (tmp_path / "CHANGELOG.md").write_text("<!-- releases -->\n")
        with pytest.raises(ValueError, match="nothing to release"):
            release(tmp_path / "CHANGELOG.md", folder, "0.2")

    @pytest.mark.parametrize(("changelog", "fragment"), [("# Changelog\n", "Added: x."), ("<!-- releases -->\n", "x")])
    def test_refuses_what_is_malformed_and_changes_nothing(
        self, folder: Path, tmp_path: Path, changelog: str, fragment: str
    ) -> None:
        (tmp_path / "CHANGELOG.md").write_text(changelog)
        (folder / "other.md").write_text(fragment)
        with pytest.raises(ValueError, match=r"releases|other\.md"):
            release(tmp_path / "CHANGELOG.md", folder, "0.2")
        assert (tmp_path / "CHANGELOG.md").read_text() == changelog
        assert (folder / "faster-start.md").exists()
