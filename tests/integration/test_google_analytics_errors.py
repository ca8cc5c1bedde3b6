"""What Google may refuse, cut or change, and what becomes of a run: one line with the cure, and nothing lost."""

import datetime as dt
import json
import ssl
import subprocess
import threading
from itertools import chain, repeat

import pytest

from demo import api
from demo.analytics import wires
from demo.analytics.property import Property
from demo.analytics.switches import Switches
from ingest.check import check_sources
from ingest.sources.google_analytics import run
from tests.conftest import free_port
from tests.integration.google_analytics_server import REPORTS
from tests.waiting import wait_until_gone

UTC = dt.timezone.utc
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
CHANNELS = {"channels": REPORTS["channels"]}
SETTING = "[sources.google_analytics]"
# A metric and the time of each of the reports, in their order.
ASKED = [("sessions", "date"), ("activeUsers", "date"), ("sessions", "dateHour")]
OPEN = "finished_at is null and repeated_by is null"
# What the API answers, over REST and over gRPC, and the line that a user sees.
ERRORS = [
    (
        "401",
        f"{SETTING} credentials: an anonymous caller is not let in (Anonymous credentials cannot be refreshed.); "
        "over http:// none "
        "are sent: write https:// into api_endpoint",
        f"{SETTING} credentials: an anonymous caller is not let in (Request had invalid authentication credentials. "
        "Expected OAuth "
        "2 access token, login cookie or other valid authentication credential. See "
        "https://developers.google.com/identity/sign-in/web/devconsole-project.); over http:// none are sent: write "
        "https:// into api_endpoint",
    ),
    (
        "403",
        f"{SETTING} property_id: an anonymous caller may not read property demo (User does not have sufficient "
        "permissions for this "
        "property. To learn more about Property ID, see "
        "https://developers.google.com/analytics/devguides/reporting/data/v1/property-id.): add it as a Viewer "
        "(Admin > Property access management), or correct property_id",
        None,
    ),
    (
        "403 disabled",
        f"{SETTING} credentials: the project of an anonymous caller may not use the API: Google Analytics Data API "
        "has not been "
        "used in project 123456789012 before or it is disabled. Enable it by visiting "
        "https://console.developers.google.com/apis/api/analyticsdata.googleapis.com/overview?project=123456789012 "
        "then retry. If you enabled this API recently, wait a few minutes",
        None,
    ),
    (
        "500",
        f"{SETTING} api_endpoint: {{address}} answers 500: Internal error encountered. (3 times, run again later)",
        None,
    ),
    (
        "502",
        f"{SETTING} api_endpoint: {{address}} answers 502: <!DOCTYPE html><html lang=en><title>Error 502 (Server "
        "Error)!!1</title><p><b>502.</b> That's an error. (3 times, run again later)",
        f"{SETTING} api_endpoint: {{address}} answers 503: Received http2 header with status: 502 (3 times, run again "
        "later)",
    ),
    (
        "503",
        f"{SETTING} api_endpoint: {{address}} answers 503: The service is currently unavailable. (3 times, run again "
        "later)",
        None,
    ),
    (
        "504",
        f"{SETTING} api_endpoint: {{address}} answers 504: Deadline expired before operation could complete. (3 times, "
        "run again later)",
        None,
    ),
    (
        "drop",
        f"{SETTING} api_endpoint: {{address}} can't be reached (('Connection aborted.', RemoteDisconnected('Remote end "
        "closed connection without response'))). Is it up, are host and port right?",
        f"{SETTING} api_endpoint: {{address}} answers 503: Socket closed (3 times, run again later)",
    ),
]
# What the API refuses, exhausted, and when to run again: at 12:05 UTC of 10 March.
QUOTAS = [
    ("rest", "tokens_per_hour", "Exhausted property tokens per hour. These", "2026-03-10 13:05"),
    (
        "grpc",
        "tokens_per_project_per_hour",
        "Exhausted property tokens for a project per hour. These",
        "2026-03-10 13:05",
    ),
    (
        "rest",
        "server_errors_per_project_per_hour",
        "Exhausted server errors quota for a project per hour.",
        "2026-03-10 13:05",
    ),
    (
        "grpc",
        "potentially_thresholded_requests_per_hour",
        "Exhausted potentially thresholded requests",
        "2026-03-10 13:05",
    ),
    ("grpc", "tokens_per_day", "Exhausted property tokens per day. These", "2026-03-11 07:00"),
]


