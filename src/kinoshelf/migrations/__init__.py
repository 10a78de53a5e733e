"""Forward-only migrations of the database, run before anything else touches it."""
