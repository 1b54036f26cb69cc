"""Runs the views and saved queries over a lake, and some of them by hand."""
