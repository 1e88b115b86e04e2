import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "kvcache.md"


def test_the_examples_of_the_page_run(capsys: pytest.CaptureFixture[str]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(python|text)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    assert [language for language, _ in blocks].count("python") >= 2
    scope: dict[str, object] = {}
    for language, block in blocks:
        if language == "python":
            exec(compile(block, str(PAGE), "exec"), scope)
        else:
            assert capsys.readouterr().out == block
