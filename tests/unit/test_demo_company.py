"""The pretend company as a pure function: what it promises to those who read its databases."""

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.company import (
    CAMPAIGN_SIGN_UPS,
    EVENT_CHANGES_WITHIN,
    EVENTS_A_DAY,
    GROWTH_A_WEEK,
    PARIS,
    REPORT_EVERY,
    REPORTS_HELD_BACK,
    SILENT_HOURS,
    SPIDERS,
    USER_CHANGES_WITHIN,
    WEBSITE_COMMIT,
    campaign,
    changes,
    event_lives,
    happenings,
    hour_of,
    hourly_event_lives,
    instant_of,
    key_lives,
    paris_hour,
    profile_lives,
    rhythm,
    sign_ups,
    spider_lives,
    state,
    status_lives,
    user_lives,
)

LIVES = (user_lives, profile_lives, key_lives, event_lives, spider_lives, status_lives)
HOURS = 90 * 24
WINTER = hour_of(datetime(2025, 1, 14, 9, tzinfo=timezone.utc))
SUMMER = hour_of(datetime(2024, 7, 30, 22, tzinfo=timezone.utc))
# Half an hour after Paris changed its clocks.
SPRING_CHANGE = datetime(2025, 3, 30, 1, 30, tzinfo=timezone.utc)
AUTUMN_CHANGE = datetime(2025, 10, 26, 1, 30, tzinfo=timezone.utc)


def everything(lives, birth: int, days: float) -> list:
    """Return all lives of a table in the first days of a company."""
    start = instant_of(birth)
    return list(lives(birth, start, start + timedelta(days=days)))


@pytest.fixture(scope="module")
def week() -> list:
    """Return the lives of the events of a company's first week."""
    return everything(event_lives, WINTER, 7)


@pytest.fixture(scope="module", params=[WINTER, SUMMER], ids=["winter", "summer"])
def quarter(request) -> tuple[int, Counter]:
    """Return a birth, and the number of events in each of the 90 days' hours that have any."""
    birth = request.param
    return birth, Counter(
        {hour: number for hour in range(birth, birth + HOURS) if (number := len(list(happenings(birth, hour))))}
    )


@pytest.fixture(scope="module")
def users() -> dict:
    """Return the sign-ups of 90 days by id."""
    return {user.id: user for day in range(90) for user in sign_ups(WINTER, day)}


def test_ninety_days_hold_what_was_promised(quarter):
    birth, events = quarter
    now = instant_of(birth) + timedelta(days=90)
    users = sum(state(life, now) is not None for life in user_lives(birth, instant_of(birth), now))
    assert sum(events.values()) == pytest.approx(300_000, rel=0.03)
    assert users == pytest.approx(10_000, rel=0.03)


def test_weekends_are_lower(quarter):
    _, events = quarter
    by_day = Counter()
    for hour, number in events.items():
        by_day[instant_of(hour).astimezone(PARIS).weekday()] += number
    assert max(by_day[5], by_day[6]) < 0.65 * min(by_day[day] for day in range(5))


def test_nights_have_hours_without_events(quarter):
    birth, events = quarter
    nights = [h for h in range(birth, birth + HOURS) if 2 <= instant_of(h).astimezone(PARIS).hour < 5]
    assert sum(hour not in events for hour in nights) > len(nights) / 2


def test_the_outage_is_the_only_silence_by_day(quarter):
    birth, events = quarter
    by_day = [h for h in range(birth, birth + HOURS) if 8 <= instant_of(h).astimezone(PARIS).hour < 22]
    silent = [hour for hour in by_day if hour not in events]
    assert silent == list(range(silent[0], silent[0] + 5))
    assert silent[0] == pytest.approx(birth + 70 * 24, abs=24)


def test_events_grow_by_one_to_two_percent_a_week(quarter):
    birth, events = quarter
    weeks = [sum(events[birth + 168 * week + hour] for hour in range(168)) for week in range(9)]
    assert 1.01 < (weeks[-1] / weeks[0]) ** (1 / 8) < 1.02


