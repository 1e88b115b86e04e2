"""The command reads or makes up a trace, and prints what would happen."""

import json
from pathlib import Path

import pytest

from kvcache.simulate import main


def test_it_makes_up_a_trace_and_compares_policies_sizes_and_tiers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace, svg = str(tmp_path / "t.jsonl"), tmp_path / "t.svg"
    words = [
        trace,
        "--policy",
        "lru",
        "--policy",
        "lfu",
        "--tier",
        "4GiB,0.01,2GiB",
        "--memory",
        "1GiB",
        "--memory",
        "2 GiB",
    ]
    assert main([*words, "--generate", "20", "--svg", str(svg)]) == 0
    table = capsys.readouterr().out
    assert table.count("lru + 4 GiB") == table.count("lfu + 4 GiB") == 2
    assert table.count("GiB   ") >= 8
    assert "an endless memory would have saved" in table
    assert svg.read_text().count("<svg") == 1
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found) == 8
    assert found[2]["store"] == {"capacity_bytes": 4 << 30, "latency": 0.01, "bytes_per_second": 2.0 * (1 << 30)}
    plain, tiered = found[0], found[2]
    assert tiered["saved_tokens"] >= plain["saved_tokens"]


def test_what_it_cannot_read_or_write_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nothing")]) == 2
    assert "nothing" in capsys.readouterr().err
    (tmp_path / "t").write_text("{}\n")
    assert main([str(tmp_path / "t")]) == 2
    assert capsys.readouterr().err.startswith(f"simulate: {tmp_path / 't'}:1: expected a session")
    assert main([str(tmp_path / "t"), "--generate", "3"]) == 2  # it does not write over a file
    assert (tmp_path / "t").read_text() == "{}\n"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--memory", "much"], id="size"),
        pytest.param(["--memory", "0"], id="nothing"),
        pytest.param(["--tier", "1GiB,x"], id="latency"),
        pytest.param(["--tier", "1GiB,-1"], id="negative"),
        pytest.param(["--tier", "1GiB,1,1,1"], id="too-much"),
        pytest.param(["--policy", "best"], id="policy"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["t", *words])
    assert caught.value.code == 2
