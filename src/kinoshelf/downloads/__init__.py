"""The download queue, its batches and the engine that empties it.

A download is a row: what the user asked for and how far it is. The engine claims rows, fetches, and writes back; users
act on rows, and the engine follows. It knows no surface. Start with `states.py`, `models.py` and `engine/runner.py`.
"""
