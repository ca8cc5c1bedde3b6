"""python -m bench.bare.prometheus URL METRIC START HOURS: read a counter's increase by hour and series into `copy`."""

import io
import json
import sys

import psycopg2
import requests

HOUR, WEEK = 3600, 168 * 3600


def main(url: str, metric: str, start: str, hours: str) -> None:
    """Ask for a week at a time, as ingest does, and copy all rows at once."""
    session = requests.Session()

    def ask(promql: str, first: int, last: int) -> dict[tuple[str, int], str]:
        form = {"query": promql, "start": first + HOUR, "end": last, "step": HOUR}
        answer = session.post(f"{url}/api/v1/query_range", data=form)
        answer.raise_for_status()
        return {
            (json.dumps({"status": each["metric"]["status"]}), at): value
            for each in answer.json()["data"]["result"]
            for at, value in each["values"]
        }

    rows, begin, end = io.StringIO(), int(start), int(start) + int(hours) * HOUR
    for first in range(begin, end, WEEK):
        last = min(first + WEEK, end)
        counts = ask(f"sum by (status) (count_over_time({metric}[1h]))", first, last)
        for (labels, at), value in ask(f"sum by (status) (increase({metric}[1h]))", first, last).items():
            rows.write(f"{metric}\t{labels}\t{at - HOUR}\t{value}\t{counts[labels, at]}\n")
    rows.seek(0)
    with psycopg2.connect("") as connection, connection.cursor() as cursor:
        cursor.copy_expert("copy copy from stdin", rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
