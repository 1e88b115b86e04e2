"""A test that is gone is not missed where the code gives a reason; a change of the code alone is none."""

from __future__ import annotations

import pytest

from gates.analysis.checks.weaker import weaker_checks

OLD = "import warnings\n\ndef old():\n    warnings.warn('use new', DeprecationWarning)\n    return 1\n\ndef new(strict=False):\n    return 1\n"
ENDED = "import warnings\n\ndef old():\n    return 1\n\ndef new(strict=False):\n    if strict: warnings.warn('soon', DeprecationWarning)\n    return 1\n"
PASSED_ON = "import warnings\n\ndef _warn():\n    warnings.warn('use new', DeprecationWarning)\n\ndef old():\n    _warn()\n    return 1\n\ndef new(strict=False):\n    return 1\n"
WARNED = "import pytest\nfrom shop import old\n\ndef test_old():\n    with pytest.warns(DeprecationWarning) as seen:\n        old()\n    assert seen.list[0].filename == __file__\n"
FLAG = "from shop import OLD, load\nimport pytest\n\n@pytest.mark.skipif({}OLD, reason='x')\ndef test_load():\n    assert load('a') == 'a'\n"
CONVERTED = "import shop\n\ndef test_encoding_of():\n    assert shop.dump(1) == '1'\n    assert shop.encoding_of(b'1') == 'utf-8'\n"


@pytest.mark.parametrize(
    ("test", "base", "head", "why"),
    [
        (WARNED, OLD, ENDED, "the code no longer gives DeprecationWarning there"),
        (WARNED, OLD, PASSED_ON, None),
        (WARNED, OLD, OLD.replace("use new", "use the new one"), None),
        (FLAG.format("not "), "OLD = False\ndef load(x): return x\n", "def load(x): return x\n", "it ran only where OLD says so, and that is gone"),
        (FLAG.format(""), "OLD = False\ndef load(x): return x\n", "def load(x): return x\n", None),
        (CONVERTED, "def dump(x): return str(x)\ndef encoding_of(x): return 'utf-8'\n", "def dump(x): return str(x)\n", "its subject is gone: encoding_of"),
        (CONVERTED, "def dump(x): return str(x)\ndef encoding_of(x): return 'utf-8'\n", "def dump(x): return repr(x)\ndef encoding_of(x): return 'utf-8'\n", None),
    ],
    ids=["no warning", "a helper warns", "worded anew", "only there", "everywhere else", "named after it", "changed only"],
)  # fmt: skip
def test_a_test_is_gone_with_what_it_was_about(test: str, base: str, head: str, why: str | None) -> None:
    found = weaker_checks(
        {"shop.py": base, "tests/test_shop.py": test}, {"shop.py": head, "tests/test_shop.py": "x = 1\n"}
    )
    assert list(found.excused.values()) == ([] if why is None else [why])
    assert found.fires is (why is None)


@pytest.mark.parametrize(
    ("after", "fires"),
    [
        ("    assert fields(C()) is fields(C)\n", False),
        ("    with pytest.raises(TypeError):\n        fields(C())\n", True),
    ],
    ids=["accepted", "still refused, without its text"],
)
def test_what_is_said_about_an_error_goes_with_the_error(after: str, fires: bool) -> None:
    front = "import pytest\nfrom shop import fields\n\nclass C:\n    names = 'a'\n\ndef test_object():\n"
    before = "    with pytest.raises(TypeError) as caught:\n        fields(C())\n    assert caught.value.args[0] == 'no class'\n"
    code = "def fields(kind):\n    return kind.names\n"
    found = weaker_checks(
        {"shop.py": code, "tests/test_f.py": front + before}, {"shop.py": code + "\n", "tests/test_f.py": front + after}
    )
    assert found.fires is fires, found


def test_a_test_that_says_that_nothing_warns_need_not_demand_the_warning() -> None:
    base = "import pytest\nimport shop\n\ndef test_version():\n    with pytest.deprecated_call():\n        assert shop.version() == '1'\n"
    head = (
        "import shop\n\ndef test_version(recwarn):\n    assert shop.version() == '1'\n    assert [] == recwarn.list\n"
    )
    assert weaker_checks({"tests/test_v.py": base}, {"tests/test_v.py": head}).fires is False
    assert weaker_checks(
        {"tests/test_v.py": base}, {"tests/test_v.py": head.replace("    assert []", "    # []")}
    ).fires


@pytest.mark.parametrize(
    ("test", "base", "head", "why"),
    [
        ("import shop\n\ndef test_moved():\n    pool = shop.Pool()\n    pool.compact()\n    assert pool.size() == 1\n",
         "class Pool:\n    def size(self): return 1\n    def compact(self): self.moved = 1\n", "class Pool:\n    def size(self): return 1\n",
         "it uses compact, which is gone"),
        ("import shop\n\ndef test_moved():\n    pool = shop.Pool()\n    pool.compact()\n    assert pool.size() == 1\n",
         "class Pool:\n    def size(self): return 1\n    def compact(self): self.moved = 1\n", "class Pool:\n    def size(self): return 1\n    def pack(self): self.moved = 1\n",
         None),
        ("import shop\n\ndef test_moved():\n    pool = shop.Pool()\n    assert pool.size() == 1\n    assert pool.size() + pool.moved == 1\n",
         "class Pool:\n    def __init__(self): self.moved = 0\n    def size(self): return 1\n", "class Pool:\n    def size(self): return 1\n",
         "it uses moved, which is gone"),
        ("import shop\n\ndef test_joined():\n    assert shop.safe_join('a', 'b') == 'a/b'\n",
         "import posixpath\n\ndef safe_join(*parts):\n    return posixpath.join(*parts)\n", "import werkzeug.security\n\ndef safe_join(*parts):\n    return werkzeug.security.safe_join(*parts)\n",
         "another package has its code now: safe_join"),
        ("import shop\n\ndef test_joined():\n    assert shop.safe_join('a', 'b') == 'a/b'\n",
         "import posixpath\n\ndef safe_join(*parts):\n    return posixpath.join(*parts)\n", "import shop_paths\n\ndef safe_join(*parts):\n    return shop_paths.safe_join(*parts)\n",
         None),
    ],
    ids=["gone", "renamed", "an attribute", "another package", "another module"],
)  # fmt: skip
def test_what_a_test_used_may_be_why_it_is_gone_and_that_is_a_hint(
    test: str, base: str, head: str, why: str | None
) -> None:
    found = weaker_checks(
        {"shop.py": base, "shop_paths.py": "", "tests/test_shop.py": test},
        {"shop.py": head, "shop_paths.py": "x = 1\n"},
    )
    assert found.fires is (why is None), found
    assert [(one.strength, one.what) for one in found.weakenings] == ([("hint", why)] if why else [])
