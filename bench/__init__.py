"""What the project's work costs, held against something else, measured in turns: docs/performance.md has the table."""
