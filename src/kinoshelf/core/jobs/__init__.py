"""Background work that survives: jobs in the database, claimed with a lease, and schedules that fire once.

Enqueueing is an INSERT in the caller's transaction (`queue.enqueue`). It is not for downloads, which are claimed from
their own table. Start with `registry.py` to declare a job and `runner.py` to see one run.
"""
