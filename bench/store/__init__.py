"""results.duckdb: every trial, however it ended."""
