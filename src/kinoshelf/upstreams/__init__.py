"""One folder a third party: its client and what it sends. They know HTTP; they know no database, no settings, no pages."""
