BEGIN TRANSACTION;
CREATE TABLE api_token (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	digest BLOB NOT NULL, 
	scopes VARCHAR NOT NULL, 
	added_ms BIGINT NOT NULL, 
	revoked_ms BIGINT, 
	PRIMARY KEY (id), 
	UNIQUE (name), 
	UNIQUE (digest)
);
INSERT INTO "api_token" VALUES(1,'planner',X'00','plan',3,NULL);
CREATE TABLE assignment (
	id INTEGER NOT NULL, 
	works_number VARCHAR(13) NOT NULL, 
	person_id INTEGER, 
	company_id INTEGER, 
	from_day VARCHAR(10), 
	until_day VARCHAR(10), 
	added_ms BIGINT NOT NULL, 
	actor VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(works_number) REFERENCES works (number), 
	FOREIGN KEY(person_id) REFERENCES person (id), 
	FOREIGN KEY(company_id) REFERENCES company (id)
);
INSERT INTO "assignment" VALUES(1,'1Y19FAKE001AZ',2,NULL,NULL,NULL,4,'command');
CREATE TABLE badge (
	tag BLOB NOT NULL, 
	person_id INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	valid_until VARCHAR(10), 
	linked_ms BIGINT NOT NULL, 
	valid_from VARCHAR(10), 
	PRIMARY KEY (tag), 
	FOREIGN KEY(person_id) REFERENCES person (id)
);
INSERT INTO "badge" VALUES(X'0102030405060708',1,'active',NULL,7,NULL);
INSERT INTO "badge" VALUES(X'1112131415161718',2,'blocked',NULL,9,NULL);
CREATE TABLE clock_mark (
	stream_id INTEGER NOT NULL, 
	boot INTEGER NOT NULL, 
	ticks_ms BIGINT NOT NULL, 
	utc_ms BIGINT NOT NULL, 
	PRIMARY KEY (stream_id, boot), 
	FOREIGN KEY(stream_id) REFERENCES stream (id)
);
CREATE TABLE company (
	id INTEGER NOT NULL, 
	number VARCHAR(10) NOT NULL, 
	name VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (number)
);
INSERT INTO "company" VALUES(1,'0999000129','Hoofdaannemer');
CREATE TABLE crash_log (
	id INTEGER NOT NULL, 
	terminal_id VARCHAR(24) NOT NULL, 
	boot INTEGER NOT NULL, 
	start INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	first_ms BIGINT NOT NULL, 
	last_ms BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(terminal_id) REFERENCES terminal (id)
);
CREATE TABLE evidence (
	id INTEGER NOT NULL, 
	at_ms BIGINT NOT NULL, 
	regime VARCHAR(8) NOT NULL, 
	operation VARCHAR(16) NOT NULL, 
	outcome VARCHAR(16) NOT NULL, 
	sealed BLOB NOT NULL, 
	previous BLOB NOT NULL, 
	digest BLOB NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (digest)
);
CREATE TABLE evidence_item (
	evidence_id INTEGER NOT NULL, 
	reference VARCHAR(24) NOT NULL, 
	number BIGINT, 
	PRIMARY KEY (evidence_id, reference), 
	FOREIGN KEY(evidence_id) REFERENCES evidence (id)
);
CREATE TABLE firmware (
	digest VARCHAR(64) NOT NULL, 
	version VARCHAR(32) NOT NULL, 
	size INTEGER NOT NULL, 
	pack BLOB NOT NULL, 
	added_ms BIGINT NOT NULL, 
	PRIMARY KEY (digest)
);
CREATE TABLE firmware_order (
	terminal_id VARCHAR(24) NOT NULL, 
	number BIGINT NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	ordered_ms BIGINT NOT NULL, 
	fetched INTEGER NOT NULL, 
	outcome INTEGER NOT NULL, 
	why INTEGER NOT NULL, 
	outcome_ms BIGINT NOT NULL, 
	PRIMARY KEY (terminal_id), 
	FOREIGN KEY(terminal_id) REFERENCES terminal (id), 
	FOREIGN KEY(digest) REFERENCES firmware (digest)
);
CREATE TABLE firmware_seen (
	terminal_id VARCHAR(24) NOT NULL, 
	version VARCHAR(32) NOT NULL, 
	seen_ms BIGINT NOT NULL, 
	PRIMARY KEY (terminal_id), 
	FOREIGN KEY(terminal_id) REFERENCES terminal (id)
);
CREATE TABLE gap (
	stream_id INTEGER NOT NULL, 
	first_seq BIGINT NOT NULL, 
	last_seq BIGINT NOT NULL, 
	noticed_ms BIGINT NOT NULL, 
	PRIMARY KEY (stream_id, first_seq), 
	FOREIGN KEY(stream_id) REFERENCES stream (id)
);
CREATE TABLE gate_event (
	stream_id INTEGER NOT NULL, 
	seq BIGINT NOT NULL, 
	terminal_id VARCHAR(24) NOT NULL, 
	kind INTEGER NOT NULL, 
	code INTEGER NOT NULL, 
	detail BIGINT NOT NULL, 
	boot INTEGER NOT NULL, 
	ticks_ms BIGINT NOT NULL, 
	at_ms BIGINT, 
	received_ms BIGINT NOT NULL, 
	PRIMARY KEY (stream_id, seq), 
	FOREIGN KEY(stream_id) REFERENCES stream (id)
)
 WITHOUT ROWID

