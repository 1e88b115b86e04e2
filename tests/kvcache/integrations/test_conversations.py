"""Whatever texts come, in whatever order, and however turns end: a session never has keys of another text than it is asked for."""

import random
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from kvcache import (
    SYSTEM_PAGE,
    ClosedError,
    InvalidSizeError,
    KVCacheManager,
    KVLayout,
    OutOfMemoryError,
    StaleEntryError,
)
from kvcache.integrations.conversations import Conversations, Reuse, Turn
from kvcache.integrations.saved_texts import SavedTexts

LAYOUT = KVLayout(layers=1, kv_heads=1, head_dim=SYSTEM_PAGE // 4, max_context=40, alignment=SYSTEM_PAGE)
"""A token takes a page, so that a few tokens are shared without a copy."""


def manager_of(*, pages: int = 400, blocks: int = 16) -> KVCacheManager:
    return KVCacheManager(LAYOUT, capacity_bytes=blocks * LAYOUT.block_bytes, memory_bytes=pages * SYSTEM_PAGE)


def keys_of(text: Iterable[int]) -> npt.NDArray[np.float32]:
    """What a model would write: each token's number depends on all tokens before it."""
    numbers, state = list[int](), 1
    for token in text:
        state = (state * 31 + token + 7) % 1_000_003
        numbers.append(state)
    return np.array(numbers, np.float32)


def held(manager: KVCacheManager, session: str) -> npt.NDArray[np.float32]:
    entry = manager.get(session)
    return np.empty(0, np.float32) if entry is None else entry.key()[:, 0, 0, 0].copy()


def compute(manager: KVCacheManager, turn: Turn, text: list[int]) -> None:
    """Write what is missing up to the end of a text, as a model does."""
    entry = manager.get_or_create(turn.session)
    fresh = keys_of(text)[len(entry) :]
    if len(fresh):
        rows = np.broadcast_to(fresh[:, np.newaxis, np.newaxis, np.newaxis], (len(fresh), *LAYOUT.token_shape))
        entry.append(rows, rows)


def answer(conversations: Conversations, text: list[int], said: list[int], *, namespace: str = "") -> int:
    """A whole turn: compute the text, and all but the last token of what is said; return what was known."""
    with conversations.turn(text, namespace=namespace) as turn:
        known = turn.known
        np.testing.assert_array_equal(held(conversations.manager, turn.session), keys_of(text)[:known])
        for count in range(len(said)):
            compute(conversations.manager, turn, text + said[:count])
            turn.saw(text + said[: count + 1])
    return known


def test_a_conversation_goes_on_in_its_session() -> None:
    talk = Conversations(manager_of())
    assert answer(talk, [1, 2, 3], [4, 5]) == 0
    assert answer(talk, [1, 2, 3, 4, 5, 6, 7], [8, 9]) == 4
    assert talk.manager.sessions() == ("turn-1",)
    assert talk.statistics() == Reuse(requests=2, tokens=10, known=4)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        pytest.param([1, 2, 3, 4, 5, 6], 5, id="asked-again"),
        pytest.param([1, 2, 3, 4, 9, 9, 9], 4, id="edited"),
        pytest.param([1, 2, 3], 2, id="shorter"),
        pytest.param([9, 2, 3, 4, 5, 6], 0, id="other-first-token"),
        pytest.param([1], 0, id="one-token"),
    ],
)
def test_another_text_begins_with_what_is_the_same_and_the_first_one_stays(text: list[int], known: int) -> None:
    talk = Conversations(manager_of())
    answer(talk, [1, 2, 3, 4, 5, 6], [7, 8, 9])
    assert answer(talk, text, [30, 31]) == known
    np.testing.assert_array_equal(held(talk.manager, "turn-1"), keys_of([1, 2, 3, 4, 5, 6, 7, 8]))
    assert len(talk.manager) == 2


def test_the_same_text_twice_at_once_has_two_sessions_and_is_computed_once() -> None:
    talk = Conversations(manager_of())
    text = [1, 2, 3, 4, 5]
    with talk.turn(text) as one:
        compute(talk.manager, one, text)
        one.saw([*text, 6])
        with talk.turn(text) as two:
            assert one.session != two.session
            assert two.known == 4
    assert answer(talk, [*text, 6], [7]) == 5


