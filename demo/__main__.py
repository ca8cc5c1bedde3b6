"""python -m demo [up|down]: let the company live on to now, and say in a line or two what it did.

`up` starts its HTTP API, `down` ends it. For a company other than demo (`.dlt/config.toml`) it does nothing.
"""

import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

import psycopg2

from demo import api
from demo.analytics import wires
from demo.databases import EVENTS, SPIDERS, WEBSITE, Database, Step, create_database, live_on, lock
from ingest import settings, warehouse
from ingest.errors import SetupError, SourceError, reason_of
from ingest.reads import now
from ingest.sources import google_analytics, prometheus


def main(command: str = "") -> None:
    """Run a command; none lets the company live on."""
    if settings.company() == settings.DEMO_COMPANY:
        {"": live, "up": start_api, "down": stop_api}[command]()


def start_api() -> None:
    """Start the HTTP API wherever a source looks for it, and nothing where that is another's."""
    for url in api_urls():
        if api.up(url):
            print(f"demo: the company's API is up at {url}")


def api_urls() -> Iterator[str]:
    """Yield the URL of the Prometheus of each API that the settings name: twice the same, unless their ports differ."""
    if settings.is_on("prometheus"):
        yield from own(settings.resolve("prometheus", prometheus.SETTINGS).url)
    if settings.is_on("google_analytics"):
        endpoint = settings.resolve("google_analytics", google_analytics.SETTINGS).api_endpoint or ""
        yield from own(endpoint.replace(wires.PATH, api.PATH))


def own(url: str) -> list[str]:
    """Return a URL where it is the demo's, else none."""
    return [url.rstrip("/")] if url.rstrip("/").endswith(api.PATH) else []


def stop_api() -> None:
    """End the HTTP API."""
    if api.down():
        print("demo: the company's API is stopped")


def live() -> None:
    """Create the databases where they are absent, and let them live on to now; a second caller waits."""
    with closing(warehouse.connect()) as connection:
        lock(connection)
        # Not before: the one that we waited for may have come past it, with databases still to fill.
        instant = now(connection)
        for database in (WEBSITE, EVENTS, SPIDERS):
            create_database(connection, database.name)
        website = visit(WEBSITE, instant)
        print(sentence(WEBSITE, website))
        if website.since <= instant:
            # Their own birth could be another hour's, and the events' users would not be the website's.
            for database in (EVENTS, SPIDERS):
                print(sentence(database, visit(database, instant, website.birth)))
        for url in api_urls():
            api.tell_now(url, instant)


def visit(database: Database, instant: datetime, birth: datetime | None = None) -> Step:
    """Let one of the databases on the warehouse's server live on to an instant."""
    with closing(warehouse.connect(database.name)) as connection:
        return live_on(connection, database, instant, birth)


def sentence(database: Database, step: Step) -> str:
    """Return what a step did, in a line: + inserted, ~ updated, - deleted rows."""
    since, until = f"{step.since:%Y-%m-%d %H:%M}", f"{step.until:%Y-%m-%d %H:%M} UTC"
    if step.until < step.since:
        return f"demo: the company has lived to {since} and can't go back to {until}: nothing done"
    counts = (f"{table} +{n.inserted} ~{n.updated} -{n.deleted}" for table, n in step.counts.items())
    return f"{database.name}: {since} to {until}: {', '.join(counts) or 'nothing to do'}"


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (SetupError, SourceError) as error:
        sys.exit(f"demo: {error}")
    except psycopg2.Error as error:
        sys.exit(
            f"demo: the company can't live on: {reason_of(error)}. It needs a role that may create databases, and "
            "its own databases demo_website, demo_events and demo_spiders as it left them; or write your company's "
            "name in .dlt/config.toml"
        )
