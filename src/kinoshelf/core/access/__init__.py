"""Who gets in: the master password, sessions, API keys, the trusted-local rule, limits and lock-outs.

It knows no surface: the documented auth endpoints stand in `api/series/auth.py`. Start with `policy.py`.
"""