def test_campaign_week_has_more_sign_ups(users):
    days = Counter(user.created_at.astimezone(PARIS).date() for user in users.values())
    first = instant_of(campaign(WINTER).start).astimezone(PARIS).date()

    def week(start: date) -> int:
        return sum(days[start + timedelta(days=day)] for day in range(7))

    usual = (week(first - timedelta(days=7)) + week(first + timedelta(days=7))) / 2
    assert first.weekday() == 0
    assert week(first) == pytest.approx(CAMPAIGN_SIGN_UPS * usual, rel=0.15)


def test_failures_go_up_for_two_days_around_the_outage():
    failed = Counter()
    crawls = Counter()
    for hour in range(WINTER + 67 * 24, WINTER + 74 * 24):
        for life in hourly_event_lives(WINTER, hour, with_plain=True):
            _, event = life[0]
            day = event.occurred_at.date()
            crawls[day] += event.kind.startswith("crawl.")
            failed[day] += event.kind == "crawl.failed"
    outage_day = instant_of(WINTER).date() + timedelta(days=70)
    shares = {day - outage_day: failed[day] / crawls[day] for day in crawls}
    assert shares[timedelta(0)] > 0.2
    assert shares[timedelta(days=-1)] > 0.1
    assert shares[timedelta(days=1)] > 0.1
    assert max(shares[timedelta(days=-3)], shares[timedelta(days=3)]) < 0.08


@pytest.mark.parametrize("change", [SPRING_CHANGE, AUTUMN_CHANGE], ids=["spring", "autumn"])
def test_rhythm_follows_paris_across_a_clock_change(change):
    birth = hour_of(change - timedelta(days=6))
    sunday = change.astimezone(PARIS).date()
    friday, monday = sunday - timedelta(days=2), sunday + timedelta(days=1)
    for hour in range(24):
        before, after = paris_hour(friday, hour), paris_hour(monday, hour)
        growth = GROWTH_A_WEEK ** ((after - before) / 168)
        assert rhythm(birth, after) == pytest.approx(rhythm(birth, before) * growth * 1.15 / 1.1)


@pytest.mark.parametrize("change", [SPRING_CHANGE, AUTUMN_CHANGE], ids=["spring", "autumn"])
def test_living_on_over_a_clock_change_counts_every_event_once(change):
    birth = hour_of(change - timedelta(days=2))
    until = change + timedelta(days=2)
    events = [row for life in event_lives(birth, instant_of(birth), until) if (row := state(life, until))]
    assert len({event.id for event in events}) == len(events)
    assert len(events) == pytest.approx(4 * EVENTS_A_DAY * (1.1 + 0.6 + 0.55 + 1.15) / 4, rel=0.1)


def test_no_event_is_visible_before_it_happens(week):
    for life in week:
        visible_at, first = life[0]
        assert visible_at == first.recorded_at
        assert all(row is None or row.occurred_at < since for since, row in life)
        assert all(row is None or row.recorded_at > row.occurred_at for _, row in life)


