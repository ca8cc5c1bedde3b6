"""Processes that may be killed: started in no time, watched phase by phase."""

import multiprocessing
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_SECONDS = 240
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.faults.commands"])


def _run(*arguments) -> None:
    from tests.faults import commands

    commands.run(*arguments)


@dataclass(frozen=True)
class Note:
    """A phase began or ended, and when this was heard."""

    at: float
    is_begin: bool
    phase: str
    key: str  # tells those apart that run side by side


@dataclass
class Victim:
    """A process that runs one of the project's commands."""

    process: multiprocessing.Process
    output: Path
    _receiver: object
    notes: list[Note] = field(default_factory=list)

    @classmethod
    def start(cls, output: Path, environment: dict[str, str], command: str, *arguments: str) -> "Victim":
        """Start it; its output goes to a file."""
        receiver, sender = FORKS.Pipe(duplex=False)
        process = FORKS.Process(target=_run, args=(command, arguments, environment, output, sender), daemon=True)
        process.start()
        sender.close()
        return cls(process, output, receiver)

    def reaches(self, phase: str, occurrence: int) -> bool:
        """Wait until a phase begins for the n-th time, from 0; returns whether it did before the process ended."""
        while sum(note.is_begin and note.phase == phase for note in self.notes) <= occurrence:
            if not self._hear():
                return False
        return True

    def kill_after(self, seconds: float) -> bool:
        """Let it live on for a time, then kill -9; returns whether it was still alive."""
        self.process.join(seconds)
        is_alive = self.process.is_alive()
        self.process.kill()
        self.end()
        return is_alive

    def end(self) -> tuple[int, str]:
        """Wait until it has ended; returns its exit code and what it printed."""
        while self._hear():
            pass
        self.process.join(PATIENCE_SECONDS)
        assert not self.process.is_alive(), f"it does not end: {self.printed}"
        return self.process.exitcode, self.printed

    @property
    def printed(self) -> str:
        """What it has printed so far."""
        return self.output.read_text() if self.output.exists() else ""

    def spans(self) -> list[tuple[str, int, float]]:
        """Return phase, occurrence and seconds of all that it went through."""
        found, begun, seen = [], {}, {}
        for note in self.notes:
            key = note.phase, note.key
            if note.is_begin:
                begun[key] = note.at, seen.setdefault(note.phase, 0)
                seen[note.phase] += 1
            elif key in begun:
                at, occurrence = begun.pop(key)
                found.append((note.phase, occurrence, note.at - at))
        return found

    def _hear(self) -> bool:
        """Take the next note; returns whether there was one before the process ended."""
        with suppress(EOFError, ConnectionResetError):
            assert self._receiver.poll(PATIENCE_SECONDS), f"nothing happens any more: {self.printed}"
            sign, phase, key = self._receiver.recv_bytes().decode().split("\t")
            self.notes.append(Note(time.monotonic(), sign == "+", phase, key))
            return True
        return False
