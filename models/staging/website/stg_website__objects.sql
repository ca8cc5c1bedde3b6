select
    object,
    object_id,
    created_at,
    user_id,
    seen_at,
    deleted_seen_at
from {{ source("website", "website_objects") }}
