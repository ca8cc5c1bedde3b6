{{ quality_of_service("day", ref("mart_daily"), ref("mart_duration_daily")) }}
