"""The words about a tree that changed say what to do where a gate made a file."""

from __future__ import annotations

from gates.run.witnesses.tree import changed_words


def test_a_new_file_comes_with_what_to_do_about_it() -> None:
    words = changed_words(["src/_version.py (new)"], ["build"])
    assert words == (
        "the subject changed while build ran: src/_version.py (new); if a gate generates files, let git ignore them,"
        " or name them in its `reports`"
    )


def test_an_edit_is_not_to_be_ignored() -> None:
    assert changed_words(["a.py"], ["fix"]) == "the subject changed while fix ran: a.py"
