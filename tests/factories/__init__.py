"""Rows for tests: every field has a plausible value, a test names only those it is about."""