@pytest.mark.parametrize("wire", ["rest", "grpc"])
@pytest.mark.parametrize(("failure", "rest", "grpc"), ERRORS, ids=[failure for failure, *_ in ERRORS])
def test_an_error_is_one_line_with_the_cure(company, google, read_google, wire, failure, rest, grpc):
    google.analytics.switches.failures = repeat(failure)
    code, printed = read_google(wire=wire)
    assert code == (78 if failure.startswith("40") else 3)
    address = google.endpoints[wire].removesuffix(wires.PATH)
    line = (rest if wire == "rest" else grpc or rest).format(address=address)
    assert printed.startswith(f"FAILED: {line}"), printed
    assert company.value("select count(*) from raw.reads where source = 'google_analytics'") == 0
    tries = 3 if failure in ("500", "502", "503", "504", "drop") else 1
    assert len(google.analytics.calls) == tries


@pytest.mark.parametrize("wire", ["rest", "grpc"])
def test_a_server_that_is_not_there_is_one_line(read_google, wire):
    endpoint = f"http://127.0.0.1:{free_port()}"
    code, printed = read_google(wire=wire, api_endpoint=endpoint)
    assert code == 3
    assert printed.startswith(f"FAILED: {SETTING} api_endpoint: {endpoint} can't be reached (")
    assert "refused" in printed
    assert printed.endswith("Is it up, are host and port right?")


@pytest.mark.parametrize("path", ["/demo/prometheus", "/page"])
def test_another_program_in_its_place_is_one_line(google, read_google, monkeypatch, path):
    """Its errors in JSON of another kind; a page with the status 200."""
    page = wires.Answer(200, "text/html", b"<html>Please log in</html>")
    monkeypatch.setattr(api.wires, "rest", lambda *_: page)
    address = google.endpoints["rest"].removesuffix(wires.PATH)
    endpoint = f"{address}{api.PATH}" if path == api.PATH else google.endpoints["rest"]
    code, printed = read_google(wire="rest", api_endpoint=endpoint)
    assert code == 3
    assert printed == (
        f"FAILED: {SETTING} api_endpoint: {address} answers with no report: a login page, or another program?"
    )


@pytest.mark.parametrize("wire", ["rest", "grpc"])
def test_what_passes_is_tried_again(company, google, read_google, wire):
    """Two errors are survived, and any number of other programs' requests."""
    busy = ["concurrent_requests"] * 5
    google.analytics.switches.failures = iter(["500", "503", "", "drop", "", "502", "504", "", *busy])
    code, printed = read_google(wire=wire, reports=CHANNELS)
    assert code == 0, printed
    assert read_google.held("channels") == google.ask("channels", dt.date(2026, 3, 4), dt.date(2026, 3, 10))


def test_a_report_that_is_refused_stops_no_other(company, google, read_google):
    """It is not asked for again in that run; and by the next one, once it is right."""
    wrong = {"wrong": {"grain": "day", "metrics": {"website.x": "session"}}}
    code, printed = read_google(reports=wrong | CHANNELS, start_at="2026-02-24")
    assert code == 78
    assert printed == (
        "FAILED: google_analytics.wrong: Google refuses the request: Did you mean sessions? Field session is not a "
        "valid metric. For a list of valid dimensions and metrics, see "
        "https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema; `make check-sources` tries "
        "each name"
    )
    assert google.days_asked("session") == ["2026-02-24"]
    assert read_google.held("channels") == google.ask("channels", dt.date(2026, 2, 24), dt.date(2026, 3, 10))
    start = dt.datetime(2026, 2, 23, 23, tzinfo=UTC)
    assert read_google.reads("wrong", OPEN) == [(start, start + 10 * DAY)]
    both = read_google(reports=wrong | {"too": {"grain": "hour", "metrics": {"website.y": "active7DayUsers"}}})[1]
    assert both.endswith("(and 1 more of 2 reports: see error in raw.reads)")
    right = {"wrong": {"grain": "day", "metrics": {"website.x": "sessions"}}}
    assert read_google(reports=right, start_at="2026-02-24")[0] == 0
    assert read_google.reads("wrong", OPEN) == []
    assert google.days_asked() == [str(dt.date(2026, 2, 24) + number * DAY) for number in range(15)]


