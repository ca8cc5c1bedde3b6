"""The pretend company's Google Analytics, spoken to by Google's own client over REST and gRPC."""

import datetime as dt
import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import grpc
import psutil
import pytest
import requests
from google.analytics.data_v1beta import BetaAnalyticsDataClient, types
from google.analytics.data_v1beta.services.beta_analytics_data.transports import BetaAnalyticsDataGrpcTransport
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import InvalidOperation
from google.protobuf import json_format

from demo import api
from demo.analytics import property as properties
from demo.analytics import wires
from demo.analytics.property import Property
from demo.analytics.quota import Quota
from demo.analytics.refusals import EXHAUSTED, FAILURES, Refusal
from demo.analytics.reports import report
from demo.analytics.switches import Switches
from tests.conftest import free_port

UTC = dt.timezone.utc
NOW = dt.datetime(2026, 11, 2, 9, 5, tzinfo=UTC)
HOUR = dt.timedelta(hours=1)
CHANNEL = "sessionDefaultChannelGroup"
EMPTY = types.RunReportResponse.pb()()


@pytest.fixture
def analytics():
    """Give a property that is asked at NOW."""
    return Property(NOW)


@pytest.fixture
def url(analytics):
    """Give the URL of an HTTP API with the property, in this process."""
    with api.serve(0, analytics) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def rest(url):
    """Give Google's client over REST."""
    options = {"api_endpoint": f"{url}{wires.PATH}"}
    return BetaAnalyticsDataClient(transport="rest", credentials=AnonymousCredentials(), client_options=options)