def test_a_turn_that_raises_leaves_what_it_has_computed() -> None:
    talk = Conversations(manager_of())

    def cancelled() -> None:
        with talk.turn([1, 2, 3]) as turn:
            compute(talk.manager, turn, [1, 2, 3])
            turn.saw([1, 2, 3, 4])
            compute(talk.manager, turn, [1, 2, 3, 4])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cancelled()
    assert answer(talk, [1, 2, 3, 4, 5], [6]) == 3  # of the last token it is not sure


def test_a_turn_that_computes_nothing_leaves_nothing() -> None:
    talk = Conversations(manager_of())
    with talk.turn([1, 2, 3]) as turn:
        talk.manager.get_or_create(turn.session)
    assert talk.manager.sessions() == ()


def test_drafts_that_may_be_others_than_what_was_chosen_are_taken_back() -> None:
    talk = Conversations(manager_of())
    with talk.turn([1, 2, 3]) as turn:
        compute(talk.manager, turn, [1, 2, 3])
        turn.saw([1, 2, 3, 4])
        compute(talk.manager, turn, [1, 2, 3, 4, 20, 21, 22])
    assert answer(talk, [1, 2, 3, 4, 20, 21, 22, 23], [6]) == 3


def test_a_model_that_was_given_something_else_is_found_out() -> None:
    talk = Conversations(manager_of())
    with talk.turn([1, 2, 3]) as turn:
        compute(talk.manager, turn, [1, 2, 3, 1, 2, 3])
        with pytest.raises(InvalidSizeError, match="expected at most the 3 tokens that were given to the model, got 6"):
            turn.saw([1, 2, 3, 4])


def test_a_draft_that_was_not_taken_back_is_refused_at_the_next_token() -> None:
    talk = Conversations(manager_of())
    with talk.turn([1, 2, 3]) as turn:
        compute(talk.manager, turn, [1, 2, 3])
        turn.saw([1, 2, 3, 4])
        compute(talk.manager, turn, [1, 2, 3, 4, 9])
        with pytest.raises(InvalidSizeError, match="expected at most the 4 tokens that were given to the model, got 5"):
            turn.saw([1, 2, 3, 4, 5])
    assert answer(talk, [1, 2, 3, 4, 5, 6], [7]) == 4


def test_a_listener_is_told_which_texts_are_known() -> None:
    told = list[object]()
    talk = Conversations(manager_of(), listener=told.append)
    answer(talk, list(range(1, 20)), [20])
    assert [type(event).__name__ for event in told] == ["BlockStored"]


def test_no_text_of_another_namespace_is_found() -> None:
    talk = Conversations(manager_of())
    answer(talk, [1, 2, 3], [4], namespace="a")
    assert answer(talk, [1, 2, 3], [4], namespace="b") == 0
    assert answer(talk, [1, 2, 3, 4], [5], namespace="a") == 3


@pytest.mark.parametrize("tokens", [pytest.param([], id="empty"), pytest.param([[1, 2]], id="batch")])
def test_what_is_no_text_is_refused(tokens: list[int]) -> None:
    with pytest.raises(InvalidSizeError):
        Conversations(manager_of()).turn(tokens)


def test_a_turn_cannot_begin_after_the_end() -> None:
    talk = Conversations(manager_of())
    talk.manager.close()
    with pytest.raises(ClosedError):
        talk.turn([1])


def test_what_is_known_but_cannot_be_had_is_computed_anew() -> None:
    talk = Conversations(manager_of(blocks=1))  # there is no place for a second session while the first is held
    answer(talk, [1, 2, 3], [4])
    with talk.manager.get_or_create("turn-1").pin(), talk.turn([1, 2, 5]) as turn:
        assert turn.known == 0


TOKENS = st.integers(0, 2)