@pytest.mark.parametrize(("wire", "quota", "message", "again"), QUOTAS)
def test_a_quota_cuts_and_says_when_to_run_again(company, google, read_google, wire, quota, message, again):
    google.analytics.switches.failures = chain(["", "", ""], repeat(quota))
    code, printed = read_google(wire=wire, reports=CHANNELS)
    assert code == 75
    assert printed.startswith(f"cut by a quota: 2 of 7 days of reports were read and are kept; Google says: {message}")
    assert printed.endswith(f"; run again after {again} UTC")
    assert len(google.analytics.calls) == 4
    assert company.value("select outcome from ops.runs order by run_id desc limit 1") == "quota"
    assert read_google.held("channels") == google.ask("channels", dt.date(2026, 3, 4), dt.date(2026, 3, 5))


def test_a_run_cut_by_an_hourly_quota_goes_on_where_it_stopped(company, google, read_google, monkeypatch):
    """25 tokens an hour, for a probe a run and 51 days of reports: 24 in the first run, 24 in the second, then all."""
    monkeypatch.setattr(run, "PARALLEL_REPORTS", 1)
    google.analytics.switches = Switches(limits={"tokens_per_project_per_hour": 25})
    first, last = dt.date(2026, 2, 22), dt.date(2026, 3, 10)
    settings = {"start_at": first, "quota_reserve": 0}
    code, printed = read_google(**settings)
    assert code == 75
    assert printed == (
        "cut by a quota: 24 of 51 days of reports were read and are kept; 0 tokens per project per hour are left, and "
        "0 are kept in reserve (quota_reserve); run again after 2026-03-10 13:05 UTC"
    )
    asked = [google.days_asked(*report) for report in ASKED]
    ends = {name: (read_google.reads(name)[-1][1] - HOUR).date() for name in REPORTS}
    for name in ("channels", "users"):
        assert read_google.held(name) == google.ask(name, first, ends[name])
    left = "select remaining from ops.google_analytics_quota where bucket = 'tokens_per_project_per_hour'"
    assert company.rows(left) == [(0,)]

    code, printed = read_google(**settings)  # within that hour nothing is to be had
    assert code == 75
    assert printed.startswith("cut by a quota: Google says: Exhausted property tokens for a project per hour. ")
    company.now += HOUR
    assert read_google(**settings)[0] == 75
    then = [google.days_asked(*report) for report in ASKED]
    assert [days[0] for days in then] == [str(ends[name] + DAY) for name in REPORTS]
    company.now += HOUR
    assert read_google(**settings)[0] == 0
    days = [day for some in (*asked, *then, *(google.days_asked(*report) for report in ASKED)) for day in some]
    old = [str(first + number * DAY) for number in range(12)]  # the open day and four before are read again
    assert sorted(day for day in days if day <= old[-1]) == sorted(old * 3)
    for name in ("channels", "users"):
        assert read_google.held(name) == google.ask(name, first, last)
    assert company.value(f"select count(*) from raw.reads where {OPEN}") == 0


def test_a_reserve_is_left_to_others(company, google, read_google):
    """5 % of a standard property's: 700 of 14,000 tokens for a project in an hour."""
    google.analytics.switches = Switches(limits={"tokens_per_project_per_hour": 704})
    code, printed = read_google(reports=CHANNELS)
    assert code == 75
    assert printed == (
        "cut by a quota: 3 of 7 days of reports were read and are kept; 700 tokens per project per hour are left, and "
        "700 are kept in reserve (quota_reserve); run again after 2026-03-10 13:05 UTC"
    )


