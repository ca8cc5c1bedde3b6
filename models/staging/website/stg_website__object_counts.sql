select
    object,
    counted_at,
    row_count,
    is_reconstructed
from {{ source("website", "website_object_counts") }}
