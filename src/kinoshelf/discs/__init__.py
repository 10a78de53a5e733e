"""What is on the shelf: discs and their copies, boxes, loans, wishes, barcodes, and CSV both ways.

Start with `fields.py` (what a disc is), `adding.py`, `editing.py` and `queries.py`. This room is the example to follow
for a domain.
"""