@pytest.fixture
def over_grpc(analytics):
    """Give Google's client over gRPC."""
    server, port = wires.serve_grpc(analytics)
    options = [("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        yield BetaAnalyticsDataClient(transport=BetaAnalyticsDataGrpcTransport(channel=channel))
    server.stop(None).wait()


@pytest.fixture(params=["rest", "over_grpc"])
def client(request):
    """Give Google's client, over each of the wires."""
    return request.getfixturevalue(request.param)


def asked(*dimensions, metrics=("sessions",), first="2026-11-01", last=None, **more):
    """Return a request."""
    return types.RunReportRequest(
        {
            "property": "properties/demo",
            "dimensions": [{"name": name} for name in dimensions],
            "metrics": [{"name": name} for name in metrics],
            "date_ranges": [{"start_date": first, "end_date": last or first}],
            **more,
        }
    )


def raw(response):
    """Return the raw message of a response."""
    return type(response).pb(response)


# --- Both wires ---


@pytest.mark.parametrize(
    ("switches", "request_"),
    [
        ({}, asked("date", CHANNEL, metrics=["sessions", "activeUsers", "engagementRate"])),
        ({}, asked("dateHour", first="2026-10-25")),
        ({}, asked("date", CHANNEL, first="2026-10-28", last="2026-11-02", limit=7, offset=13)),
        ({}, asked("date", first="2027-01-01")),
        ({}, asked(metrics=["active7DayUsers"], currency_code="JPY")),
        ({"other": "dateHour", "as_floats": True, "garbage": "NaN"}, asked("dateHour", CHANNEL)),
        ({"is_sampled": True, "is_thresholded": True, "is_truncated": True, "time_zone": "Asia/Tokyo"}, asked("date")),
        ({"rows": 4321}, asked("date", CHANNEL, metrics=["sessions", "newUsers"], limit=250_000)),
    ],
)
def test_both_wires_carry_the_same_report(rest, over_grpc, analytics, switches, request_):
    analytics.switches = Switches(**switches)
    answers = [raw(client.run_report(request_)) for client in (rest, over_grpc)]
    assert answers[0] == answers[1] == report(types.RunReportRequest.pb(request_), NOW, Switches(**switches))
    assert (len(answers[0].rows) > 0) == (request_.date_ranges[0].start_date < "2027")


def test_the_rows_written_by_hand_are_those_of_the_library():
    answer = report(types.RunReportRequest.pb(asked("date", CHANNEL)), NOW, Switches(is_sampled=True))
    for as_numbers in (False, True):
        written = json_format.Parse(wires.to_json(answer, as_numbers), types.RunReportResponse.pb()())
        assert written == answer
    assert json.loads(wires.to_json(answer, False)) == json_format.MessageToDict(answer)


def test_an_empty_report_has_neither_rows_nor_their_number(url):
    body = {"metrics": [{"name": "sessions"}], "dateRanges": [{"startDate": "2027-01-01", "endDate": "2027-01-01"}]}
    answer = requests.post(f"{url}{wires.PATH}/v1beta/properties/demo:runReport", json=body).json()
    assert answer == {
        "kind": "analyticsData#runReport",
        "metadata": {"currencyCode": "EUR", "timeZone": "Europe/Paris"},
        "metricHeaders": [{"name": "sessions", "type": "TYPE_INTEGER"}],
    }


def test_a_batch_has_up_to_five_reports(client, analytics):
    one, two = asked("date"), asked(CHANNEL)
    batch = client.batch_run_reports({"property": "properties/demo", "requests": [one, two]})
    assert [raw(each) for each in batch.reports] == [raw(client.run_report(each)) for each in (one, two)]
    with pytest.raises(exceptions.BadRequest, match=r"limited to 5 requests\. This one has 6"):
        client.batch_run_reports({"property": "properties/demo", "requests": [one] * 6})


def test_names_and_types_are_in_the_metadata(client):
    metadata = client.get_metadata(name="properties/demo/metadata")
    assert {"date", "dateHour", CHANNEL} < {dimension.api_name for dimension in metadata.dimensions}
    kinds = {metric.api_name: metric.type_.name for metric in metadata.metrics}
    assert kinds["sessions"] == "TYPE_INTEGER"
    assert kinds["engagementRate"] == "TYPE_FLOAT"
    answer = client.run_report(
        asked(*(each.api_name for each in metadata.dimensions), metrics=kinds.keys() - {"active7DayUsers"})
    )
    assert answer.row_count > 1000


def test_compatibility(client):
    def clashing(dimensions, metrics):
        answer = client.check_compatibility(
            {
                "property": "properties/demo",
                "dimensions": [{"name": name} for name in dimensions],
                "metrics": [{"name": name} for name in metrics],
            }
        )
        found = [
            (each.dimension_metadata.api_name, each.compatibility) for each in answer.dimension_compatibilities
        ] + [(each.metric_metadata.api_name, each.compatibility) for each in answer.metric_compatibilities]
        assert len(found) == 16
        return {name for name, compatibility in found if compatibility.name == "INCOMPATIBLE"}

    assert clashing(["date"], ["sessions"]) == set()
    assert clashing(["dateHour"], ["sessions"]) == {"active7DayUsers"}
    assert clashing(["date"], ["active7DayUsers"]) == {"dateHour", "hour"}


def test_what_the_demo_does_not_know(url, over_grpc):
    answer = requests.post(f"{url}{wires.PATH}/v1beta/properties/demo:runPivotReport", json={})
    assert (answer.status_code, answer.json()["error"]["status"]) == (404, "NOT_FOUND")
    answer = requests.post(f"{url}{wires.PATH}/v1beta/properties/demo:runReport", json={"metriks": []})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("Invalid JSON payload received.")
    assert requests.get(f"{url}/demo/elsewhere").status_code == 404
    with pytest.raises(exceptions.MethodNotImplemented):
        over_grpc.run_pivot_report({"property": "properties/demo"})


# --- Errors ---

REST_ERRORS = {
    "400": exceptions.BadRequest,
    "401": InvalidOperation,  # the library's anonymous user can't be let in anew
    "403": exceptions.Forbidden,
    "403 disabled": exceptions.Forbidden,
    "500": exceptions.InternalServerError,
    "502": exceptions.BadGateway,
    "503": exceptions.ServiceUnavailable,
    "504": exceptions.GatewayTimeout,
    "drop": requests.ConnectionError,
}
GRPC_ERRORS = {
    "400": exceptions.InvalidArgument,
    "401": exceptions.Unauthenticated,
    "403": exceptions.PermissionDenied,
    "403 disabled": exceptions.PermissionDenied,
    "500": exceptions.InternalServerError,
    "502": exceptions.ServiceUnavailable,
    "503": exceptions.ServiceUnavailable,
    "504": exceptions.DeadlineExceeded,
    "drop": exceptions.ServiceUnavailable,
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_is_what_the_client_makes_of_google_s(rest, over_grpc, analytics, failure):
    for client, errors in ((rest, REST_ERRORS), (over_grpc, GRPC_ERRORS)):
        analytics.switches.failures = iter([failure])
        with pytest.raises(errors[failure]) as error:
            client.run_report(asked("date"))
        assert type(error.value) is errors[failure]
        if failure not in ("401", "502", "drop"):
            assert FAILURES[failure][1] in error.value.message
        assert client.run_report(asked("date")).row_count == 1
    assert len(analytics.calls) == 4


@pytest.mark.parametrize("quota", EXHAUSTED)
def test_a_quota_that_is_used_up_refuses_all(client, analytics, quota):
    analytics.switches.failures = iter([quota])
    for _ in range(2):
        with pytest.raises(exceptions.TooManyRequests) as error:
            client.run_report(asked("date"))
        assert EXHAUSTED[quota] in error.value.message
        analytics.switches.limits = {quota: 0}
    with pytest.raises(exceptions.TooManyRequests):
        client.get_metadata(name="properties/demo/metadata")
    analytics.switches.limits = {}
    assert client.run_report(asked("date")).row_count == 1


def test_another_property_is_not_let_in(client):
    for call in (
        lambda: client.run_report({"property": "properties/123456789"}),
        lambda: client.get_metadata(name="properties/123456789/metadata"),
    ):
        with pytest.raises(exceptions.Forbidden, match="User does not have sufficient permissions for this property"):
            call()


def test_a_request_that_can_t_be_answered(client):
    with pytest.raises(exceptions.BadRequest, match=r"Did you mean sessions\? Field sesions is not a valid metric\.  "):
        client.run_report(asked(metrics=["sesions"]))


# --- Quota ---


def quota_of(client, **more):
    """Return the quota that a report tells."""
    return client.run_report(asked("date", CHANNEL, return_property_quota=True, **more)).property_quota


def test_the_quota_is_told_where_asked_for(client):
    assert not raw(client.run_report(asked("date"))).HasField("property_quota")
    quota = quota_of(client)
    assert (quota.tokens_per_day.consumed, quota.tokens_per_day.remaining) == (1, 199_998)
    assert (quota.tokens_per_hour.consumed, quota.tokens_per_hour.remaining) == (1, 39_998)
    assert quota.tokens_per_project_per_hour.remaining == 13_998
    assert (quota.concurrent_requests.consumed, quota.concurrent_requests.remaining) == (1, 9)
    assert quota.server_errors_per_project_per_hour.remaining == 10
    assert quota.potentially_thresholded_requests_per_hour.remaining == 120


def test_large_and_thresholded_reports_cost_more(client, analytics):
    analytics.switches = Switches(rows=25_000, is_thresholded=True)
    quota = quota_of(client, limit=250_000)
    assert quota.tokens_per_hour.consumed == 3
    assert quota.potentially_thresholded_requests_per_hour.remaining == 119


def test_an_hourly_quota_returns_with_the_hour_and_a_daily_one_at_midnight_pacific(client, analytics):
    def calls_until_refused():
        done = 0
        while True:
            try:
                client.run_report(asked("date"))
                done += 1
            except exceptions.TooManyRequests as error:
                return done, "per hour" in error.message

    analytics.switches.limits = {"tokens_per_hour": 3, "tokens_per_day": 8}
    assert calls_until_refused() == (3, True)
    analytics.now = NOW + HOUR
    assert calls_until_refused() == (3, True)
    analytics.now = NOW + 2 * HOUR
    assert calls_until_refused() == (2, False)
    analytics.now = dt.datetime(2026, 11, 3, 7, 59, tzinfo=UTC)
    assert calls_until_refused() == (0, False)
    analytics.now = dt.datetime(2026, 11, 3, 8, 0, tzinfo=UTC)
    assert calls_until_refused() == (3, True)


def test_ten_server_errors_in_an_hour_lock_the_property(client, analytics):
    analytics.switches.failures = repeat("503", 10)
    for _ in range(10):
        with pytest.raises(exceptions.ServiceUnavailable):
            client.run_report(asked("date"))
    with pytest.raises(exceptions.TooManyRequests, match="server errors"):
        client.run_report(asked("date"))
    analytics.now = NOW + HOUR
    assert quota_of(client).server_errors_per_project_per_hour.remaining == 10


def test_a_proxy_s_errors_cost_google_nothing(rest, analytics):
    analytics.switches.failures = iter(["502", "drop"])
    for error in (exceptions.BadGateway, requests.ConnectionError):
        with pytest.raises(error):
            rest.run_report(asked("date"))
    assert quota_of(rest).server_errors_per_project_per_hour.remaining == 10


def test_requests_at_once_are_counted(client, analytics, monkeypatch):
    is_under_way, may_go_on = threading.Event(), threading.Event()

    def wait(self, request, now):
        is_under_way.set()
        assert may_go_on.wait(60)
        return EMPTY

    monkeypatch.setitem(properties.METHODS, "RunReport", wait)
    analytics.switches.limits = {"concurrent_requests": 1}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.run_report, asked("date"))
        assert is_under_way.wait(60)
        with pytest.raises(exceptions.TooManyRequests, match="Please send fewer requests concurrently"):
            client.get_metadata(name="properties/demo/metadata")
        may_go_on.set()
        assert raw(first.result()) == EMPTY
    assert client.get_metadata(name="properties/demo/metadata").metrics


def test_ten_requests_at_once_are_admitted_and_no_eleventh():
    Quota().check(NOW, {}, at_once=10)
    with pytest.raises(Refusal, match="concurrent"):
        Quota().check(NOW, {}, at_once=11)


# --- The clock ---


def test_the_property_is_asked_at_the_instant_that_it_was_told(rest, analytics, url):
    def known():
        return {row.dimension_values[0].value for row in rest.run_report(asked("date", first="2026-10-31")).rows}

    api.tell_now(url, dt.datetime(2026, 10, 30, 12, tzinfo=UTC))
    assert known() == set()
    api.tell_now(url, NOW)
    assert known() == {"20261031"}
    assert analytics.now == NOW
    assert requests.post(f"{url}{api.NOW_PATH}", data="noon").status_code == 400
    api.tell_now(f"http://127.0.0.1:{free_port()}", NOW)  # there is nobody to tell


def test_untold_it_goes_by_the_clock_on_the_wall(rest, analytics):
    analytics.now = None
    today = dt.datetime.now(UTC).date()
    days = [today + number * dt.timedelta(days=1) for number in range(-4, 5)]
    found = {
        row.dimension_values[0].value
        for row in rest.run_report(asked("date", first=f"{days[0]}", last=f"{days[-1]}")).rows
    }
    known = [f"{day:%Y%m%d}" in found for day in days]
    # Yesterday here may be the day before yesterday there, and today tomorrow.
    assert known[:3] == [True] * 3
    assert known[-3:] == [False] * 3


def test_calls_at_once_have_the_answers_of_calls_one_by_one(client):
    days = [f"2026-10-{day:02d}" for day in range(10, 16)] * 3
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda day: client.run_report(asked(CHANNEL, first=day)), days))
    assert found == [client.run_report(asked(CHANNEL, first=day)) for day in days]
    assert Counter(map(str, found)).most_common()[-1][1] == 3


