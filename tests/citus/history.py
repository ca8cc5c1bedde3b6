"""What both warehouses read: three days of all sources, then a read that restates, adds and removes."""

import csv

from tests.conftest import ROOT

with (ROOT / "seeds" / "metrics.csv").open() as registry:
    STREAMS = sorted({line["stream"] for line in csv.DictReader(registry)} - {""})
DAYS = "timestamptz '2026-10-23T00:00Z', '2026-10-25T11:59Z'"
FIRST = f"""
    insert into raw.events_events (event_id, type, occurred_at, user_id, duration_ms)
    select number, (array['login', 'api.call', 'crawl'])[1 + number % 3], at, 'user ' || number % 40, number % 1000
    from generate_series({DAYS}, '5 minutes') with ordinality as events (at, number);
    insert into raw.website_objects (object, object_id, created_at, user_id, seen_at)
    select 'users', number, at, number, at
    from generate_series({DAYS}, '30 minutes') with ordinality as objects (at, number);
    insert into raw.website_object_counts (object, counted_at, row_count, is_reconstructed)
    select 'users', at, number, false
    from generate_series({DAYS}, '1 hour') with ordinality as counts (at, number);
    insert into raw.spiders_statuses (spider_id, spider, workers, reported_at)
    select '1', 'ant', '[{{"state": "active"}}, {{"state": "idle"}}]', at
    from generate_series({DAYS}, '10 minutes') as reports (at);
    insert into raw.prometheus_samples (stream, metric, labels, hour_at, value, sample_count, is_estimated)
    select 'prometheus.http_requests', 'http.requests', jsonb_build_object('status', status), at, 100, 60, false
    from generate_series({DAYS}, '1 hour') as hours (at), unnest(array['200', '404', '500']) as statuses (status);
    insert into raw.google_analytics_days (stream, metric, labels, date_day, value, is_estimated)
    select 'google_analytics.channels', 'website.sessions', jsonb_build_object('channel', channel), day, 7, false
    from unnest(array[date '2026-10-23', '2026-10-24']) as days (day), generate_series(1, 3) as channels (channel);
    insert into raw.reads (source, stream, period_start, period_end, started_at, finished_at)
    select split_part(stream, '.', 1), stream, '2026-10-23T00:00Z', '2026-10-25T12:00Z', '2026-10-25T12:00Z', now()
    from unnest(array{STREAMS}) as streams (stream);
"""
# An hour is restated, a type is new, another is gone; a day's sessions are corrected.
THEN = f"""
    update raw.prometheus_samples set value = value + 1 where hour_at = '2026-10-24T10:00Z';
    delete from raw.events_events where occurred_at >= '2026-10-24T09:00Z' and occurred_at < '2026-10-24T10:00Z';
    insert into raw.events_events (event_id, type, occurred_at, user_id, duration_ms)
    values
        ('late', 'signup', '2026-10-24T11:30Z', 'user 7', 20),
        ('later', 'login', '2026-10-24T12:30Z', 'new user', null);
    update raw.google_analytics_days set value = 9 where date_day = '2026-10-24';
    insert into raw.reads (source, stream, period_start, period_end, started_at, finished_at)
    select split_part(stream, '.', 1), stream, '2026-10-24T00:00Z', '2026-10-26T00:00Z', '2026-10-26T12:00Z', now()
    from unnest(array{STREAMS}) as streams (stream);
"""
