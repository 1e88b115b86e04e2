"""What the user asks for, before profile and config are applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gates.portable.settings.declare import EMPTY
from gates.portable.settings.run import Choice

if TYPE_CHECKING:
    from gates.results.outstanding import Outstanding, Part


class Request(Choice):
    """What the user asked for on the command line, or by the environment; what was not given is left to profile and config.

    Attributes:
        if_there: those of the named gates that are left out where the subject does not have them.
        only: gate → the tests that run; other gates run all of theirs.
        needs: also run the gates that the chosen ones need; False only if these just ran in the same folder.
        despite_needs: gates also start if one that they need did not pass: a type checker has nothing to say here.
        rest: what is outstanding of the run that this one continues: no other gates are chosen.
        notes: what else the reader should know.
        variables: options whose values came from the environment.
    """

    if_there: frozenset[str] = frozenset()
    only: dict[str, Part] = EMPTY
    needs: bool = True
    despite_needs: bool = False
    rest: Outstanding | None = None
    notes: tuple[str, ...] = ()
    variables: frozenset[str] = frozenset()

    def source(self, option: str) -> str:
        """Where an option came from."""
        setting = self.SETTINGS[option]
        return setting.variable if option in self.variables else setting.short or setting.option