;
CREATE TABLE gate_health (
	terminal_id VARCHAR(24) NOT NULL, 
	said_ms BIGINT NOT NULL, 
	numbers TEXT NOT NULL, 
	PRIMARY KEY (terminal_id), 
	FOREIGN KEY(terminal_id) REFERENCES terminal (id)
);
CREATE TABLE inbox (
	id INTEGER NOT NULL, 
	stream_id INTEGER NOT NULL, 
	first_seq BIGINT NOT NULL, 
	count INTEGER NOT NULL, 
	received_ms BIGINT NOT NULL, 
	records BLOB NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (stream_id, first_seq), 
	FOREIGN KEY(stream_id) REFERENCES stream (id)
);
CREATE TABLE incident (
	id INTEGER NOT NULL, 
	at_ms BIGINT NOT NULL, 
	code VARCHAR NOT NULL, 
	terminal_id VARCHAR(24), 
	detail VARCHAR DEFAULT '' NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE meta (
	"key" VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TABLE passage_count (
	terminal_id VARCHAR(24) NOT NULL, 
	day VARCHAR(10) NOT NULL, 
	passed INTEGER NOT NULL, 
	PRIMARY KEY (terminal_id, day)
)
 WITHOUT ROWID

;
CREATE TABLE person (
	id INTEGER NOT NULL, 
	token VARCHAR(32) NOT NULL, 
	family_name VARCHAR NOT NULL, 
	given_name VARCHAR NOT NULL, 
	company_id INTEGER, 
	works_number VARCHAR(13) NOT NULL, 
	inss_sealed BLOB, 
	inss_index BLOB, 
	limosa_sealed BLOB, 
	limosa_index BLOB, 
	language VARCHAR(2) NOT NULL, 
	changed_ms BIGINT DEFAULT '0' NOT NULL, 
	foreign_vat VARCHAR, 
	limosa_from VARCHAR(10), 
	limosa_until VARCHAR(10), 
	PRIMARY KEY (id), 
	UNIQUE (token), 
	FOREIGN KEY(company_id) REFERENCES company (id), 
	FOREIGN KEY(works_number) REFERENCES works (number), 
	UNIQUE (inss_index), 
	UNIQUE (limosa_index)
);
INSERT INTO "person" VALUES(1,'t1','Een','Persoon',1,'1Y19FAKE001AZ',NULL,NULL,NULL,NULL,'nl',5,NULL,NULL,NULL);
INSERT INTO "person" VALUES(2,'t2','Twee','Persoon',NULL,'1Y19FAKE001AZ',NULL,NULL,NULL,NULL,'nl',5,NULL,NULL,NULL);
CREATE TABLE plan_entry (
	id INTEGER NOT NULL, 
	person_id INTEGER NOT NULL, 
	works_number VARCHAR(13) NOT NULL, 
	day VARCHAR(10) NOT NULL, 
	source VARCHAR NOT NULL, 
	planned_ms BIGINT NOT NULL, 
	actor VARCHAR NOT NULL, 
	withdrawn_ms BIGINT, 
	withdrawn_reason VARCHAR(15), 
	withdrawn_actor VARCHAR, 
	PRIMARY KEY (id), 
	FOREIGN KEY(person_id) REFERENCES person (id), 
	FOREIGN KEY(works_number) REFERENCES works (number)
);
CREATE TABLE plan_pattern (
	id INTEGER NOT NULL, 
	person_id INTEGER NOT NULL, 
	works_number VARCHAR(13) NOT NULL, 
	weekdays INTEGER NOT NULL, 
	from_day VARCHAR(10) NOT NULL, 
	until_day VARCHAR(10), 
	added_ms BIGINT NOT NULL, 
	actor VARCHAR NOT NULL, 
	removed_ms BIGINT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(person_id) REFERENCES person (id), 
	FOREIGN KEY(works_number) REFERENCES works (number)
);
CREATE TABLE presence (
	person_id INTEGER NOT NULL, 
	site_id INTEGER NOT NULL, 
	day VARCHAR(10) NOT NULL, 
	first_in_ms BIGINT, 
	last_ms BIGINT NOT NULL, 
	inside INTEGER NOT NULL, 
	taps INTEGER NOT NULL, 
	received_ms BIGINT NOT NULL, 
	terminal_id VARCHAR(24) NOT NULL, 
	PRIMARY KEY (person_id, site_id, day)
);
CREATE TABLE projection (
	name VARCHAR NOT NULL, 
	inbox_id INTEGER NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE reconcile_difference (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	explained INTEGER NOT NULL, 
	reference VARCHAR(24), 
	number BIGINT, 
	person_id INTEGER, 
	detail VARCHAR DEFAULT '' NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES reconcile_run (id)
);
CREATE TABLE reconcile_run (
	id INTEGER NOT NULL, 
	at_ms BIGINT NOT NULL, 
	works_number VARCHAR(13) NOT NULL, 
	day VARCHAR(10) NOT NULL, 
	regime VARCHAR(8) NOT NULL, 
	actor VARCHAR NOT NULL, 
	rows INTEGER NOT NULL, 
	failed VARCHAR DEFAULT '' NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE registration (
	reference VARCHAR(24) NOT NULL, 
	person_id INTEGER NOT NULL, 
	site_id INTEGER NOT NULL, 
	works_number VARCHAR(13) NOT NULL, 
	day VARCHAR(10) NOT NULL, 
	state VARCHAR NOT NULL, 
	cause VARCHAR NOT NULL, 
	tap_ms BIGINT NOT NULL, 
	due_ms BIGINT NOT NULL, 
	number BIGINT, 
	answer TEXT, 
	changed_ms BIGINT NOT NULL, 
	regime VARCHAR(8) DEFAULT 'day' NOT NULL, 
	act VARCHAR DEFAULT '' NOT NULL, 
	direction VARCHAR(3), 
	stream_id INTEGER, 
	seq BIGINT, 
	lease_by VARCHAR, 
	lease_until_ms BIGINT, 
	cancel_reason VARCHAR(15), 
	checked_ms BIGINT, 
	PRIMARY KEY (reference)
);
CREATE TABLE registration_event (
	id INTEGER NOT NULL, 
	reference VARCHAR(24) NOT NULL, 
	at_ms BIGINT NOT NULL, 
	state VARCHAR NOT NULL, 
	cause VARCHAR NOT NULL, 
	number BIGINT, 
	due_ms BIGINT, 
	answer TEXT, 
	actor VARCHAR DEFAULT 'hub' NOT NULL, 
	tap_ms BIGINT, 
	reason VARCHAR(15), 
	note VARCHAR, 
	PRIMARY KEY (id)
);
CREATE TABLE site (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);
INSERT INTO "site" VALUES(1,'Werf Noord');
CREATE TABLE stream (
	id INTEGER NOT NULL, 
	terminal_id VARCHAR(24) NOT NULL, 
	journal BLOB NOT NULL, 
	first_seen_ms BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (terminal_id, journal), 
	FOREIGN KEY(terminal_id) REFERENCES terminal (id)
);
CREATE TABLE tap (
	stream_id INTEGER NOT NULL, 
	seq BIGINT NOT NULL, 
	terminal_id VARCHAR(24) NOT NULL, 
	direction INTEGER NOT NULL, 
	verdict INTEGER NOT NULL, 
	reason INTEGER NOT NULL, 
	tag BLOB NOT NULL, 
	person_id INTEGER, 
	boot INTEGER NOT NULL, 
	ticks_ms BIGINT NOT NULL, 
	quality INTEGER NOT NULL, 
	at_ms BIGINT, 
	received_ms BIGINT NOT NULL, 
	PRIMARY KEY (stream_id, seq), 
	FOREIGN KEY(stream_id) REFERENCES stream (id)
)
 WITHOUT ROWID

;
CREATE TABLE terminal (
	id VARCHAR(24) NOT NULL, 
	site_id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	lane VARCHAR DEFAULT '' NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	key_sealed BLOB NOT NULL, 
	key_number INTEGER DEFAULT '1' NOT NULL, 
	next_key_sealed BLOB, 
	settings_sealed BLOB, 
	flashed_sha256 BLOB, 
	added_ms BIGINT NOT NULL, 
	revoked_ms BIGINT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(site_id) REFERENCES site (id)
);
CREATE TABLE works (
	number VARCHAR(13) NOT NULL, 
	site_id INTEGER NOT NULL, 
	from_day VARCHAR(10), 
	until_day VARCHAR(10), 
	place TEXT, 
	PRIMARY KEY (number), 
	FOREIGN KEY(site_id) REFERENCES site (id)
);
INSERT INTO "works" VALUES('1Y19FAKE001AZ',1,'2026-01-01',NULL,NULL);
CREATE TABLE works_regime (
	works_number VARCHAR(13) NOT NULL, 
	from_day VARCHAR(10) NOT NULL, 
	regime VARCHAR(8) NOT NULL, 
	PRIMARY KEY (works_number, from_day), 
	FOREIGN KEY(works_number) REFERENCES works (number)
);
CREATE INDEX presence_by_day ON presence (day);
CREATE UNIQUE INDEX registration_one_live ON registration (person_id, works_number, day, act) WHERE (state NOT IN ('cancelled', 'dropped'));
CREATE INDEX registration_due ON registration (state, due_ms);
CREATE INDEX registration_by_day ON registration (day);
CREATE INDEX ix_registration_number ON registration (number);
CREATE INDEX ix_registration_event_reference ON registration_event (reference);
CREATE TRIGGER registration_event_no_update BEFORE UPDATE ON registration_event BEGIN SELECT RAISE(ABORT, 'a step is never changed'); END;
CREATE TRIGGER registration_event_no_delete BEFORE DELETE ON registration_event BEGIN SELECT RAISE(ABORT, 'a step is never changed'); END;
CREATE TRIGGER evidence_no_update BEFORE UPDATE ON evidence BEGIN SELECT RAISE(ABORT, 'evidence is never changed'); END;
CREATE TRIGGER evidence_no_delete BEFORE DELETE ON evidence BEGIN SELECT RAISE(ABORT, 'evidence is never changed'); END;
CREATE INDEX reconcile_run_by_day ON reconcile_run (day, works_number);
CREATE INDEX evidence_item_by_reference ON evidence_item (reference);
CREATE INDEX ix_evidence_item_number ON evidence_item (number);
CREATE TRIGGER evidence_item_no_update BEFORE UPDATE ON evidence_item BEGIN SELECT RAISE(ABORT, 'evidence is never changed'); END;
CREATE TRIGGER evidence_item_no_delete BEFORE DELETE ON evidence_item BEGIN SELECT RAISE(ABORT, 'evidence is never changed'); END;
CREATE INDEX ix_reconcile_difference_run_id ON reconcile_difference (run_id);
CREATE INDEX crash_log_of_terminal ON crash_log (terminal_id, boot);
CREATE INDEX tap_undated ON tap (stream_id, boot) WHERE at_ms IS NULL;
CREATE INDEX tap_by_time ON tap (at_ms);
CREATE INDEX gate_event_by_receipt ON gate_event (terminal_id, received_ms);
CREATE INDEX gate_event_undated ON gate_event (stream_id, boot) WHERE at_ms IS NULL;
CREATE TRIGGER inbox_runs_are_disjoint BEFORE INSERT ON inbox
        WHEN EXISTS (
            SELECT 1 FROM (
                SELECT first_seq, count FROM inbox
                WHERE stream_id = NEW.stream_id AND first_seq < NEW.first_seq + NEW.count
                ORDER BY first_seq DESC LIMIT 1
            ) WHERE first_seq + count > NEW.first_seq
        )
        BEGIN SELECT RAISE(ABORT, 'a record is stored already'); END;
CREATE INDEX ix_assignment_person_id ON assignment (person_id);
CREATE INDEX ix_assignment_company_id ON assignment (company_id);
CREATE INDEX plan_entry_by_day ON plan_entry (day);
CREATE UNIQUE INDEX plan_entry_one_standing ON plan_entry (person_id, works_number, day) WHERE withdrawn_ms IS NULL;
COMMIT;
PRAGMA user_version=5;
