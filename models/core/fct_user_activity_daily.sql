{{
    config(
        materialized="incremental",
        incremental_strategy="replace_dirty",
        unique_key=["user_id", "date_day", "type"],
        full_refresh=false,
        on_schema_change="append_new_columns",
        meta={
            "period": "date_day",
            "subject": "stream",
            "stamps": [],
            "from_raw": true,
            "is_large": true,
            "distribution": "user_id",
        },
        indexes=[{"columns": ["date_day", "stream"]}],
        pre_hook="{{ take_dirty() }}",
        post_hook="{{ mark_built() }}",
    )
}}

select
    user_id,
    date_day,
    type,
    stream,
    event_count
from {{ ref("int_events__activity") }}
