import inspect
import re
import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / "kvcache.md", *sorted((DOCS / "kvcache").glob("*.md"))]


def blocks_of(page: Path) -> list[tuple[str, str]]:
    text = page.read_text(encoding="utf-8")
    return re.findall(r"^```(python|text)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in PAGES])
def test_the_examples_of_the_page_run(
    page: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    for language, block in blocks_of(page):
        if language == "python":
            exec(compile(block, str(page), "exec"), scope)
        else:
            printed = capsys.readouterr().out
            expected = re.escape(block).replace("…", "[0-9a-f]+")
            assert re.fullmatch(expected, printed), printed


def test_there_are_examples() -> None:
    assert sum(language == "python" for page in PAGES for language, _ in blocks_of(page)) >= 7


def test_the_transformer_decodes_under_memory_pressure_as_without_a_cache(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(DOCS / "kvcache" / "transformer.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert printed == "46 hits, 26 misses, 23 evictions\nlogits as without a cache: True\n"
    assert printed in (DOCS / "kvcache" / "transformer.md").read_text(encoding="utf-8")


def test_every_error_is_on_the_page_of_errors() -> None:
    page = (DOCS / "kvcache" / "reference.md").read_text(encoding="utf-8")
    import kvcache

    errors = {name for name in kvcache.__all__ if name.endswith("Error")}
    assert {name for name in errors if f"`{name}`" not in page} - {"KVCacheError"} == set()


def test_the_page_of_names_has_all_that_an_entry_can_do() -> None:
    import kvcache

    inside = {
        "can_show",
        "held",
        "is_copying",
        "is_idle",
        "is_ready",
        "lend",
    }  # of the manager, as are those that say so
    names = {name for name in dir(kvcache.KVCacheEntry) if not name.startswith("_")} - inside
    told = {
        name
        for name in names
        if not (inspect.getdoc(getattr(kvcache.KVCacheEntry, name)) or "").startswith("The manager's")
    }
    page = (DOCS / "kvcache" / "api.md").read_text(encoding="utf-8")
    listed = page[page.index("autoclass:: kvcache.KVCacheEntry") :]
    assert set(re.findall(r"\w+", listed[listed.index("members:") + 8 : listed.index("```")])) == told
