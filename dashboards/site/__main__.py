"""python -m dashboards.site [--public] [--into FOLDER]: write the static copy of the dashboards."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import psycopg2

from dashboards.definitions import DASHBOARDS
from dashboards.site.answers import Reader, reading
from dashboards.site.page import Copy, dashboard_pages, index_page
from ingest import settings
from ingest.errors import SetupError
from ingest.project import ROOT
from ingest.reads import is_held
from roles.readers import GRAFANA_READER, PUBLIC_READER


def main(arguments: list[str] | None = None) -> int:
    """Write the pages, in the place of those that are there; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m dashboards.site", description=__doc__)
    parser.add_argument("--public", action="store_true", help="only the dashboards that the world may see")
    parser.add_argument("--into", type=Path, metavar="FOLDER", help="default: site/, of --public site-public/")
    given = parser.parse_args(arguments)
    # Apart: who serves the one to the world must never find the other in its place.
    folder = given.into or ROOT / ("site-public" if given.public else "site")
    try:
        with reading(PUBLIC_READER if given.public else GRAFANA_READER) as reader:
            pages = _pages(reader, given.public)
    except SetupError as error:
        print(f"site: {error}", file=sys.stderr)
        return 2
    except psycopg2.Error as error:
        print(f"site: {str(error).splitlines()[0]}: run `make build`, then `make site` again", file=sys.stderr)
        return 2
    write(pages, folder)
    print(f"site: open {os.path.relpath(folder)}/index.html in a browser")
    return 0


def _pages(reader: Reader, public: bool) -> dict[str, str]:
    """Return the text of each page by the name of its file."""
    dashboards = tuple(dashboard for dashboard in DASHBOARDS if dashboard.is_public or not public)
    copy = Copy(settings.company(), reader.until, dashboards, is_held())
    pages = {"index.html": index_page(copy, reader)}
    for dashboard in dashboards:
        pages |= dashboard_pages(copy, dashboard, reader)
    return pages


def write(pages: dict[str, str], folder: Path) -> None:
    """Put pages in the place of a folder's, all at once: a reader sees the old ones or the new, never some of each."""
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as beside:
        new, old = Path(beside) / "new", Path(beside) / "old"
        new.mkdir()
        for name, text in pages.items():
            (new / name).write_text(text, encoding="utf-8")
        if folder.exists():
            folder.rename(old)
        new.rename(folder)


if __name__ == "__main__":
    sys.exit(main())
