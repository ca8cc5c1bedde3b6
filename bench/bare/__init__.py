"""What ingest is held against: the shortest programs that write the same rows, without a log, a retry or a check."""
