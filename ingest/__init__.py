"""The E and L: reads the team's sources whole periods at a time into the schema `raw`."""
