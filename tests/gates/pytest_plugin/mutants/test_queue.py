from __future__ import annotations

from gates.pytest_plugin.mutants.order import Planted
from gates.pytest_plugin.mutants.queue import Queue


def fault(name: str, path: str = "a.py", line: int = 1) -> Planted:
    return Planted(name, path, line, 0, 1, "x", (line, 0))


def order_of(queue: Queue) -> list[str]:
    found = []
    while queue:
        found.append(queue.next().id)
    return found


def test_one_fault_of_a_line_is_tried() -> None:
    assert order_of(Queue([fault("1"), fault("2"), fault("3", line=2)], 7)) == ["1", "3"]


def test_a_few_of_a_file_come_before_those_of_others_and_the_rest_later() -> None:
    faults = [fault(str(line), line=line) for line in range(1, 5)] + [fault("b", "b.py")]
    assert order_of(Queue(faults, 2)) == ["1", "2", "b", "3", "4"]


def test_another_fault_of_the_line_takes_the_place_of_one_that_cannot_be_tried() -> None:
    queue = Queue([fault("1"), fault("2"), fault("3", line=2)], 7)
    assert queue
    assert queue.instead(queue.next())
    assert order_of(queue) == ["2", "3"]


def test_no_fault_takes_the_place_of_the_last_of_a_line() -> None:
    queue = Queue([fault("1"), fault("3", line=2)], 7)
    assert queue
    assert not queue.instead(queue.next())


def test_what_is_left_counts_lines() -> None:
    queue = Queue([fault("1"), fault("2"), fault("3", line=2), fault("4", line=3)], 2)
    assert queue.left() == 3
    assert queue
    queue.next()
    assert queue.left() == 2


def test_every_fault_counts_where_that_is_asked_for() -> None:
    queue = Queue([fault("1"), fault("2")], 1, every=True)
    assert queue.left() == 2
    assert order_of(queue) == ["1", "2"]


def test_a_line_whose_faults_were_noticed_has_another_turn_when_each_line_had_one() -> None:
    queue = Queue([fault("1"), fault("2"), fault("3"), fault("4", line=2), fault("5", line=2)], 7)
    found = []
    while queue:
        one = queue.next()
        found.append(one.id)
        if one.id != "4":  # it survives
            queue.noticed(one)
    assert found == ["1", "4", "2", "3"]
    assert queue.left() == 0


def test_a_further_turn_is_not_counted_as_left() -> None:
    queue = Queue([fault("1"), fault("2")], 7)
    assert queue
    queue.noticed(queue.next())
    assert queue.left() == 0
    assert order_of(queue) == ["2"]
