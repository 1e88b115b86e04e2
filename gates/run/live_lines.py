"""The lines of a run on a terminal, drawn by rich: what runs, how far it is, and how long it takes. They fit 80 columns.

rich is imported where it is used: it costs more than the rest of the program's start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from gates.portable.values import format_duration

if TYPE_CHECKING:
    from rich.progress import Progress

_BAR = 16


def live_lines(stream: TextIO, clock: Callable[[], float], color: str = "auto") -> Progress:
    """Lines with the fields `gate`, `about` and `usual`, the seconds that a gate took last time; None if unknown.

    A gate without tests shows how far it is by its usual time.

    Args:
        stream: a terminal.
        clock: tells the seconds.
        color: one of `COLORS`.
    """
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
    from rich.progress_bar import ProgressBar
    from rich.table import Column
    from rich.text import Text

    class Bar(ProgressColumn):
        def render(self, task: Task) -> ProgressBar:
            usual, elapsed = task.fields["usual"], task.elapsed or 0.0
            total, done = (
                (task.total, task.completed) if task.total is not None else (usual, min(elapsed, usual or 0.0))
            )
            return ProgressBar(total=total, completed=done, width=_BAR, pulse=total is None, animation_time=clock())

    class Time(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(_time(task.elapsed or 0.0, task.fields["usual"]), style="dim", justify="right")

    console = Console(file=stream, color_system=None if color == "never" else "auto")
    # If the terminal cannot show the usual spinner, an ASCII one is used.
    wheel = "dots" if console.encoding.startswith("utf") else "line"
    return Progress(
        SpinnerColumn(wheel),
        TextColumn("{task.fields[gate]}", markup=False, table_column=Column(no_wrap=True)),
        Bar(table_column=Column(min_width=_BAR)),
        TextColumn(
            "{task.fields[about]}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")
        ),
        Time(table_column=Column(no_wrap=True, justify="right")),
        console=console,
        transient=True,
        expand=True,
    )


def _time(elapsed: float, usual: float | None) -> str:
    now = f"{int(elapsed)}s" if elapsed < 60 else format_duration(elapsed)
    return f"{now} of about {format_duration(usual)}" if usual else now
