"""What is asked of Google Analytics: the requests made of a report's settings."""

import datetime as dt

from google.analytics.data_v1beta.types import (
    DateRange,
    Dimension,
    Filter,
    FilterExpression,
    FilterExpressionList,
    Metric,
    OrderBy,
    RunReportRequest,
)

from ingest.sources.google_analytics.reports import ReportSettings

# What the API answers at most, whatever is asked for.
PAGE_ROWS = 250_000
ALPHANUMERIC = OrderBy.DimensionOrderBy.OrderType.ALPHANUMERIC


def page(
    report: ReportSettings, property_id: str, date: dt.date, offset: int = 0, limit: int = PAGE_ROWS
) -> RunReportRequest:
    """Return the request for a page of a day.

    Without an order a page may hold rows of another: 362 of 2,431 rows came twice, and as many never (measured).
    """
    dimensions = [report.time, *report.dimensions.values()]
    order = [OrderBy.DimensionOrderBy(dimension_name=name, order_type=ALPHANUMERIC) for name in dimensions]
    return RunReportRequest(
        property=f"properties/{property_id}",
        date_ranges=[DateRange(start_date=date.isoformat(), end_date=date.isoformat())],
        dimensions=[Dimension(name=name) for name in dimensions],
        metrics=[Metric(name=name) for name in report.metrics.values()],
        dimension_filter=_filter(report),
        order_bys=[OrderBy(dimension=each) for each in order],
        offset=offset,
        limit=limit,
        return_property_quota=True,
    )


def _filter(report: ReportSettings) -> FilterExpression | None:
    parts = [
        FilterExpression(
            filter=Filter(field_name=name, in_list_filter=Filter.InListFilter(values=values, case_sensitive=True))
        )
        for name, values in report.filter.items()
    ]
    return FilterExpression(and_group=FilterExpressionList(expressions=parts)) if parts else None
