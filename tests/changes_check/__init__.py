"""Follows tables of changes as docs/changes.md says, and compares with the tables."""
