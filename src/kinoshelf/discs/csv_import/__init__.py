"""Reading collections in: other programs' tables, our own exports, lists of titles.

`reading.py` makes rows of disc fields out of a file and touches nothing else; `matching.py` finds what is on the shelf
already; `imports.py` is the way from a file to discs and back again, a slice of rows a transaction.
"""
