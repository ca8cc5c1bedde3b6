"""What a person sees while the sources are read: a bar a source on a terminal, plain lines elsewhere."""

from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

# connecting, reading, loading, and the end: what a source says on its way.
STEPS = 4
MARKS = {"ok": "done", "failed": "FAILED", "quota": "cut by a quota", "off": "off"}


class Progress:
    """A context in which sources report their steps and how they ended."""

    def __init__(self, is_quiet: bool = False):
        """Write to standard output, or nothing."""
        self.console = Console(highlight=False, soft_wrap=True, quiet=is_quiet)
        self.bars = RichProgress(
            TextColumn("{task.fields[source]:<18}"),
            BarColumn(bar_width=24),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.tasks: dict[str, int] = {}

    def __enter__(self) -> "Progress":
        self.bars.start()
        return self

    def __exit__(self, *exception) -> None:
        self.bars.stop()

    def step(self, source: str) -> Callable[[str], None]:
        """Return the function by which a source says what it does now."""
        self.tasks[source] = self.bars.add_task("starting", source=source, total=STEPS)

        def say(text: str) -> None:
            self.bars.update(self.tasks[source], advance=1, description=text)

        return say

    def done(self, source: str, outcome: str, message: str) -> None:
        """Take the source's bar away and leave its line."""
        if source in self.tasks:
            self.bars.remove_task(self.tasks.pop(source))
        self.console.print(f"{source:<18} {MARKS[outcome]}: {message}", markup=False)