class Texts(RuleBasedStateMachine):
    """Few different tokens, so that texts have much in common; little memory, so that sessions go; turns that overlap."""

    turns = Bundle("turns")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.texts: list[list[int]] = [[0]]
        self.open: dict[Turn, list[int]] = {}
        self.start()

    def start(self) -> None:
        self.manager = manager_of(pages=100, blocks=5)
        self.talk = Conversations(self.manager, saved=SavedTexts(self.folder.name, model="m"))

    @rule(
        target=turns,
        base=st.integers(0, 50),
        keep=st.integers(0, 30),
        more=st.lists(TOKENS, min_size=1, max_size=6),
        space=st.sampled_from(["", "b"]),
    )
    def begin(self, base: int, keep: int, more: list[int], space: str) -> object:
        """A text that begins as an earlier one: it goes on, was edited, or is the same."""
        text = ([] if space else self.texts[base % len(self.texts)])[:keep] + more
        if len(self.open) == 3:
            return multiple()
        try:
            turn = self.talk.turn(text, namespace=space).__enter__()
        except OutOfMemoryError:
            return multiple()
        assert turn.session not in {other.session for other in self.open}
        assert turn.known < len(text)
        np.testing.assert_array_equal(held(self.manager, turn.session), keys_of(text)[: turn.known])
        self.open[turn] = text
        return turn

    @rule(turn=turns, tokens=st.lists(TOKENS, min_size=1, max_size=3), draft=st.lists(TOKENS, max_size=2))
    def go_on(self, turn: Turn, tokens: list[int], draft: list[int]) -> None:
        text = self.open.get(turn)
        if text is None or len(text) > 30:
            return
        try:
            for token in tokens:
                compute(self.manager, turn, text)
                text.append(token)
                turn.saw(list(text))
            compute(self.manager, turn, text + draft)
            if draft and draft[0]:
                self.manager.get_or_create(turn.session).truncate(len(text) - 1)
            elif draft:  # they stay, as after an exception in the middle, which ends the turn
                self.end(turn)
        except OutOfMemoryError:
            self.end(turn)

    @rule(turn=turns)
    def end(self, turn: Turn) -> None:
        text = self.open.pop(turn, None)
        if text is not None:
            turn.__exit__(None, None, None)
            self.texts.append(text)

    @rule(number=st.integers(0, 10))
    def lose(self, number: int) -> None:
        idle = [name for name in self.manager.sessions() if name not in {turn.session for turn in self.open}]
        if idle:
            self.manager.evict(idle[number % len(idle)])

    @rule()
    def save(self) -> None:
        self.talk.save()

    @rule()
    def restart(self) -> None:
        self.talk.save()
        self.open.clear()
        self.manager.close()
        self.start()

    @invariant()
    def all_is_well(self) -> None:
        self.manager.check()

    def teardown(self) -> None:
        self.manager.close()
        self.folder.cleanup()


@pytest.mark.slow
def test_a_session_never_has_keys_of_another_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kvcache.integrations.saved_texts._WORTH", 2)
    monkeypatch.setattr("os.fsync", lambda _: None)  # no power fails here, and the disk would take most of the time
    run_state_machine_as_test(Texts, settings=settings(max_examples=30, stateful_step_count=40))


@pytest.mark.slow
def test_threads_that_work_save_and_interrupt_each_other_never_get_keys_of_another_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kvcache.integrations.saved_texts._WORTH", 2)
    monkeypatch.setattr("os.fsync", lambda _: None)
    talk = Conversations(manager_of(pages=300, blocks=10), saved=SavedTexts(tmp_path, model="m"))
    texts = [[0]]

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(100):
            text = chance.choice(texts)[: chance.randint(0, 25)] + chance.choices(range(3), k=chance.randint(1, 4))
            with suppress(OutOfMemoryError, KeyError, StaleEntryError), talk.turn(text) as turn:
                entry = talk.manager.get_or_create(turn.session)
                with entry.pin():
                    count = len(entry)
                    np.testing.assert_array_equal(held(talk.manager, turn.session), keys_of(text)[:count])
                    for token in chance.choices(range(3), k=chance.randint(1, 4)):
                        compute(talk.manager, turn, text)
                        text.append(token)
                        turn.saw(list(text))
                texts.append(text)
                if chance.random() < 0.1:
                    raise KeyError

    with ThreadPoolExecutor(5) as pool:
        works = [pool.submit(work, seed) for seed in range(4)]
        while not all(each.done() for each in works):
            talk.save()
            talk.manager.check()
    for each in works:
        each.result()
    assert talk.statistics().restored
    assert talk.statistics().known > 100
