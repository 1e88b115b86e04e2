"""All subjects, in the order in which they are measured."""

from __future__ import annotations

from benchmarks import checklist, plugin, runner, startup, workers

SUBJECTS = (startup.SUBJECT, plugin.SUBJECT, runner.SUBJECT, workers.SUBJECT, checklist.SUBJECT)