def test_a_failed_report_and_a_quota_are_a_failure(company, google, read_google):
    wrong = {"wrong": {"grain": "day", "metrics": {"website.x": "session"}}}
    google.analytics.switches = Switches(limits={"tokens_per_project_per_hour": 705})
    code, printed = read_google(reports=wrong | CHANNELS)
    assert code == 78
    assert printed.startswith("FAILED: google_analytics.wrong: ")


def test_an_error_in_the_middle_keeps_the_days_before(company, google, read_google):
    """What was read is finished; the rest stays open, is not wiped, and is what the next run reads."""
    read_google(reports=CHANNELS)
    company.now += HOUR
    google.analytics.switches = Switches(without_channels={"Referral"}, failures=chain(["", "", ""], repeat("500", 3)))
    code, printed = read_google(reports=CHANNELS)
    assert code == 3
    assert "answers 500" in printed
    midnight = dt.datetime(2026, 3, 7, 23, tzinfo=UTC)
    assert read_google.reads("channels")[-1] == (midnight - 2 * DAY, midnight)
    assert read_google.reads("channels", OPEN) == [(midnight, company.now)]
    referral = {row[3] for row in read_google.stored() if "Referral" in row[2]}
    assert referral == {"2026-03-04", "2026-03-05", "2026-03-08", "2026-03-09", "2026-03-10"}
    error = company.value(f"select error from raw.reads where {OPEN}")
    assert "answers 500" in error

    company.now += HOUR
    assert read_google(reports=CHANNELS)[0] == 0
    assert google.days_asked() == [f"2026-03-{day:02}" for day in (8, 9, 10, 6, 7)]
    assert {row[3] for row in read_google.stored() if "Referral" in row[2]} == {"2026-03-04", "2026-03-05"}
    assert company.value(f"select count(*) from raw.reads where {OPEN}") == 0


def test_a_killed_run_goes_on_with_the_first_day_that_is_missing(company, google, read_google):
    """It dies when it asks for the 15th of 19 days, with ten of them finished and four in its hands."""
    reached = threading.Event()

    def answers():
        yield from [""] * 15
        reached.set()
        yield from repeat("")

    google.analytics.switches.failures = answers()
    read_google.set(reports=CHANNELS, start_at="2026-02-20")
    with company.process("ingest", "google_analytics") as process:
        assert reached.wait(60)
        process.kill()
        process.wait()
    wait_until_gone(company)
    middle = dt.datetime(2026, 3, 1, 23, tzinfo=UTC)
    assert read_google.reads("channels") == [(middle - 10 * DAY, middle)]
    assert read_google.held("channels") == google.ask("channels", dt.date(2026, 2, 20), dt.date(2026, 3, 1))
    assert read_google(reports=CHANNELS, start_at="2026-02-20")[0] == 0
    assert google.days_asked() == [f"2026-03-{day:02}" for day in range(2, 11)]
    assert read_google.held("channels") == google.ask("channels", dt.date(2026, 2, 20), dt.date(2026, 3, 10))
    assert company.value(f"select count(*) from raw.reads where {OPEN}") == 0


@pytest.mark.parametrize(
    ("switch", "what"),
    [
        ({"time_zone": "America/New_York"}, "time zone of the property was Europe/Paris and is America/New_York"),
        ({"currency_code": "USD"}, "currency of the property was EUR and is USD"),
    ],
)
def test_a_property_that_is_not_what_it_was_stops_with_the_cure(company, google, read_google, switch, what):
    read_google()
    before = read_google.stored()
    company.now += HOUR
    google.analytics.switches = Switches(**switch)
    code, printed = read_google()
    assert code == 78
    assert printed == (
        f"FAILED: {SETTING} property_id: the {what}: numbers from before and after would stand side by side. If that "
        "is meant: `make psql`, `delete from ops.google_analytics_properties;`, and run again; what to read again is "
        "in docs/google-analytics.md"
    )
    assert read_google.stored() == before
    assert len(google.analytics.calls) == 1
    company.execute("delete from ops.google_analytics_properties;")
    assert read_google(start_at="2026-03-10")[0] == 0
    after = read_google.stored()
    assert [row for row in after if row[3] < "2026-03-09"] == [row for row in before if row[3] < "2026-03-09"]
    assert company.rows("select time_zone, currency_code from ops.google_analytics_properties") == [
        (google.analytics.switches.time_zone, google.analytics.switches.currency_code)
    ]


