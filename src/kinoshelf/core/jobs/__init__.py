"""Background work that survives: jobs in the database, claimed with a lease, and schedules that fire once.

Enqueueing is an INSERT in the caller's transaction. It is not for downloads, which are claimed from their own table.
"""
