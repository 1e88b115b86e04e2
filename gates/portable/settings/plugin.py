"""The runner's settings for the plugin: those declared for it, and what it needs to report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..originals import json, write_text
from ..protocol import INBOX, SETTINGS
from ..regular import read_text
from .declare import EMPTY
from .kinds import EXPRESSION
from .run import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LEDGER = "[tool.gates.exclusions]"
LONGEST = 32_000
"""Maximum length of settings in a variable: Linux refuses variables from 128 KiB on, and all of them share a limit."""


class PluginSettings(Settings):
    """The runner's settings for the plugin; the defaults are for a plain pytest without a runner.

    Attributes:
        inbox: folder for the records; empty without a runner.
        exclusions: entries of the ledger, as from `Exclusion.to_json`.
        quarantine: entries of the quarantine, in the same form.
        default_filter: the meaning of `default()`; empty for all tests.
        workers_reason: the reason for the number of workers, for people.
        foreground: all tests run in this process, even if the command line asks for workers.
        debug: open `pdb` when a test fails.
        source: where the exclusions come from, for people.
        facts: answers to predicates about outside facts: canonical text → `Resolution.to_json`.
        facts_file: file with `facts`, if they are too large for a variable.
        collect_only: run nothing.
        describe: write `described` records.
        rules: how tests are run, as from `rules.RuleBook.to_json`; empty for pytest's defaults.
        root: the project's folder, the base of the paths in `facts`; empty if it is the root of the tests.
        secrets: the runner's message about secrets, from `masking.handover.handed_over`; empty without a runner.
        locks: folder of the run for locks that its test processes share; empty without a runner.
        groups: groups of tests, with how many of them may run at the same time.
        scripts: by name, the fields of `rules.SetupScript`; tests name those that must run before them.
        supervise: a session without workers runs its tests in a process that it watches.
        history_file: previous results of tests: id → [outcome, seconds].
        assertions_file: files whose assertions are recorded (see `assertions`); empty for none.
        only_file: JSON object with the fields of `outstanding.Part`: only these tests run; empty for all.
        mutants_file: JSON object with the fields of `mutants.order.Order`: instead of running the tests, try these faults.
    """

    inbox: str = ""
    exclusions: tuple[dict[str, Any], ...] = ()
    quarantine: tuple[dict[str, Any], ...] = ()
    default_filter: str = ""
    workers_reason: str = ""
    foreground: bool = False
    debug: bool = False
    source: str = LEDGER
    facts: Mapping[str, Any] = EMPTY
    facts_file: str = ""
    collect_only: bool = False
    describe: bool = False
    rules: tuple[dict[str, Any], ...] = ()
    root: str = ""
    secrets: Mapping[str, Any] = EMPTY
    locks: str = ""
    groups: Mapping[str, int] = EMPTY
    scripts: Mapping[str, Any] = EMPTY
    supervise: bool = False
    history_file: str = ""
    assertions_file: str = ""
    only_file: str = ""
    mutants_file: str = ""

    def to_json(self) -> str:
        """The value of `GATES_PYTEST`: what differs from the defaults."""
        left_out = ("inbox", "facts") if self.facts_file else ("inbox",)
        return json.dumps({name: value for name, value in vars(self).items() if name not in left_out})

    def to_variable(self, file: Path) -> str:
        """As `to_json`; if that is too long for a variable, the settings go to `file`, which the value names."""
        text = self.to_json()
        if len(text) <= LONGEST:
            return text
        write_text(file, text)
        return json.dumps({"settings_file": str(file)})

    @classmethod
    def from_json(cls, text: str, inbox: str = "") -> PluginSettings:
        """Read a value of `GATES_PYTEST`; unknown fields are ignored, so that an older plugin still works.

        Raises:
            ValueError: the text, or a file that it names, is not a value of this kind.
        """
        data = json.loads(text) if text.strip() else {}
        if isinstance(data, dict) and data.get("settings_file"):
            data = _read_object(str(data["settings_file"]))
        if not isinstance(data, dict):
            raise ValueError(f"not a JSON object: {text[:80]!r}")
        known = {name: value for name, value in data.items() if name in cls.FIELDS and value is not None}
        for name in known.keys() & cls.SETTINGS.keys():
            kind = cls.SETTINGS[name].kind
            if kind is not EXPRESSION:  # the selection reports problems with it
                known[name] = kind.read(known[name])
        if known.get("facts_file"):
            known["facts"] = _read_object(str(known["facts_file"]))
        lists = {name: tuple(value) for name, value in known.items() if isinstance(value, list)}
        return cls(**{**known, **lists, "inbox": inbox})


def _read_object(file: str) -> dict[str, Any]:
    try:
        found = json.loads(read_text(file))
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{file}: not a JSON object")
    return found


def read_settings(environ: Mapping[str, str]) -> PluginSettings | None:
    """The runner's settings, or None if no runner started this process.

    Raises:
        ValueError: the runner's value cannot be read.
    """
    inbox = environ.get(INBOX, "")
    return PluginSettings.from_json(environ.get(SETTINGS, ""), inbox) if inbox else None
