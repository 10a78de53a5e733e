"""Pages for people: views per page, templates, static files and their translations.

A page is readable without script: the server renders what it knows. The modules in `static/js` then make it live over
the documented interface and its socket, and know nothing the interface does not say. Start with `pages.py`, and
`queue.py` as the example of a view.
"""
