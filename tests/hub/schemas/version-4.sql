BEGIN TRANSACTION;
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
	PRIMARY KEY (id), 
	UNIQUE (token), 
	FOREIGN KEY(company_id) REFERENCES company (id), 
	FOREIGN KEY(works_number) REFERENCES works (number), 
	UNIQUE (inss_index), 
	UNIQUE (limosa_index)
);
INSERT INTO "person" VALUES(1,'t1','Een','Persoon',1,'1Y19FAKE001AZ',NULL,NULL,NULL,NULL,'nl',5);
INSERT INTO "person" VALUES(2,'t2','Twee','Persoon',1,'1Y19FAKE001AZ',NULL,NULL,NULL,NULL,'nl',5);
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
	PRIMARY KEY (reference)
);
INSERT INTO "registration" VALUES('aaaaaaaaaaaaaaaaaaaaaaaa',1,1,'1Y19FAKE001AZ','2026-11-23','registered','answered',1000,1100,900000000000001,'{}',1300);
INSERT INTO "registration" VALUES('bbbbbbbbbbbbbbbbbbbbbbbb',2,1,'1Y19FAKE001AZ','2026-11-23','held','no_identity',1000,1100,NULL,NULL,1100);
CREATE TABLE registration_event (
	id INTEGER NOT NULL, 
	reference VARCHAR(24) NOT NULL, 
	at_ms BIGINT NOT NULL, 
	state VARCHAR NOT NULL, 
	cause VARCHAR NOT NULL, 
	number BIGINT, 
	due_ms BIGINT, 
	answer TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "registration_event" VALUES(1,'aaaaaaaaaaaaaaaaaaaaaaaa',1200,'sending','claimed',NULL,NULL,NULL);
INSERT INTO "registration_event" VALUES(2,'aaaaaaaaaaaaaaaaaaaaaaaa',1300,'registered','answered',900000000000001,NULL,'{}');
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
INSERT INTO "terminal" VALUES('gate-1',1,'Poort 1','','in',X'00',1,NULL,NULL,NULL,1,NULL);
CREATE TABLE works (
	number VARCHAR(13) NOT NULL, 
	site_id INTEGER NOT NULL, 
	PRIMARY KEY (number), 
	FOREIGN KEY(site_id) REFERENCES site (id)
);
INSERT INTO "works" VALUES('1Y19FAKE001AZ',1);
CREATE INDEX ix_registration_event_reference ON registration_event (reference);
CREATE INDEX presence_by_day ON presence (day);
CREATE INDEX registration_due ON registration (state, due_ms);
CREATE UNIQUE INDEX registration_one_live ON registration (person_id, works_number, day) WHERE (state NOT IN ('cancelled', 'dropped'));
CREATE INDEX registration_by_day ON registration (day);
CREATE INDEX crash_log_of_terminal ON crash_log (terminal_id, boot);
CREATE TRIGGER inbox_runs_are_disjoint BEFORE INSERT ON inbox
        WHEN EXISTS (
            SELECT 1 FROM (
                SELECT first_seq, count FROM inbox
                WHERE stream_id = NEW.stream_id AND first_seq < NEW.first_seq + NEW.count
                ORDER BY first_seq DESC LIMIT 1
            ) WHERE first_seq + count > NEW.first_seq
        )
        BEGIN SELECT RAISE(ABORT, 'a record is stored already'); END;
CREATE INDEX tap_by_time ON tap (at_ms);
CREATE INDEX tap_undated ON tap (stream_id, boot) WHERE at_ms IS NULL;
CREATE INDEX gate_event_undated ON gate_event (stream_id, boot) WHERE at_ms IS NULL;
CREATE INDEX gate_event_by_receipt ON gate_event (terminal_id, received_ms);
COMMIT;
PRAGMA user_version=4;
