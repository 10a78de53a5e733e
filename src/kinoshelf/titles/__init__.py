"""One row a film, series, season or episode, with all its external ids, alternative names and facts with their age.

Everything else hangs on these rows. Start with `models.py`; `matching.py` finds the row for what somebody named,
`catalogue.py` asks TMDB, `merging.py` joins and parts rows.
"""
