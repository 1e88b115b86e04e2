"""A check has lost its subject where the code no longer does what was checked; elsewhere it is simply gone."""

from __future__ import annotations

import pytest

from gates.analysis.checks.weaker import weaker_checks

TEST = "import pytest\nimport warnings\n\nfrom shop import port, price\n\n\ndef test_port():\n    assert port('80') == 80\n"
REFUSED = "    with pytest.raises(ValueError, match='not a port'):\n        port('http')\n"
WARNED = "    with pytest.warns(DeprecationWarning):\n        port('80')\n"
PRICE = "\n\ndef price(name):\n    raise KeyError(name)\n"


@pytest.mark.parametrize(
    ("check", "base", "head", "certain"),
    [
        (REFUSED, "    if not text: raise ValueError('not a port')\n", "", False),
        (REFUSED, "    if not text: raise ValueError('not a port')\n", "    if not text: raise ValueError('not a port')\n    text = text.strip()\n", True),
        (WARNED, "    warnings.warn('old', DeprecationWarning)\n", "", False),
        (WARNED, "    warnings.warn('old', DeprecationWarning)\n", "    print('old')\n    warnings.warn('old', category=DeprecationWarning)\n", True),
        (REFUSED, "    if not text: raise TypeError('not a port')\n", "    pass  # not a port\n", True),
    ],
    ids=["accepted now", "still refused", "no warning", "still a warning", "another exception"],
)  # fmt: skip
def test_what_is_no_longer_refused_need_not_be_checked(check: str, base: str, head: str, certain: bool) -> None:
    code = "def port(text):\n{}    return int(text)\n" + PRICE
    found = weaker_checks(
        {"shop.py": code.format(base), "tests/test_port.py": TEST + check},
        {"shop.py": code.format(head), "tests/test_port.py": TEST},
    )
    assert found.fires is certain, found
