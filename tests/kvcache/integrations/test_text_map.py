"""The longest beginning is found among all texts, as a search of all of them finds it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvcache.integrations.text_map import TextMap
from kvcache.token_text import WIDTH, bytes_of, common

TEXTS = st.lists(st.lists(st.integers(-1, 2), min_size=1, max_size=6), max_size=12)

QUICK = settings(max_examples=60, deadline=None)


def of(texts: list[list[int]]) -> TextMap[str]:
    known: TextMap[str] = TextMap()
    for text in texts:
        if bytes_of(text) not in known.values:
            known.add(bytes_of(text), str(text))
    return known


@QUICK
@given(TEXTS, st.lists(st.integers(-1, 2), max_size=7))
def test_the_longest_is_as_long_as_a_search_of_all_finds_it(texts: list[list[int]], asked: list[int]) -> None:
    known, text = of(texts), bytes_of(asked)
    found, count = known.longest(text)
    assert count == max((common(each, text) for each in known.order), default=0)
    alike = [each for each in texts if common(bytes_of(each), text) == count]
    assert found in [str(each) for each in alike] if count else found is None
    if count and asked[:count] in texts:
        assert found == str(asked[:count])  # it is the smallest


@QUICK
@given(TEXTS, st.lists(st.integers(-1, 2), max_size=7))
def test_the_longest_whole_one_is_what_a_search_of_all_finds(texts: list[list[int]], asked: list[int]) -> None:
    known = of(texts)
    whole = [each for each in texts if asked[: len(each)] == each]
    longest = max(whole, key=len, default=None)
    assert known.whole(bytes_of(asked)) == ((str(longest), len(longest)) if longest else (None, 0))


@QUICK
@given(TEXTS)
def test_what_another_text_goes_on_with_is_known(texts: list[list[int]]) -> None:
    known = of(texts)
    expected = {bytes_of(one) for one in texts for other in texts if len(other) > len(one) and other[: len(one)] == one}
    assert known.continued() == expected


@QUICK
@given(TEXTS, st.data())
def test_texts_can_be_forgotten(texts: list[list[int]], data: st.DataObject) -> None:
    known = of(texts)
    if known.order:
        gone = data.draw(st.sampled_from(known.order))
        known.remove(gone)
        assert gone not in known.order
    assert known.order == sorted(known.values)
    assert all(len(text) % WIDTH == 0 for text in known.order)


def test_a_text_that_is_not_there_cannot_be_forgotten() -> None:
    known = of([[1]])
    with pytest.raises(KeyError):
        known.remove(bytes_of([2]))
    assert known.order == [bytes_of([1])]
