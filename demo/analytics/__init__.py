"""The company's Google Analytics: property `demo`, spoken to by the client `google-analytics-data` on both wires.

`visitors.py` says what happened, `fields.py` and `reports.py` what the property tells of it when it is asked,
`switches.py` what a test may make odd or let fail, `refusals.py` in what words, `quota.py` and `property.py` what it
costs, `wires.py` how it travels.

In a test, in this process:

    analytics = Property(NOW)                       # asked at NOW; without: by the clock on the wall
    analytics.now = NOW + timedelta(hours=24)       # asked later, it tells more
    analytics.switches = Switches(time_zone="Asia/Tokyo", limits={"tokens_per_hour": 40})
    analytics.switches.failures = iter(["503", "drop"])   # of the next calls; repeat("503") of all
    analytics.calls                                 # (method, request) of each call, refused ones too

    with api.serve(0, analytics) as server:         # REST, beside the demo's Prometheus
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}{wires.PATH}"
        client = BetaAnalyticsDataClient(
            transport="rest", credentials=AnonymousCredentials(), client_options={"api_endpoint": endpoint}
        )
        ...
        server.shutdown()

    server, port = wires.serve_grpc(analytics)      # gRPC, on a free port
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.max_receive_message_length", -1)])
    client = BetaAnalyticsDataClient(transport=BetaAnalyticsDataGrpcTransport(channel=channel))
    ...
    server.stop(None)

Requests don't carry the run's clock, and the answer depends on it: `python -m demo`, which `make ingest` runs first,
tells the running API its now (`api.tell_now`), and the property is asked at that instant until it is told another.
Where nobody has told it, it goes by the clock on the wall.
"""
