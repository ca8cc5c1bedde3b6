"""python -m bench.bare.google_analytics ENDPOINT START DAYS: read sessions by day and channel into `copy`."""

import datetime as dt
import io
import sys

import psycopg2
from google.analytics.data_v1beta import BetaAnalyticsDataClient
from google.analytics.data_v1beta.types import DateRange, Dimension, Metric, RunReportRequest
from google.auth.credentials import AnonymousCredentials


def main(endpoint: str, start: str, days: str) -> None:
    """Ask for a day at a time, as ingest does, and copy all rows at once."""
    client = BetaAnalyticsDataClient(
        transport="rest", credentials=AnonymousCredentials(), client_options={"api_endpoint": endpoint}
    )
    rows = io.StringIO()
    for number in range(int(days)):
        date = (dt.date.fromisoformat(start) + dt.timedelta(days=number)).isoformat()
        answer = client.run_report(
            RunReportRequest(
                property="properties/demo",
                date_ranges=[DateRange(start_date=date, end_date=date)],
                dimensions=[Dimension(name="date"), Dimension(name="sessionDefaultChannelGroup")],
                metrics=[Metric(name="sessions")],
                limit=250_000,
            )
        )
        for row in answer.rows:
            day, channel = (cell.value for cell in row.dimension_values)
            rows.write(f'sessions\t{{"channel": "{channel}"}}\t{day}\t{row.metric_values[0].value}\tfalse\n')
    rows.seek(0)
    with psycopg2.connect("") as connection, connection.cursor() as cursor:
        cursor.copy_expert("copy copy from stdin", rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
