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
    (folder / "faster-start.md").write_text("- Starts faster.\n")
    return folder


def test_good_fragments_have_no_problems(folder: Path) -> None:
    (folder / "issue-12.1.md").write_text("- One.\n- Two.\n")
    assert fragment_problems(folder) == ()


@pytest.mark.parametrize(
    "name", ["Faster.md", "faster start.md", "faster_start.md", "faster.txt", "-faster.md", "a--b.md"]
)
def test_other_names_are_refused(folder: Path, name: str) -> None:
    (folder / name).write_text("- Text.\n")
    (found,) = fragment_problems(folder)
    assert name in found


@pytest.mark.parametrize("text", ["", "Text.\n", "# Heading\n"])
def test_a_fragment_is_a_list(folder: Path, text: str) -> None:
    (folder / "other.md").write_text(text)
    (found,) = fragment_problems(folder)
    assert "list" in found


class TestRelease:
    def test_moves_the_fragments_under_a_new_heading(self, folder: Path, tmp_path: Path) -> None:
        changelog = tmp_path / "CHANGELOG.md"
        changelog.write_text("# Changelog\n\n<!-- releases -->\n\n## 0.1\n\n- Old.\n")
        (folder / "b.md").write_text("- B.")
        removed = release(changelog, folder, "0.2 (2026-12-01)")
        assert changelog.read_text() == (
            "# Changelog\n\n<!-- releases -->\n\n## 0.2 (2026-12-01)\n\n- B.\n- Starts faster.\n\n## 0.1\n\n- Old.\n"
        )
        assert [path.name for path in removed] == ["b.md", "faster-start.md"]
        assert [path.name for path in folder.iterdir()] == ["README.md"]

    def test_refuses_to_release_nothing(self, folder: Path, tmp_path: Path) -> None:
        (folder / "faster-start.md").unlink()
        (tmp_path / "CHANGELOG.md").write_text("<!-- releases -->\n")
        with pytest.raises(ValueError, match="nothing to release"):
            release(tmp_path / "CHANGELOG.md", folder, "0.2")

    def test_refuses_a_changelog_without_the_mark(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "CHANGELOG.md").write_text("# Changelog\n")
        with pytest.raises(ValueError, match="releases"):
            release(tmp_path / "CHANGELOG.md", folder, "0.2")
        assert (folder / "faster-start.md").exists()
