"""A check may move into another form of the same value, if that says as much."""

from __future__ import annotations

import pytest

from gates.analysis.checks.weaker import weaker_checks


@pytest.mark.parametrize(
    ("before", "after", "fires"),
    [
        ("r = f(1)\n    assert len(r) == 1\n    assert r[0] == 2", "(r,) = f(1)\n    assert r == 2", False),
        ("r = f(1)\n    assert len(r) == 1\n    assert r[0] == 2", "r, *_ = f(1)\n    assert r == 2", True),
        ("assert caplog.records == []", "assert not caplog.messages", False),
        ("assert caplog.records[0].getMessage() == 'a'", "assert caplog.messages == ['a']", False),
        ("assert caplog.record_tuples == [('a', 30, 'b')]", "assert 'b' in caplog.text", True),
        ("assert 'used twice' in str(f(1).exception)", "with pytest.warns(UserWarning, match='used twice'):\n        f(1)", False),
        ("assert f(1) == {'a': 1}", "assert f(1) == json.loads('{\"a\": 1}')", False),
        ("with pytest.warns(None):\n        assert f(1) == 2", "assert f(1) == 2", False),
        ("assert not any(x.bad for x in f(1))", "assert f(1) == []", False),
        ("assert f(1) == 'a'", "assert f(1) in (('a', 'b') if g() else ('a',))", True),
    ],
)  # fmt: skip
def test_another_form_is_judged_by_what_it_says(before: str, after: str, fires: bool) -> None:
    front = "import json\nimport pytest\nfrom shop import f, g\n\ndef test_f(caplog):\n    "
    found = weaker_checks({"tests/test_f.py": f"{front}{before}\n"}, {"tests/test_f.py": f"{front}{after}\n"})
    assert found.fires is fires, found


CLIENT = "from shop import app\n\nclass Client:\n    def __init__(self, front):\n        self.front = front\n\n    def get(self, path):\n        answer = app(self.front + path)\n        {}return answer.body\n\n"


@pytest.mark.parametrize(
    ("made", "asked"),
    [
        ("client = Client('/a')\n\n", "client.get('/x')"),
        ("", "Client(front='/a').get('/x')"),
        ("import pytest\n\n@pytest.fixture\ndef client():\n    return Client('/a')\n\n", "client.get('/x')"),
    ],
    ids=["of the module", "where it is used", "from a fixture"],
)
def test_the_checks_of_a_client_of_the_tests_belong_to_each_test(made: str, asked: str) -> None:
    test = f"def test_get({'client' if 'fixture' in made else ''}):\n    assert {asked} == 'tea'\n"
    good, bad = (CLIENT.format(check) + made + test for check in ("assert answer.status == 200\n        ", ""))
    plain = "from shop import app\n\ndef test_get():\n    answer = app('/a' + '/x')\n    assert answer.status == 200\n    assert answer.body == 'tea'\n"
    assert weaker_checks({"tests/test_c.py": plain}, {"tests/test_c.py": good}).fires is False
    assert weaker_checks({"tests/test_c.py": good}, {"tests/test_c.py": bad}).fires


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import shop\n\ndef test_f():\n    assert shop.f(1) == 2\n", "from shop import f\n\ndef test_f():\n    assert f(1) == 2\n"),
        ("from shop import f\n\nK = 'int'\n\ndef test_f():\n    assert 'of {k}'.format(k=K) == repr(f(1))\n", "from shop import f\n\ndef test_f():\n    assert 'of {k}'.format(k='int') == repr(f(1))\n"),
        ("from shop import f\n\ndef test_f():\n    assert f(1)['a'] == ''\n", "from shop import f\n\ndef test_f():\n    assert 'a' not in f(1)\n"),
        ("import pytest\nfrom shop import off\n\ndef test_f():\n    with pytest.raises(ValueError):\n        with off():\n            raise ValueError\n",
         "import pytest\nfrom shop import off\n\ndef test_f():\n    with pytest.raises(ValueError), off():\n        raise ValueError\n"),
    ],
    ids=["imported by name", "filled in", "no such entry", "one statement for two contexts"],
)  # fmt: skip
def test_the_same_in_another_form_is_no_finding(before: str, after: str) -> None:
    code = "def f(x): return {}\n\ndef off(): return 1\n"
    sides = ({"shop.py": code, "tests/test_f.py": text} for text in (before, after))
    assert not weaker_checks(*sides).fires
