"""The one HTTP base of all upstream clients: limits, retries, pages, tokens, and one error tree.

It is not for downloads (their engine has its own transport) and not for pages. Start with `client.py`.
"""
