from __future__ import annotations

from gates.render.stacks import folded

DUMP = """\
Timeout (0:00:03)!
Thread 0x00007f (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 320 in wait
  File "/usr/lib/python3.11/threading.py", line 629 in wait
  File "/home/ada/p/app/pool.py", line 4 in take
  File "/home/ada/p/tests/test_pool.py", line 9 in test_take
  File "/home/ada/p/.nox/t/lib/python3.11/site-packages/_pytest/python.py", line 187 in pytest_pyfunc_call
  File "/home/ada/p/.nox/t/lib/python3.11/site-packages/pluggy/_execution.py", line 147 in _multicall
  File "/home/ada/p/.nox/t/lib/python3.11/site-packages/pluggy/_execution.py", line 147 in _multicall
  File "<frozen runpy>", line 88 in _run_code

Thread 0x00008f (most recent call first):
  File "/usr/lib/python3.11/selectors.py", line 468 in select""".splitlines()


def test_a_dump_shows_where_it_hangs_and_the_projects_frames_and_counts_the_rest() -> None:
    assert list(folded(DUMP, "tests/test_pool.py")) == [
        "Timeout (0:00:03)!",
        "Thread 0x00007f (most recent call first):",
        '  File "/usr/lib/python3.11/threading.py", line 320 in wait',
        "  … 1 frame of threading …",
        '  File "app/pool.py", line 4 in take',
        '  File "tests/test_pool.py", line 9 in test_take',
        "  … 4 frames of pytest, pluggy, runpy …",
        "",
        "Thread 0x00008f (most recent call first):",
        '  File "/usr/lib/python3.11/selectors.py", line 468 in select',
    ]


def test_paths_stay_as_they_are_if_the_project_is_not_known() -> None:
    assert '  File "/home/ada/p/app/pool.py", line 4 in take' in list(folded(DUMP))
