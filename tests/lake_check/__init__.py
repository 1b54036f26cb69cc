"""Compares the tables of a lake, read by engines that we did not write, with what Harvest serves.

Shares no code with the Rust side: its only knowledge of the streams is `tests/catalog.json`.
"""
