{{ targets_by_period("hour") }}
