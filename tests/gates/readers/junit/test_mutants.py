"""Whatever is changed in a file of a real tool: no crash, and nothing is passed that a strict reader does not call so."""

from __future__ import annotations

import random
import xml.etree.ElementTree as ET

import pytest

from tests.gates.readers.junit.mutants import FILES, Seen, broken_promise, mutant, strictly


@pytest.mark.parametrize(
    ("number", "seed"), [(250, 1), pytest.param(2000, 2, marks=pytest.mark.slow)], ids=["some", "many"]
)
def test_no_mutant_of_a_sample_is_greener_than_it_is(number: int, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(number):
        name, content = mutant(chance)
        assert not broken_promise(content), f"{name}: {content.decode()}"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (
            "<testsuite failures='0'><testcase/><testcase status='crash'/><testcase><failed/></testcase></testsuite>",
            Seen(1, False),
        ),
        ("<testsuite failures='1'><testcase status='passed'/></testsuite>", Seen(1, True)),
        ("<testsuite><testcase><system-out><failure/></system-out></testcase></testsuite>", Seen(0, False)),
    ],
)
def test_the_other_reader_believes_nothing(text: str, seen: Seen) -> None:
    assert strictly(ET.fromstring(text)) == seen


def test_there_are_samples_to_change() -> None:
    assert len(FILES) >= 20
