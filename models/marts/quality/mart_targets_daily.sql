{{ targets_by_period("day") }}
