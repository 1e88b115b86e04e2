"""A new process finds what an earlier one has saved, by the texts; what is damaged costs a prefill at most."""

from pathlib import Path

import pytest

from kvcache import SYSTEM_PAGE
from kvcache.integrations.conversations import Conversations
from kvcache.integrations.saved_texts import SavedTexts
from tests.kvcache.integrations.test_conversations import answer, keys_of, manager_of


def saved_in(folder: Path, *, model: str = "m") -> Conversations:
    return Conversations(manager_of(), saved=SavedTexts(folder, model=model))


def test_a_new_process_finds_the_sessions_by_their_texts(tmp_path: Path) -> None:
    before = saved_in(tmp_path)
    answer(before, [1, 2, 3, 4, 5], [6, 7])
    answer(before, [1, 2, 9], [8])
    assert before.save() == 2
    after = saved_in(tmp_path)
    assert answer(after, [1, 2, 3, 4, 5, 6, 7, 8], [9]) == 6
    assert answer(after, [1, 2, 9, 8], [9]) == 3
    assert answer(after, [5, 2, 9, 8], [9]) == 0
    assert after.statistics().restored == 2


def test_what_sessions_have_in_common_is_saved_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kvcache.integrations.saved_texts._WORTH", 2)
    before = saved_in(tmp_path)
    prompt = list(range(1, 25))
    texts = [[*prompt, 30 + number, 50] for number in range(6)]
    texts += [[*texts[0], 60 + number, 70] for number in range(3)]  # branches of a branch
    for text in texts:
        answer(before, text, [80, 81])
    answer(before, [5, 5, 5], [6, 7], namespace="b")
    before.save()
    (file,) = tmp_path.glob("*.safetensors")
    whole = sum(len(text) + 1 for text in texts) * 2 * SYSTEM_PAGE
    assert file.stat().st_size < whole / 3
    for order in (texts, texts[::-1]):
        after = saved_in(tmp_path)
        for text in order:
            assert answer(after, [*text, 80, 82], [83]) == len(text) + 1
        assert answer(after, [5, 5, 5, 6, 8], [9], namespace="b") == 4


def test_a_damaged_rest_costs_no_more_than_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kvcache.integrations.saved_texts._WORTH", 2)
    before = saved_in(tmp_path)
    prompt = list(range(1, 21))
    for number in (30, 40):
        answer(before, [*prompt, *range(number, number + 5)], [80])
    before.save()
    (file,) = tmp_path.glob("*.safetensors")
    content = file.read_bytes()
    place = content.index(keys_of([*prompt, *range(40, 45)])[22].tobytes() * 64)
    file.write_bytes(content[:place] + b"\1" + content[place + 1 :])
    after = saved_in(tmp_path)
    for _ in range(2):
        assert answer(after, [*prompt, *range(40, 45), 80], []) == 20
    assert answer(after, [*prompt, *range(30, 35), 80], []) == 25


def test_what_is_not_asked_for_outlives_two_more_restarts(tmp_path: Path) -> None:
    for number in range(6):
        talk = saved_in(tmp_path)
        answer(talk, [number, 1, 2, 3], [4])
        assert talk.save() == 1
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", *[".safetensors"] * 4]
    talk = saved_in(tmp_path)
    assert [answer(talk, [number, 1, 2, 3], [4]) for number in range(6)] == [0, 0, 3, 3, 3, 3]


def test_what_had_to_make_room_since_it_was_saved_comes_back(tmp_path: Path) -> None:
    talk = saved_in(tmp_path)
    answer(talk, [1, 2, 3], [4, 5])
    talk.save()
    answer(talk, [1, 2, 3, 4, 5], [6])
    talk.manager.clear()
    assert answer(talk, [1, 2, 3, 4, 5, 6], [7]) == 4
    assert answer(talk, [1, 2, 3, 4, 5, 6, 7], [8]) == 6


def test_saving_again_replaces_what_was_saved(tmp_path: Path) -> None:
    talk = saved_in(tmp_path)
    for number in range(4):
        answer(talk, list(range(1, 4 + number)), [4 + number])
        assert talk.save() == 1
    assert len(list(tmp_path.glob("*.safetensors"))) == 1


def test_sessions_of_other_weights_are_not_found(tmp_path: Path) -> None:
    talk = saved_in(tmp_path)
    answer(talk, [1, 2, 3], [4])
    talk.save()
    assert answer(saved_in(tmp_path, model="other"), [1, 2, 3], [4]) == 0


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="no-object"),
        pytest.param(b'{"seal": "", "content": {}}', id="no-seal"),
        pytest.param(b"\xff", id="no-text"),
    ],
)
def test_a_damaged_list_of_texts_is_as_if_there_were_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "texts.json").write_bytes(content)
    talk = saved_in(tmp_path)
    assert answer(talk, [1, 2, 3], [4]) == 0
    assert talk.save() == 1
    assert answer(saved_in(tmp_path), [1, 2, 3, 4], [5]) == 3


def test_a_changed_token_of_the_list_is_found(tmp_path: Path) -> None:
    talk = saved_in(tmp_path)
    answer(talk, [1, 2, 3], [4])
    talk.save()
    texts = tmp_path / "texts.json"
    changed = texts.read_text(encoding="utf-8").replace("[1, 2, 3]", "[1, 2, 5]")
    texts.write_text(changed, encoding="utf-8")
    assert answer(saved_in(tmp_path), [1, 2, 5], [4]) == 0


@pytest.mark.parametrize("damage", ["gone", "cut", "changed"])
def test_a_damaged_file_of_sessions_costs_a_prefill_at_most(tmp_path: Path, damage: str) -> None:
    talk = saved_in(tmp_path)
    text = list(range(1, 31))
    answer(talk, text, [31])
    talk.save()
    (file,) = tmp_path.glob("*.safetensors")
    content = file.read_bytes()
    if damage == "gone":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    else:
        middle = content.index(keys_of(text)[20].tobytes() * 64)
        file.write_bytes(content[: middle + 8] + b"\1" + content[middle + 9 :])
    assert answer(saved_in(tmp_path), [*text, 31], [32]) == {"gone": 0, "cut": 0, "changed": 20}[damage]


def test_files_of_others_stay(tmp_path: Path) -> None:
    others = [tmp_path / "sessions-mine.safetensors", tmp_path / "notes.txt"]
    for path in others:
        path.write_text("mine")
    talk = saved_in(tmp_path)
    for number in range(6):
        answer(talk, [number, 1], [2])
        talk.save()
    assert [path.read_text() for path in others] == ["mine"] * 2


def test_without_a_folder_nothing_is_saved() -> None:
    talk = Conversations(manager_of())
    answer(talk, [1, 2, 3], [4])
    assert talk.save() == 0


def test_a_session_that_is_worked_in_is_not_saved_and_one_that_is_saved_is_not_lost(tmp_path: Path) -> None:
    talk = saved_in(tmp_path)
    answer(talk, [1, 2, 3], [4])
    answer(talk, [5, 6, 7], [8])
    with talk.turn([1, 2, 3, 4]):
        assert talk.save() == 1
    after = saved_in(tmp_path)
    assert answer(after, [1, 2, 3, 4], [5]) == 0
    assert answer(after, [5, 6, 7, 8], [5]) == 3
