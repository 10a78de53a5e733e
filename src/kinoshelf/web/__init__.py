"""Pages for people: views per page, templates and static files."""