def test_an_answer_that_lost_most_rows_is_not_believed(company, google, read_google):
    read_google()
    before = read_google.stored()
    company.now += HOUR
    days = {dt.date(2026, 3, 4) + number * DAY for number in range(7)}
    google.analytics.switches = Switches(without_days=days)
    code, printed = read_google()
    assert code == 3
    held = len([row for row in before if "channel" in row[2] and row[3] >= "2026-03-06"])
    assert printed.startswith(
        f"FAILED: google_analytics.channels: reports.channels: the source answered 0 rows where the warehouse "
        f"holds {held} for 2026-03-05 23:00 to 2026-03-10 13:05 UTC; nothing was changed."
    )
    assert read_google.held("hours") != {}
    assert read_google("--accept-loss")[0] == 0
    assert {row[3] for row in read_google.stored() if "channel" in row[2]} == {"2026-03-04", "2026-03-05"}


def test_a_metric_that_the_account_may_not_see_is_no_zero(company, google, read_google, monkeypatch):
    from demo.analytics import reports as demo_reports

    written = demo_reports.write_metadata

    def restricted(metadata, *rest) -> None:
        written(metadata, *rest)
        metadata.schema_restriction_response.active_metric_restrictions.add(metric_name="purchaseRevenue")

    monkeypatch.setattr(demo_reports, "write_metadata", restricted)
    code, printed = read_google(reports=CHANNELS)
    assert code == 78
    assert printed.startswith("FAILED: google_analytics.channels: metrics: the account may not see purchaseRevenue, ")


DIMENSIONS = {f"label_{number}": f"dimension{number}" for number in range(8)}


# Settings that can't be, and the line that names them.
WRONG = [
    ({"property_id": "123456789"}, "property_id: 123456789 is no demo property, and company is still 'demo'"),
    ({"property_id": "G-ABC123"}, "property_id: the number of Admin > Property details, such as 123456789"),
    ({"wire": "rest", "api_endpoint": "ftp://x"}, "api_endpoint is not of the form"),
    ({"api_endpoint": "http://127.0.0.1:port"}, "api_endpoint is not of the form"),
    ({"api_endpoint": "http://127.0.0.1:1/demo"}, "api_endpoint: http://127.0.0.1:1/demo has a path, and gRPC"),
    (
        {"api_endpoint": "http://127.0.0.1:1", "credentials": '{"a": "hunter2"}'},
        "api_endpoint: credentials are never",
    ),
    ({"api_endpoint": "https://127.0.0.1:1", "credentials": '{"a": "hunter2"}'}, "credentials: it is no key of a"),
    (
        {"api_endpoint": "https://127.0.0.1:1", "credentials": "hunter2"},
        "credentials: no JSON; paste all of the key's",
    ),
    ({"transport": "soap"}, "transport: Input should be 'grpc' or 'rest'"),
    ({"start_at": "soon"}, "start_at: Input should be a valid date"),
    ({"quota_reserve": "1"}, "quota_reserve: Input should be less than 1"),
    ({"reports": {}}, "reports: Dictionary should have at least 1 item"),
    ({"reports": {"Bad": REPORTS["users"]}}, "reports.Bad"),
    ({"reports": CHANNELS | {"more": REPORTS["channels"]}}, "reports: two give the metric website.sessions, and a"),
    (
        {"reports": {"a": {"grain": "week", "metrics": {"m": "x"}}}},
        "reports.a.grain: Input should be 'day' or 'hour'",
    ),
    (
        {"reports": {"a": {"grain": "day", "metrics": {}}}},
        "reports.a.metrics: Dictionary should have at least 1 item",
    ),
    (
        {"reports": {"a": {"grain": "day", "metrics": {"m": "x", "n": "x"}}}},
        "reports.a: metrics: x is there twice",
    ),
    (
        {"reports": {"a": {"grain": "day", "metrics": {"m": "x"}, "dimensions": {"day": "date"}}}},
        "reports.a: dimensions: date is added by grain; leave it out",
    ),
    (
        {"reports": {"a": {"grain": "day", "metrics": {"m": "x"}, "dimensions": DIMENSIONS, "filter": {"f": ["v"]}}}},
        "reports.a: dimensions: 10 with date and those of filter, and Google answers 9 at most: leave some out",
    ),
    (
        {"reports": {"a": {"grain": "day", "metrics": {f"m{n}": f"x{n}" for n in range(11)}}}},
        "reports.a: metrics: 11, and Google answers 10 at most: make two reports of them",
    ),
    ({"property": "demo"}, "property: no such setting; did you mean property_id?"),
]


