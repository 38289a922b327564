"""What brings the database of an older Sitegate to the present layout, one version at a time."""

from __future__ import annotations

SCHEMA_VERSION = 5
STEPS = {
    1: ("ALTER TABLE badge ADD COLUMN valid_from VARCHAR(10)",),
    2: (
        "ALTER TABLE terminal ADD COLUMN lane VARCHAR NOT NULL DEFAULT ''",
        "ALTER TABLE terminal ADD COLUMN key_number INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE terminal ADD COLUMN next_key_sealed BLOB",
        "ALTER TABLE terminal ADD COLUMN settings_sealed BLOB",
        "ALTER TABLE terminal ADD COLUMN flashed_sha256 BLOB",
    ),
    3: (),  # new tables only
    4: (
        "ALTER TABLE works ADD COLUMN from_day VARCHAR(10)",
        "ALTER TABLE works ADD COLUMN until_day VARCHAR(10)",
        "ALTER TABLE works ADD COLUMN place TEXT",
        "ALTER TABLE person ADD COLUMN foreign_vat VARCHAR",
        "ALTER TABLE person ADD COLUMN limosa_from VARCHAR(10)",
        "ALTER TABLE person ADD COLUMN limosa_until VARCHAR(10)",
        "ALTER TABLE registration ADD COLUMN regime VARCHAR(8) NOT NULL DEFAULT 'day'",
        "ALTER TABLE registration ADD COLUMN act VARCHAR NOT NULL DEFAULT ''",
        "ALTER TABLE registration ADD COLUMN direction VARCHAR(3)",
        "ALTER TABLE registration ADD COLUMN stream_id INTEGER",
        "ALTER TABLE registration ADD COLUMN seq BIGINT",
        "ALTER TABLE registration ADD COLUMN lease_by VARCHAR",
        "ALTER TABLE registration ADD COLUMN lease_until_ms BIGINT",
        "ALTER TABLE registration ADD COLUMN cancel_reason VARCHAR(15)",
        "ALTER TABLE registration ADD COLUMN checked_ms BIGINT",
        "CREATE INDEX ix_registration_number ON registration (number)",
        "DROP INDEX registration_one_live",
        "CREATE UNIQUE INDEX registration_one_live ON registration "
        "(person_id, works_number, day, act) WHERE state NOT IN ('cancelled', 'dropped')",
        "ALTER TABLE registration_event ADD COLUMN actor VARCHAR NOT NULL DEFAULT 'hub'",
        "ALTER TABLE registration_event ADD COLUMN tap_ms BIGINT",
        "ALTER TABLE registration_event ADD COLUMN reason VARCHAR(15)",
        "ALTER TABLE registration_event ADD COLUMN note VARCHAR",
        # The first step of a registration was not kept before; it goes before all others.
        "INSERT INTO registration_event "
        "(id, reference, at_ms, state, cause, due_ms, actor, tap_ms) SELECT -rowid, reference, "
        "  MIN(changed_ms, COALESCE((SELECT MIN(at_ms) FROM registration_event AS known"
        "    WHERE known.reference = registration.reference), changed_ms)), "
        "  CASE WHEN number IS NULL AND state IN ('held', 'lapsed', 'dropped') "
        "    AND NOT EXISTS (SELECT 1 FROM registration_event AS known "
        "      WHERE known.reference = registration.reference) THEN state ELSE 'due' END, "
        "  CASE WHEN EXISTS (SELECT 1 FROM registration_event AS known "
        "      WHERE known.reference = registration.reference) THEN 'first_tap' ELSE cause END, "
        "  due_ms, 'projection', tap_ms FROM registration",
        "CREATE TRIGGER registration_event_no_update BEFORE UPDATE ON registration_event "
        "BEGIN SELECT RAISE(ABORT, 'a step is never changed'); END",
        "CREATE TRIGGER registration_event_no_delete BEFORE DELETE ON registration_event "
        "BEGIN SELECT RAISE(ABORT, 'a step is never changed'); END",
    ),
}
"""What brings a database of that version to the next one; new tables are made, rows stay.

A new derived table begins empty and is filled from the cursor on: to read the whole inbox here
would keep a hub from starting for minutes. `sitegate rebuild` fills in what came before."""
