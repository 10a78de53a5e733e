"""One hub for the films and series a household owns, watches, wants and fetches."""

__version__ = "0.1.0"