def test_a_wrong_setting_is_named(company, google, read_google):
    for settings, line in WRONG:
        code, printed = read_google(**settings)
        assert code == 78
        assert printed.startswith(f"FAILED: {SETTING} {line}"), printed
        assert "hunter2" not in printed
    assert len(google.analytics.calls) == 0


def test_no_credentials_is_one_line(company, read_google, tmp_path):
    """And shows nothing of the variable: the key itself may stand in it."""
    company.set(GOOGLE_APPLICATION_CREDENTIALS=str(tmp_path / "gone.json"))
    code, printed = read_google(api_endpoint="https://127.0.0.1:1")
    assert code == 78
    assert printed == (
        f"FAILED: {SETTING} credentials: there are none (GOOGLE_APPLICATION_CREDENTIALS has to be the path of a file "
        "that Google made); docs/google-analytics.md shows how"
    )


@pytest.mark.parametrize(
    ("pool", "gone", "refuses"),
    [
        (
            "projects/1/locations/global/workloadIdentityPools/a/providers/b",
            "credentials: no token can be",
            "there are",
        ),
        (
            "locations/global/workforcePools/a/providers/b",
            "api_endpoint: https://127.0.0.1:1 can't be",
            "the account of",
        ),
    ],
    ids=["workload", "workforce"],
)
def test_a_server_of_tokens_that_is_gone_may_come_back(company, read_google, tmp_path, pool, gone, refuses):
    """And one that refuses us does not change its mind. A workload asks it for its project, too, before all else."""
    (tmp_path / "subject").write_text("who we are")
    account = {
        "type": "external_account",
        "audience": f"//iam.googleapis.com/{pool}",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "credential_source": {"file": str(tmp_path / "subject")},
    }
    company.set(GOOGLE_APPLICATION_CREDENTIALS=str(tmp_path / "account.json"))

    def read(token_url: str) -> tuple[int, str]:
        (tmp_path / "account.json").write_text(json.dumps(account | {"token_url": token_url}))
        return read_google(wire="rest", api_endpoint="https://127.0.0.1:1")

    code, printed = read(f"http://127.0.0.1:{free_port()}/token")
    assert code == 3
    assert printed.startswith(f"FAILED: {SETTING} {gone}")
    assert "/token" in printed
    with api.serve(0, Property(company.now)) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        code, printed = read(f"http://127.0.0.1:{server.server_port}/token")
        server.shutdown()
    assert code == 78
    assert printed.startswith(f"FAILED: {SETTING} credentials: {refuses}")


def test_another_company_does_not_read_the_demo(company, read_google, configure):
    configure('company = "acme"')
    code, printed = read_google()
    assert code == 78
    assert printed == (
        f"FAILED: {SETTING} property_id: demo belongs to the demo company, and company is 'acme'; write the id of your "
        "own property, or enabled = false"
    )


