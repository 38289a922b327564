"""Where the tables of this hub are gathered, so that each file of them can be read alone."""

from __future__ import annotations

from sqlalchemy import MetaData

metadata = MetaData()
