"""Series with a history, anomalies planted in them, and how many of those are found."""
