"""What a call demands beyond what it must is read from its words."""

from __future__ import annotations

import ast

import pytest

from gates.analysis.checks.demands import demands_of


@pytest.mark.parametrize(
    ("text", "demands"),
    [
        ("Mock()", ["loose mock"]),
        ("mock.Mock(Mailer)", ["specified mock"]),
        ("mock.MagicMock(spec_set=Mailer)", ["specified mock"]),
        ("create_autospec(Mailer)", ["specified mock"]),
        ("patch('shop.post')", ["loose mock"]),
        ("patch('shop.post', autospec=True)", ["specified mock"]),
        ("patch('shop.post', autospec=False)", ["loose mock"]),
        ("patch('shop.post', fake)", []),
        ("patch('shop.post', new=fake)", []),
        ("patch.object(shop, 'post')", ["loose mock"]),
        ("mocker.patch.object(shop, 'post', fake)", []),
        ("zip(a, b)", ["loose zip"]),
        ("zip(a)", []),
        ("zip(a, b, strict=True)", ["strict zip"]),
        ("warnings.simplefilter('error')", ["warnings fail"]),
        ("warnings.simplefilter('ignore')", ["a warning ignored"]),
        ("pytest.mark.filterwarnings('ignore')", ["warnings ignored"]),
        ("warnings.filterwarnings('ignore', category=OldWarning)", ["a warning ignored"]),
        ("pytest.mark.filterwarnings('ignore:old')", ["a warning ignored"]),
        ("pytest.mark.filterwarnings('error::OldWarning')", ["warnings fail"]),
        ("pytest.mark.filterwarnings(*FILTERS)", []),
    ],
)
def test_each_call_demands_what_it_says(text: str, demands: list[str]) -> None:
    call = ast.parse(text, mode="eval").body
    assert isinstance(call, ast.Call)
    assert list(demands_of(call)) == demands
