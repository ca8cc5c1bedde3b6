"""How the property is reached: REST for the HTTP API of `demo/api.py`, and gRPC."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import grpc
from google.analytics.data_v1beta import types
from google.protobuf import json_format

from demo.analytics.property import Property
from demo.analytics.refusals import Refusal, invalid

PATH = "/demo/google_analytics"
SERVICE = "google.analytics.data.v1beta.BetaAnalyticsData"
REQUESTS = {
    "RunReport": types.RunReportRequest.pb(),
    "BatchRunReports": types.BatchRunReportsRequest.pb(),
    "GetMetadata": types.GetMetadataRequest.pb(),
    "CheckCompatibility": types.CheckCompatibilityRequest.pb(),
}
STATUSES = {
    "INVALID_ARGUMENT": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
BAD_GATEWAY = b"<!DOCTYPE html><html lang=en><title>Error 502 (Server Error)!!1</title><p><b>502.</b> That's an error."
THREADS = 16  # more than a property may have requests


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    content_type: str
    body: bytes


def rest(analytics: Property, http_method: str, target: str, body: bytes) -> Answer | None:
    """Return the answer to an HTTP request for a target below PATH; None ends the connection without one."""
    try:
        message = analytics.call(*parsed(http_method, urlsplit(target).path.removeprefix(PATH), body))
    except Refusal as refusal:
        return refused(refusal)
    # The client asks for enums as numbers: $alt=json;enum-encoding=int.
    as_numbers = "enum-encoding=int" in parse_qs(urlsplit(target).query, separator="&").get("$alt", [""])[0]
    return Answer(200, "application/json; charset=UTF-8", to_json(message, as_numbers))


def parsed(http_method: str, path: str, body: bytes) -> tuple[str, Any]:
    """Return the method and the request of an HTTP request; raises Refusal."""
    name, _, verb = path.removeprefix("/v1beta/").partition(":")
    if http_method == "GET" and name.endswith("/metadata"):
        return "GetMetadata", REQUESTS["GetMetadata"](name=name)
    method = verb[:1].upper() + verb[1:]
    if http_method != "POST" or method not in REQUESTS:
        raise Refusal("NOT_FOUND", f"The demo does not answer {http_method} {path}.")
    try:
        request = json_format.Parse(body or b"{}", REQUESTS[method]())
    except json_format.ParseError as error:
        raise invalid(f"Invalid JSON payload received. {error}") from error
    request.property = name
    return method, request


def refused(refusal: Refusal) -> Answer | None:
    """Return the answer that says why there is none."""
    if refusal.wire == "drop":
        return None
    if refusal.wire == "html":
        return Answer(502, "text/html; charset=UTF-8", BAD_GATEWAY)
    code = STATUSES[refusal.status]
    error = {"code": code, "message": refusal.message, "status": refusal.status}
    return Answer(code, "application/json; charset=UTF-8", json.dumps({"error": error}).encode())


def to_json(message: Any, as_numbers: bool) -> bytes:
    """Return a message as JSON, without what has its default."""
    if not isinstance(message, types.RunReportResponse.pb()):
        return json.dumps(json_format.MessageToDict(message, use_integers_for_enums=as_numbers)).encode()
    head = type(message)()
    head.CopyFrom(message)
    head.ClearField("rows")
    answer = json_format.MessageToDict(head, use_integers_for_enums=as_numbers)
    # By MessageToDict 250,000 rows take a minute.
    if message.rows:
        answer["rows"] = [
            {"dimensionValues": cells(row.dimension_values), "metricValues": cells(row.metric_values)}
            for row in message.rows
        ]
    return json.dumps(answer).encode()


def cells(values: Any) -> list[dict]:
    """Return the values of a row as JSON has them."""
    return [{"value": cell.value} for cell in values]


def serve_grpc(analytics: Property, port: int = 0) -> tuple[grpc.Server, int]:
    """Return a server that answers gRPC on loopback until it is stopped, and its port; 0 takes a free one."""
    handlers = {
        method: grpc.unary_unary_rpc_method_handler(
            partial(_answer, analytics, method),
            request_deserializer=request.FromString,
            response_serializer=lambda response: response.SerializeToString(),
        )
        for method, request in REQUESTS.items()
    }
    server = grpc.server(ThreadPoolExecutor(THREADS))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    return server, port


def _answer(analytics: Property, method: str, request: Any, context: grpc.ServicerContext) -> Any:
    try:
        return analytics.call(method, request)
    except Refusal as refusal:
        context.abort(grpc.StatusCode[refusal.status], refusal.message)
