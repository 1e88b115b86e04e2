"""Bad tests of every kind: each costs itself, is named as what it is, and nothing is lost or left."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.integration.zoo import FORMS, KINDS, Cage, faults_of

if TYPE_CHECKING:
    from tests.integration.project import Project

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="supervised by fork")

EVERY_KIND = [Cage(kind, form) for kind, form in zip(KINDS, list(FORMS) * 3, strict=False)]
EVERY_FORM = [Cage(kind, form) for kind in ("killed", "fails") for form in FORMS]


# With one worker and with eight, and in all forms, by `nox -s zoo`.
@pytest.mark.slow
def test_every_kind_of_bad_test_costs_itself(project: Project) -> None:
    assert faults_of(project, EVERY_KIND, (0, "no"), (2, "worksteal")) == []


@pytest.mark.slow
def test_wherever_a_test_is_bad_it_costs_itself(project: Project) -> None:
    assert faults_of(project, EVERY_FORM, (0, "no"), (2, "load")) == []
