"""When the loop ticks, and what makes it start anew."""

import datetime as dt
from pathlib import Path

from ingest.project import ROOT
from tick import schedule


def test_the_last_due_time_is_this_hour_s_or_the_one_before():
    at = dt.datetime(2026, 3, 10, 12, 5, 0, 1, tzinfo=dt.timezone.utc)
    assert schedule.last_due(at, 5) == dt.datetime(2026, 3, 10, 12, 5, tzinfo=dt.timezone.utc)
    assert schedule.last_due(at, 6) == dt.datetime(2026, 3, 10, 11, 6, tzinfo=dt.timezone.utc)


def test_a_changed_setting_starts_the_loop_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(schedule, "ROOT", tmp_path)
    (tmp_path / ".dlt").mkdir()
    config = tmp_path / ".dlt" / "config.toml"
    config.write_text("")
    before = schedule.fingerprint()
    assert list(before) == [str(config)]
    config.with_name("secrets.toml").write_text("")
    assert schedule.fingerprint() != before


def test_all_code_that_a_tick_runs_is_watched():
    watched = {Path(path).relative_to(ROOT).as_posix() for path in schedule.fingerprint()}
    assert {
        "ingest/load.py",
        "tick/steps.py",
        "dashboards/site/page.py",
        "dashboards/definitions/overview.py",
    } <= watched