@pytest.fixture(scope="session")
def secrets(tmp_path_factory):
    """Give a folder with a certificate for 127.0.0.1 and its key, and a service account's key."""
    folder = tmp_path_factory.mktemp("secrets")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=127.0.0.1"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1"], cwd=folder, check=True, capture_output=True
    )
    account = {
        "type": "service_account",
        "client_email": "reader@acme.iam.gserviceaccount.com",
        "private_key_id": "1",
        "private_key": (folder / "key.pem").read_text(),
        "token_uri": "https://127.0.0.1:1/token",
    }
    (folder / "account.json").write_text(json.dumps(account))
    return folder


def test_a_service_account_is_named_where_it_may_not_read(company, read_google, secrets):
    """Over TLS, with the key from the settings, then from the environment; the key is in no message."""
    analytics = Property(company.now)
    with api.serve(0, analytics) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(secrets / "cert.pem", secrets / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        company.set(REQUESTS_CA_BUNDLE=str(secrets / "cert.pem"))
        endpoint = f"https://127.0.0.1:{server.server_port}{wires.PATH}"
        key = (secrets / "account.json").read_text()
        code, printed = read_google(wire="rest", api_endpoint=endpoint, credentials=key)
        assert code == 0, printed
        for status, line in (
            ("403", "property_id: reader@acme.iam.gserviceaccount.com may not read property demo ("),
            ("403 disabled", "credentials: the project of reader@acme.iam.gserviceaccount.com may not use the API: "),
            ("401", "credentials: reader@acme.iam.gserviceaccount.com is not let in ("),
        ):
            analytics.switches.failures = repeat(status)
            code, printed = read_google(wire="rest", api_endpoint=endpoint, credentials=key)
            assert code == 78
            assert printed.startswith(f"FAILED: {SETTING} {line}"), printed
            assert "PRIVATE" not in printed
        company.set(GOOGLE_APPLICATION_CREDENTIALS=str(secrets / "account.json"))
        analytics.switches.failures = repeat("403")
        code, printed = read_google(wire="rest", api_endpoint=endpoint, credentials=None)
        assert "reader@acme.iam.gserviceaccount.com may not read" in printed
        server.shutdown()


def test_the_check_tries_each_name_and_each_report(company, google, read_google):
    more = {
        "misspelt": {"grain": "day", "metrics": {"a": "sesions"}},
        "unknown": {"grain": "day", "metrics": {"b": "sessions"}, "dimensions": {"x": "customEvent:plan"}},
        "filtered": {"grain": "day", "metrics": {"c": "sessions"}, "filter": {"contry": ["France"]}},
        "clash": {"grain": "hour", "metrics": {"d": "active7DayUsers"}},
    }
    google.analytics.switches = Switches(time_zone="America/New_York", is_sampled=True)
    google.analytics.now = company.now
    read_google.set(reports=REPORTS | more)
    found = [finding for source, finding in check_sources() if source == "google_analytics"]
    assert [
        (finding.what.removeprefix("google_analytics."), finding.found) for finding in found if finding.is_fine
    ] == [
        (
            "property demo",
            "America/New_York, EUR; 199,999 tokens per day, 39,999 tokens per hour, 13,999 tokens per project per hour "
            "are left",
        ),
        ("channels", "8 rows on 2026-03-09; estimated (another zone's days, sampling)"),
        ("users", "1 rows on 2026-03-09; estimated (another zone's days, sampling)"),
        ("hours", "24 rows on 2026-03-09; estimated (sampling)"),
    ]
    faults = {finding.what.removeprefix("google_analytics."): finding.found for finding in found if not finding.is_fine}
    assert faults["misspelt"] == "metrics: the property has no metric sesions; did you mean sessions?"
    assert faults["unknown"] == (
        "dimensions: the property has no dimension customEvent:plan; docs/google-analytics.md says where they are "
        "listed"
    )
    assert faults["filtered"] == "filter: the property has no dimension contry; did you mean country?"
    assert faults["clash"].startswith("Google refuses the request: Please remove active7DayUsers to make the request ")
    assert company.value("select to_regclass('raw.reads')") is None
    google.analytics.switches = Switches(failures=repeat("403"))
    (finding,) = [finding for source, finding in check_sources() if source == "google_analytics"]
    assert finding.found.startswith(f"{SETTING} property_id: an anonymous caller may not read property demo")
