"""python3 -m ingest.machine: is this machine able to run the project? Before anything is installed.

Standard library only: it runs with the system's Python, before there is a .venv.
"""

import importlib.util
import shutil
import sys

OLDEST_PYTHON = (3, 10)
# .venv 0.6 GB, the demo's warehouse 0.3 GB, and room for WAL and files on the way (measured on Debian 12).
FREE_BYTES = 2_000_000_000


def problem() -> str | None:
    """Return what is missing and what to do, in one line; None where nothing is."""
    if sys.version_info < OLDEST_PYTHON:
        return (
            f"Python {sys.version_info.major}.{sys.version_info.minor} is too old, 3.10 or newer is needed: "
            "install one, then `make PYTHON=python3.12`"
        )
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return f"Python's venv module is missing: `sudo apt install python{version}-venv`, then `make` again"
    free = shutil.disk_usage(".").free
    if free < FREE_BYTES:
        return f"only {free / 1e9:.1f} GB are free on this disk, {FREE_BYTES / 1e9:.0f} GB are needed: make room first"
    return None


if __name__ == "__main__":
    found = problem()
    if found:
        print(f"make: {found}", file=sys.stderr)
        sys.exit(1)
