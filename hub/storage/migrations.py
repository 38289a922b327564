"""What brings the database of an older Sitegate to the present layout, one version at a time."""

from __future__ import annotations

SCHEMA_VERSION = 8
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
    5: (
        "ALTER TABLE site ADD COLUMN address VARCHAR NOT NULL DEFAULT ''",
        "ALTER TABLE site ADD COLUMN languages VARCHAR NOT NULL DEFAULT 'nl fr'",
        "ALTER TABLE works ADD COLUMN customer VARCHAR NOT NULL DEFAULT ''",
        # A foreign company is known by a VAT number, which is longer: the table is made anew.
        "CREATE TABLE company_as_it_will_be (id INTEGER NOT NULL, number VARCHAR(40) NOT NULL, "
        "name VARCHAR NOT NULL, agency INTEGER DEFAULT '0' NOT NULL, PRIMARY KEY (id), "
        "UNIQUE (number))",
        "INSERT INTO company_as_it_will_be (id, number, name) SELECT id, number, name FROM company",
        "DROP TABLE company",
        "ALTER TABLE company_as_it_will_be RENAME TO company",
        # A number is one person's for each employer, no longer one person's of all.
        "CREATE TABLE person_as_it_will_be (id INTEGER NOT NULL, token VARCHAR(32) NOT NULL, "
        "family_name VARCHAR NOT NULL, given_name VARCHAR NOT NULL, company_id INTEGER, "
        "works_number VARCHAR(13) NOT NULL, inss_sealed BLOB, inss_index BLOB, "
        "limosa_sealed BLOB, limosa_index BLOB, language VARCHAR(2) NOT NULL, "
        "changed_ms BIGINT DEFAULT '0' NOT NULL, foreign_vat VARCHAR, limosa_from VARCHAR(10), "
        "limosa_until VARCHAR(10), kind VARCHAR(16) DEFAULT 'employee' NOT NULL, "
        "user_company_id INTEGER, added_ms BIGINT DEFAULT '0' NOT NULL, erased_ms BIGINT, "
        "PRIMARY KEY (id), UNIQUE (token), FOREIGN KEY (company_id) REFERENCES company (id), "
        "FOREIGN KEY (works_number) REFERENCES works (number), "
        "FOREIGN KEY (user_company_id) REFERENCES company (id))",
        "INSERT INTO person_as_it_will_be (id, token, family_name, given_name, company_id, "
        "works_number, inss_sealed, inss_index, limosa_sealed, limosa_index, language, "
        "changed_ms, foreign_vat, limosa_from, limosa_until) SELECT id, token, family_name, "
        "given_name, company_id, works_number, inss_sealed, inss_index, limosa_sealed, "
        "limosa_index, language, changed_ms, foreign_vat, limosa_from, limosa_until FROM person",
        "DROP TABLE person",
        "ALTER TABLE person_as_it_will_be RENAME TO person",
        "CREATE UNIQUE INDEX person_one_inss ON person "
        "(inss_index, coalesce(company_id, 0), coalesce(user_company_id, 0))",
        "CREATE UNIQUE INDEX person_one_limosa ON person "
        "(limosa_index, coalesce(company_id, 0), coalesce(user_company_id, 0))",
        "ALTER TABLE api_token ADD COLUMN company_id INTEGER REFERENCES company (id)",
    ),
    6: (
        "ALTER TABLE person ADD COLUMN sought_as VARCHAR NOT NULL DEFAULT ''",
        "CREATE INDEX person_in_order ON person (family_name, given_name, id)",
        "CREATE INDEX ix_badge_person_id ON badge (person_id)",
        "CREATE INDEX tap_by_receipt ON tap (received_ms)",
    ),
    7: (),  # new tables only
}
"""What brings a database of that version to the next one; new tables are made, rows stay. Foreign
keys are not looked at meanwhile, and all of them afterwards.

A new derived table begins empty and is filled from the cursor on: to read the whole inbox here
would keep a hub from starting for minutes. `sitegate rebuild` fills in what came before."""

AFTERWARDS = {
    5: (
        # Who had which badge was not kept before: the history begins with today's owners.
        "INSERT INTO badge_event (at_ms, tag, event, person_id, actor) "
        "SELECT linked_ms, tag, 'linked', person_id, 'command' FROM badge",
    ),
    6: ("UPDATE person SET sought_as = sought_as(given_name, family_name)",),
}
"""What is done once all tables are there, for a database of that version or an older one."""
