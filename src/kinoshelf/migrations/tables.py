"""Imports every module that declares tables, so that the metadata is complete."""

import kinoshelf.core.access.models
import kinoshelf.core.bus
import kinoshelf.core.jobs.models
import kinoshelf.downloads.models  # noqa: F401