def test_commits_take_minutes_to_hours_and_a_few_a_day_or_two():
    firsts = [life[0][1] for life in everything(event_lives, WINTER, 20)]
    delays = sorted(event.recorded_at - event.occurred_at for event in firsts)
    late = [delay for delay in delays if delay > timedelta(hours=7)]
    assert delays[0] >= timedelta(minutes=1)
    assert timedelta(minutes=2) < delays[len(delays) // 2] < timedelta(minutes=10)
    assert sum(delay > timedelta(hours=1) for delay in delays) > len(delays) / 100
    assert 1 / 20_000 < len(late) / len(delays) < 1 / 2_500
    assert timedelta(days=1) < late[0] <= late[-1] < timedelta(days=2)


def test_events_are_corrected_moved_and_removed(week):
    pairs = [(life[0][1], life[1][1]) for life in week if len(life) == 2]
    removed = [before for before, after in pairs if after is None]
    restated = [(before, after) for before, after in pairs if after]
    moves = {after.occurred_at - before.occurred_at for before, after in restated}
    assert removed
    assert moves == {timedelta(0), timedelta(hours=1), timedelta(hours=-1)}
    assert any(before.kind != after.kind for before, after in restated)
    assert any(before.duration_ms != after.duration_ms for before, after in restated)
    assert all(before.recorded_at == after.recorded_at for before, after in restated)
    assert 0.003 < len(pairs) / len(week) < 0.012


def test_no_event_moves_into_the_outage():
    hours = range(WINTER + 69 * 24, WINTER + 72 * 24)
    occupied = {
        hour_of(row.occurred_at)
        for hour in hours
        for life in hourly_event_lives(WINTER, hour, with_plain=False)
        for _, row in life
        if row
    }
    silent = {hour for hour in hours if 8 <= instant_of(hour).hour < 18 and not list(happenings(WINTER, hour))}
    assert len(silent) == 5
    assert not occupied & silent


def test_events_belong_to_users_who_existed(week, users):
    rows = [row for life in week for _, row in life if row]
    owned = [row for row in rows if row.user_id is not None]
    assert all(users[row.user_id].created_at <= row.occurred_at for row in owned)
    assert all(row.occurred_at < users[row.user_id].deleted_at for row in owned)
    assert 0.08 < 1 - len(owned) / len(rows) < 0.25  # in the first week there are few users to be found


def test_events_carry_what_real_ones_do():
    rows = [life[0][1] for life in everything(event_lives, WINTER, 20)]
    durations = [row.duration_ms for row in rows if row.duration_ms is not None]
    attributes = [json.loads(row.attributes) for row in rows]
    titles = {each["title"] for each in attributes if "title" in each}
    assert {row.kind for row in rows} == {
        *("crawl.finished", "crawl.failed", "thumbnail.rendered", "api.call", "login", "website.added")
    }
    assert min(durations) == 0
    assert timedelta(hours=1) < timedelta(milliseconds=max(durations)) < timedelta(hours=12)
    assert {None, ""} < titles
    for odd in ('"', "'", "\n", "\t", "\\", "🕷"):
        assert any(odd in title for title in titles if title)
    assert {each["plan"] for each in attributes} == {"free", "pro", None}
    assert {each["status"] for each in attributes} == {200, 404, 500, 502, 504}
    assert all(each["ip"] for each in attributes)


def test_profiles_and_keys_come_after_their_user_and_go_with_it():
    users = {life[0][1].id: life for life in everything(user_lives, WINTER, 90)}
    for lives in (profile_lives, key_lives):
        for (visible_at, row), (gone_at, gone) in everything(lives, WINTER, 90):
            (user_visible_at, user), (user_gone_at, _) = users[row.user_id]
            assert user.created_at <= row.created_at
            assert user_visible_at <= visible_at == row.created_at + WEBSITE_COMMIT < gone_at
            assert gone_at == user_gone_at
            assert gone is None


def test_spiders_report_every_ten_minutes_but_for_one_silence():
    lives = everything(status_lives, WINTER, 90)
    spiders = [life[0][1].id for life in everything(spider_lives, WINTER, 90)]
    silences = {}
    for spider_id in spiders:
        instants = [life[0][1].created_at for life in lives if life[0][1].spider_id == spider_id]
        gaps = {after - before for before, after in pairwise(instants)}
        silences[spider_id] = gaps - {REPORT_EVERY}
    assert len(spiders) == len(SPIDERS)
    assert sorted(silences.values(), key=len) == [set(), set(), {timedelta(hours=SILENT_HOURS) + REPORT_EVERY}]
    delays = [since - row.created_at for ((since, row),) in lives]
    assert min(delays) > timedelta(0)
    assert timedelta(hours=1) < max(delays) < REPORTS_HELD_BACK + timedelta(minutes=1)


def test_spiders_are_busy_by_day_and_seldom_odd():
    rows = [life[0][1] for life in everything(status_lives, WINTER, 60)]
    documents = [json.loads(row.attributes) for row in rows]
    odd = [each for each in documents if not isinstance(each, list) or "worker-1" in each]
    assert 1 / 5000 < len(odd) / len(documents) < 1 / 1000
    busy = Counter()
    for row, workers in zip(rows, documents, strict=True):
        if workers not in odd:
            hour = row.created_at.astimezone(PARIS).hour
            busy[hour] += sum(bool(each.get("stage")) for each in workers) / len(workers)
    assert busy[10] > 3 * busy[21] > 30 * busy[3] > 0


def test_shares_of_users(users):
    now = instant_of(WINTER) + timedelta(days=400)
    deleted_after = [user.deleted_at - user.created_at for user in users.values() if user.deleted_at < now]
    keyed = [user for user in users.values() if user.key_instants]
    profiles_after = [user.profile_at - user.created_at for user in users.values() if user.profile_at < now]
    first_keys_after = [user.key_instants[0] - user.created_at for user in keyed]
    assert 0.03 < len(deleted_after) / len(users) < 0.05
    assert timedelta(days=1) < min(deleted_after) < timedelta(weeks=1) < max(deleted_after)
    assert len(profiles_after) / len(users) == pytest.approx(0.85, abs=0.02)
    assert max(profiles_after) <= timedelta(hours=12)
    assert len(keyed) / len(users) == pytest.approx(0.35, abs=0.02)
    assert sum(after <= timedelta(days=1) for after in first_keys_after) > len(keyed) / 2
    assert max(first_keys_after) > timedelta(days=25)
    assert any(len(user.key_instants) > 1 for user in keyed)


def test_nothing_changes_later_than_living_on_looks_back(users):
    for hour in range(WINTER, WINTER + HOURS):
        for life in hourly_event_lives(WINTER, hour, with_plain=False):
            assert life[-1][0] < instant_of(hour) + EVENT_CHANGES_WITHIN
    for user in users.values():
        last_key_at = max(user.key_instants, default=user.created_at)
        deleted_at = user.deleted_at if user.deleted_at.year < 9000 else user.created_at
        assert max(last_key_at, deleted_at) - user.created_at < USER_CHANGES_WITHIN - timedelta(days=2)


def test_a_row_changes_at_its_instants_and_not_before(week):
    life = next(life for life in week if len(life) == 2 and life[1][1])
    (visible_at, first), (restated_at, second) = life
    tick = timedelta(microseconds=1)
    assert [state(life, visible_at - tick), state(life, visible_at)] == [None, first]
    assert [state(life, restated_at - tick), state(life, restated_at)] == [first, second]
    assert list(changes([life], visible_at, restated_at)) == [(first, second)]
    assert list(changes([life], restated_at, restated_at + tick)) == []


@settings(max_examples=12, deadline=None)
@given(
    birth=st.integers(WINTER, WINTER + HOURS),
    steps=st.lists(st.timedeltas(timedelta(0), timedelta(days=2)), min_size=1, max_size=4),
)
def test_any_steps_lead_to_the_same_state(birth, steps):
    born = instant_of(birth)
    instants = sorted(born + step for step in steps)
    for lives in LIVES:
        lived = {}
        for since, until in zip([born, *instants], instants, strict=False):
            for before, after in changes(lives(birth, since, until), since, until):
                assert lived.get((before or after).id) == before
                lived[(before or after).id] = after
        at_once = (after for _, after in changes(lives(birth, born, instants[-1]), born, instants[-1]))
        assert {key: row for key, row in lived.items() if row} == {row.id: row for row in at_once}


def test_every_process_says_the_same_in_every_time_zone():
    code = """if True:
        from demo.company import *
        start = instant_of(482457)
        until = start + timedelta(days=1)
        for lives in (user_lives, profile_lives, key_lives, event_lives, spider_lives, status_lives):
            print(list(lives(482457, start, until)))
    """
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"TZ": zone, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
            capture_output=True,
        ).stdout
        for zone, seed in (("UTC", "1"), ("America/New_York", "2"))
    }
    assert len(answers) == 1
    assert len(answers.pop()) > 100_000
