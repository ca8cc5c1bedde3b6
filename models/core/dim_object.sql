{{ config(materialized="view") }}

select
    object,
    object_id,
    created_at,
    user_id,
    deleted_seen_at
from {{ ref("stg_website__objects") }}
