{{ quality_of_service("hour", ref("mart_hourly"), ref("mart_duration_hourly")) }}
