"""Imports every module that declares tables, so that the metadata is complete."""

import kinoshelf.core.access.models
import kinoshelf.core.bus
import kinoshelf.core.jobs.models
import kinoshelf.discs.models
import kinoshelf.downloads.models
import kinoshelf.images.models
import kinoshelf.titles.models  # noqa: F401
