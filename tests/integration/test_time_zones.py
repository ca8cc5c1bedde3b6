"""Hours and days in four zones over both changes of their clocks, whatever the zones of servers and clients are."""

import datetime as dt
import shutil
import subprocess
import sys
from collections import Counter
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import BUILD_FACTS, EVENTS, ROOT, WAREHOUSE

UTC = dt.timezone.utc
# New York changes its clocks on 8 March and 1 November 2026, Paris on 29 March and 25 October.
START, END = dt.datetime(2026, 3, 1, 1, 30, tzinfo=UTC), dt.datetime(2026, 11, 4, 0, 0, tzinfo=UTC)
STEP = dt.timedelta(minutes=25)  # at a minute of its own in each hour, so that none hides another
ADD_EVENTS = """
    insert into event (id, kind, occurred_at, recorded_at)
    select row_number() over (order by at), 'login', at, at
    from generate_series(%s::timestamptz, %s::timestamptz - interval '1 second', %s) as events (at)
"""
ZONES = [
    # business, the warehouse's database, the source's database, the clients
    ("UTC", "America/Los_Angeles", "Asia/Tokyo", "Australia/Lord_Howe"),
    ("Europe/Paris", "Asia/Kolkata", "America/New_York", "Asia/Kathmandu"),
    ("America/New_York", "Europe/Paris", "UTC", "Europe/Paris"),
    ("Asia/Kolkata", "Australia/Lord_Howe", "Europe/Paris", "America/St_Johns"),
]


def hour_of(at: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return the start of the hour of local time, reckoned by the clock on the wall."""
    local = at.astimezone(zone)
    return at - dt.timedelta(minutes=local.minute, seconds=local.second)


@pytest.mark.parametrize(("business", "warehouse", "source", "client"), ZONES)
def test_hours_and_days_are_those_of_business(company, project, business, warehouse, source, client):
    for folder in ("ingest", ".dlt"):
        shutil.copytree(ROOT / folder, project / folder)
    settings = project / "dbt_project.yml"
    settings.write_text(settings.read_text().replace("timezone: Europe/Paris", f"timezone: {business}"))
    company.execute(ADD_EVENTS, (START, END, STEP), database=EVENTS)
    company.execute(f"alter database {WAREHOUSE} set timezone = '{warehouse}'")
    company.execute(f"alter database {EVENTS} set timezone = '{source}'", database=EVENTS)
    company.set(PGTZ=client, TZ=client)
    company.now = END
    done = subprocess.run(
        [sys.executable, "-m", "ingest", "events"], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    built = company.dbt(*BUILD_FACTS, project=project)
    assert built.success, company.capfd.readouterr().out

    zone = ZoneInfo(business)
    instants = [START + number * STEP for number in range(-((START - END) // STEP))]
    hours = Counter(hour_of(at, zone) for at in instants)
    days = Counter(at.astimezone(zone).date() for at in instants)
    hourly = "select time, value from marts.mart_hourly where metric = 'events.count' order by time"
    assert company.rows(hourly) == sorted(hours.items())
    daily = "select date_day, value from marts.mart_daily where metric = 'events.count' order by time"
    assert company.rows(daily) == sorted(days.items())

    lengths = {day: len({hour for hour in hours if hour.astimezone(zone).date() == day}) for day in sorted(days)[1:-1]}
    complete = company.rows("select date_day from marts.mart_daily where is_complete order by date_day")
    assert complete == [(day,) for day in lengths]
    in_day = "select date_day, hours_in_day from core.dim_date where date_day between %s and %s order by 1"
    assert company.rows(in_day, (min(lengths), max(lengths))) == list(lengths.items())
    changes = set(lengths.values())
    assert changes == ({24} if business in ("UTC", "Asia/Kolkata") else {23, 24, 25})
