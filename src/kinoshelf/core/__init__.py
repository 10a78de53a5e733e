"""What every other room stands on: settings, database, claims and jobs, events, errors, access, the one HTTP base.

It knows no domain and no surface. Start with `settings.py`, `database.py` and `claims.py`.
"""
