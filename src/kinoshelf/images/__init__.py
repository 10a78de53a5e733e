"""The artwork store: each picture fetched once, kept by its content, resized on demand and served from an index in memory.

Start with `store.py`.
"""