# --- The process that lives on ---


def test_an_api_of_another_revision_makes_way(monkeypatch, tmp_path):
    monkeypatch.setattr(api, "PIDFILE", tmp_path / "demo.pid")
    monkeypatch.setattr(api, "LOG", tmp_path / "demo.log")
    url = f"http://127.0.0.1:{free_port()}{api.PATH}"
    assert api.up(url)
    try:
        (old,) = api.PIDFILE.read_text().split()
        # As if the one that is up were of another revision.
        monkeypatch.setattr(api, "is_up", lambda url: not psutil.pid_exists(int(old)) and api.build(url))
        assert api.up(url)
        (new,) = api.PIDFILE.read_text().split()
        assert new != old
    finally:
        assert api.down()
    assert api.build(url) is None


def test_each_port_that_the_settings_name_has_an_api(company, configure, monkeypatch, tmp_path):
    from demo.__main__ import main

    monkeypatch.setattr(api, "PIDFILE", tmp_path / "demo.pid")
    monkeypatch.setattr(api, "LOG", tmp_path / "demo.log")
    ports = [free_port(), free_port()]
    configure(
        f"""
        company = "demo"
        [sources.prometheus]
        url = "http://127.0.0.1:{ports[0]}{api.PATH}"
        [sources.prometheus.queries.sessions]
        metric = "http.requests"
        expr = "http_requests_total"
        value = "increase"
        [sources.google_analytics]
        property_id = "demo"
        transport = "rest"
        api_endpoint = "http://127.0.0.1:{ports[1]}{wires.PATH}"
        [sources.google_analytics.reports.days]
        grain = "day"
        metrics = {{ "website.sessions" = "sessions" }}
        """
    )
    main("up")
    try:
        assert [api.is_up(f"http://127.0.0.1:{port}{api.PATH}") for port in ports] == [True, True]
    finally:
        main("down")
    assert [api.build(f"http://127.0.0.1:{port}{api.PATH}") for port in ports] == [None, None]
