BEGIN TRANSACTION;
CREATE TABLE account (
	id INTEGER NOT NULL, 
	login VARCHAR(80) NOT NULL, 
	name VARCHAR(80) NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	company_id INTEGER, 
	person_id INTEGER, 
	language VARCHAR(2) DEFAULT '' NOT NULL, 
	password_hash VARCHAR, 
	totp_sealed BLOB, 
	totp_step BIGINT DEFAULT '0' NOT NULL, 
	oidc_subject VARCHAR, 
	failures INTEGER DEFAULT '0' NOT NULL, 
	locked_until_ms BIGINT DEFAULT '0' NOT NULL, 
	added_ms BIGINT NOT NULL, 
	added_by VARCHAR NOT NULL, 
	disabled_ms BIGINT, 
	PRIMARY KEY (id), 
	UNIQUE (login), 
	FOREIGN KEY(company_id) REFERENCES company (id), 
	FOREIGN KEY(person_id) REFERENCES person (id), 
	UNIQUE (oidc_subject)
);
CREATE TABLE account_site (
	account_id INTEGER NOT NULL, 
	site_id INTEGER NOT NULL, 
	PRIMARY KEY (account_id, site_id), 
	FOREIGN KEY(account_id) REFERENCES account (id), 
	FOREIGN KEY(site_id) REFERENCES site (id)
);
CREATE TABLE act_done (
	act_id INTEGER NOT NULL, 
	person_id INTEGER NOT NULL, 
	site_id INTEGER NOT NULL, 
	place VARCHAR(24) NOT NULL, 
	direction INTEGER NOT NULL, 
	at_ms BIGINT NOT NULL, 
	received_ms BIGINT NOT NULL, 
	PRIMARY KEY (act_id)
);
CREATE TABLE alert (
	id INTEGER NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	subject VARCHAR(64) NOT NULL, 
	site_id INTEGER, 
	details TEXT NOT NULL, 
	amount INTEGER NOT NULL, 
	told_amount INTEGER NOT NULL, 
	first_ms BIGINT NOT NULL, 
	risen_ms BIGINT, 
	calm_ms BIGINT, 
	cleared_ms BIGINT, 
	acked_ms BIGINT, 
	acked_by VARCHAR, 
	ack_note VARCHAR, 
	step INTEGER NOT NULL, 
	step_ms BIGINT, 
	PRIMARY KEY (id)
);
CREATE TABLE alert_telling (
	id INTEGER NOT NULL, 
	alert_id INTEGER NOT NULL, 
	event VARCHAR(12) NOT NULL, 
	channel VARCHAR(8) NOT NULL, 
	recipient VARCHAR NOT NULL, 
	made_ms BIGINT NOT NULL, 
	due_ms BIGINT NOT NULL, 
	notice_id INTEGER, 
	PRIMARY KEY (id), 
	FOREIGN KEY(alert_id) REFERENCES alert (id), 
	FOREIGN KEY(notice_id) REFERENCES notice (id)
);
CREATE TABLE api_token (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	digest BLOB NOT NULL, 
	scopes VARCHAR NOT NULL, 
	added_ms BIGINT NOT NULL, 
	revoked_ms BIGINT, 
	company_id INTEGER, 
	PRIMARY KEY (id), 
	UNIQUE (name), 
	UNIQUE (digest), 
	FOREIGN KEY(company_id) REFERENCES company (id)
);
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
CREATE TABLE audit (
	id INTEGER NOT NULL, 
	at_ms BIGINT NOT NULL, 
	actor VARCHAR NOT NULL, 
	action VARCHAR(32) NOT NULL, 
	subject VARCHAR DEFAULT '' NOT NULL, 
	company_id INTEGER, 
	site_id INTEGER, 
	detail TEXT DEFAULT '{}' NOT NULL, 
	previous BLOB NOT NULL, 
	digest BLOB NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (digest)
);
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
CREATE TABLE badge_event (
	id INTEGER NOT NULL, 
	at_ms BIGINT NOT NULL, 
	tag BLOB NOT NULL, 
	event VARCHAR(12) NOT NULL, 
	person_id INTEGER NOT NULL, 
	actor VARCHAR NOT NULL, 
	note VARCHAR DEFAULT '' NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "badge_event" VALUES(1,7,X'0102030405060708','linked',1,'command','');
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
	number VARCHAR(40) NOT NULL, 
	name VARCHAR NOT NULL, 
	agency INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (number)
);
INSERT INTO "company" VALUES(1,'0999000129','Hoofdaannemer',0);
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
CREATE TABLE erased_run (
	stream_id INTEGER NOT NULL, 
	first_seq BIGINT NOT NULL, 
	last_seq BIGINT NOT NULL, 
	PRIMARY KEY (stream_id, first_seq), 
	FOREIGN KEY(stream_id) REFERENCES stream (id)
);
CREATE TABLE erasure (
	id INTEGER NOT NULL, 
	at_ms BIGINT NOT NULL, 
	data_class VARCHAR(24) NOT NULL, 
	before_day VARCHAR(10), 
	rows INTEGER NOT NULL, 
	actor VARCHAR NOT NULL, 
	PRIMARY KEY (id)
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
CREATE TABLE import_change (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	place VARCHAR(16) NOT NULL, 
	"row" VARCHAR NOT NULL, 
	"before" BLOB, 
	"after" BLOB, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES import_run (id)
);
CREATE TABLE import_run (
	id INTEGER NOT NULL, 
	at_ms BIGINT NOT NULL, 
	actor VARCHAR NOT NULL, 
	company_id INTEGER, 
	rows INTEGER NOT NULL, 
	backup VARCHAR DEFAULT '' NOT NULL, 
	undone_ms BIGINT, 
	undone_by VARCHAR, 
	PRIMARY KEY (id)
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
CREATE TABLE kiosk (
	id VARCHAR(24) NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	site_id INTEGER NOT NULL, 
	terminal_id VARCHAR(24), 
	way VARCHAR(4) NOT NULL, 
	digest BLOB NOT NULL, 
	csrf VARCHAR NOT NULL, 
	pin_hash VARCHAR, 
	lock_minutes INTEGER NOT NULL, 
	open_until_ms BIGINT DEFAULT '0' NOT NULL, 
	opened_by VARCHAR DEFAULT '' NOT NULL, 
	added_ms BIGINT NOT NULL, 
	added_by VARCHAR NOT NULL, 
	seen_ms BIGINT NOT NULL, 
	revoked_ms BIGINT, 
	revoked_by VARCHAR, 
	PRIMARY KEY (id), 
	FOREIGN KEY(site_id) REFERENCES site (id), 
	FOREIGN KEY(terminal_id) REFERENCES terminal (id), 
	UNIQUE (digest)
);
CREATE TABLE link (
	digest BLOB NOT NULL, 
	purpose VARCHAR(12) NOT NULL, 
	account_id INTEGER, 
	person_id INTEGER, 
	made_ms BIGINT NOT NULL, 
	made_by VARCHAR NOT NULL, 
	until_ms BIGINT NOT NULL, 
	used_ms BIGINT, 
	PRIMARY KEY (digest), 
	FOREIGN KEY(account_id) REFERENCES account (id), 
	FOREIGN KEY(person_id) REFERENCES person (id)
);
CREATE TABLE meta (
	"key" VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TABLE newcomer (
	person_id INTEGER NOT NULL, 
	site_id INTEGER NOT NULL, 
	company_id INTEGER, 
	company_said VARCHAR(80) DEFAULT '' NOT NULL, 
	added_ms BIGINT NOT NULL, 
	added_by VARCHAR NOT NULL, 
	settled_ms BIGINT, 
	settled_by VARCHAR, 
	PRIMARY KEY (person_id), 
	FOREIGN KEY(person_id) REFERENCES person (id), 
	FOREIGN KEY(site_id) REFERENCES site (id), 
	FOREIGN KEY(company_id) REFERENCES company (id)
);
CREATE TABLE notice (
	id INTEGER NOT NULL, 
	handle VARCHAR(32) NOT NULL, 
	channel VARCHAR(8) NOT NULL, 
	recipient VARCHAR NOT NULL, 
	language VARCHAR(2) NOT NULL, 
	made_ms BIGINT NOT NULL, 
	content TEXT NOT NULL, 
	attachments BLOB, 
	attempts INTEGER NOT NULL, 
	next_try_ms BIGINT NOT NULL, 
	code VARCHAR(16) NOT NULL, 
	ended_ms BIGINT, 
	state VARCHAR(8) NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (handle)
);
CREATE TABLE notice_channel (
	channel VARCHAR(8) NOT NULL, 
	failures INTEGER NOT NULL, 
	next_try_ms BIGINT NOT NULL, 
	code VARCHAR(16) NOT NULL, 
	last_sent_ms BIGINT, 
	PRIMARY KEY (channel)
);
CREATE TABLE party (
	id INTEGER NOT NULL, 
	works_number VARCHAR(13) NOT NULL, 
	company_id INTEGER NOT NULL, 
	above_id INTEGER, 
	from_day VARCHAR(10), 
	until_day VARCHAR(10), 
	amount_cents BIGINT, 
	added_ms BIGINT NOT NULL, 
	actor VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (works_number, company_id), 
	FOREIGN KEY(works_number) REFERENCES works (number), 
	FOREIGN KEY(company_id) REFERENCES company (id), 
	FOREIGN KEY(above_id) REFERENCES company (id)
);
CREATE TABLE passage_count (
	terminal_id VARCHAR(24) NOT NULL, 
	day VARCHAR(10) NOT NULL, 
	passed INTEGER NOT NULL, 
	PRIMARY KEY (terminal_id, day)
)
 WITHOUT ROWID

;
CREATE TABLE passkey (
	id INTEGER NOT NULL, 
	account_id INTEGER NOT NULL, 
	credential BLOB NOT NULL, 
	public_key BLOB NOT NULL, 
	sign_count BIGINT NOT NULL, 
	name VARCHAR(80) NOT NULL, 
	added_ms BIGINT NOT NULL, 
	used_ms BIGINT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(account_id) REFERENCES account (id), 
	UNIQUE (credential)
);
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
	kind VARCHAR(16) DEFAULT 'employee' NOT NULL, 
	user_company_id INTEGER, 
	added_ms BIGINT DEFAULT '0' NOT NULL, 
	erased_ms BIGINT, sought_as VARCHAR NOT NULL DEFAULT '', 
	PRIMARY KEY (id), 
	UNIQUE (token), 
	FOREIGN KEY(company_id) REFERENCES company (id), 
	FOREIGN KEY(works_number) REFERENCES works (number), 
	FOREIGN KEY(user_company_id) REFERENCES company (id)
);
INSERT INTO "person" VALUES(1,'t1','Müller','Éric',1,'1Y19FAKE001AZ',NULL,NULL,NULL,NULL,'nl',5,NULL,NULL,NULL,'employee',NULL,0,NULL,'eric muller eric');
INSERT INTO "person" VALUES(2,'t2','Twee','Persoon',NULL,'1Y19FAKE001AZ',NULL,NULL,NULL,NULL,'nl',5,NULL,NULL,NULL,'employee',NULL,0,NULL,'persoon twee persoon');
INSERT INTO "person" VALUES(3,'t3','','',NULL,'1Y19FAKE001AZ',NULL,NULL,NULL,NULL,'nl',5,NULL,NULL,NULL,'employee',NULL,0,6,'');
CREATE TABLE phone (
	id VARCHAR(24) NOT NULL, 
	person_id INTEGER NOT NULL, 
	digest BLOB NOT NULL, 
	csrf VARCHAR NOT NULL, 
	added_ms BIGINT NOT NULL, 
	seen_ms BIGINT NOT NULL, 
	until_ms BIGINT NOT NULL, 
	revoked_ms BIGINT, 
	revoked_by VARCHAR, 
	PRIMARY KEY (id), 
	FOREIGN KEY(person_id) REFERENCES person (id), 
	UNIQUE (digest)
);
CREATE TABLE phone_act (
	act_id INTEGER NOT NULL, 
	said_ms BIGINT, 
	ahead_ms BIGINT, 
	latitude FLOAT, 
	longitude FLOAT, 
	PRIMARY KEY (act_id)
);
CREATE TABLE phone_code (
	person_id INTEGER NOT NULL, 
	digest BLOB NOT NULL, 
	made_ms BIGINT NOT NULL, 
	made_by VARCHAR NOT NULL, 
	until_ms BIGINT NOT NULL, 
	PRIMARY KEY (person_id), 
	FOREIGN KEY(person_id) REFERENCES person (id), 
	UNIQUE (digest)
);
CREATE TABLE phone_place (
	phone_id VARCHAR(24) NOT NULL, 
	site_id INTEGER NOT NULL, 
	used_ms BIGINT NOT NULL, 
	PRIMARY KEY (phone_id, site_id), 
	FOREIGN KEY(phone_id) REFERENCES phone (id), 
	FOREIGN KEY(site_id) REFERENCES site (id)
);
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
CREATE TABLE request_key (
	token_id INTEGER NOT NULL, 
	"key" VARCHAR(80) NOT NULL, 
	request BLOB NOT NULL, 
	status INTEGER NOT NULL, 
	answer BLOB NOT NULL, 
	at_ms BIGINT NOT NULL, 
	PRIMARY KEY (token_id, "key"), 
	FOREIGN KEY(token_id) REFERENCES api_token (id)
);
CREATE TABLE roll_call (
	handle VARCHAR(32) NOT NULL, 
	site_id INTEGER NOT NULL, 
	opened_ms BIGINT NOT NULL, 
	opened_by VARCHAR NOT NULL, 
	closed_ms BIGINT, 
	closed_by VARCHAR, 
	PRIMARY KEY (handle), 
	FOREIGN KEY(site_id) REFERENCES site (id)
);
CREATE TABLE roll_call_person (
	handle VARCHAR(32) NOT NULL, 
	person_id INTEGER NOT NULL, 
	added_ms BIGINT NOT NULL, 
	PRIMARY KEY (handle, person_id), 
	FOREIGN KEY(handle) REFERENCES roll_call (handle)
)
 WITHOUT ROWID

;
CREATE TABLE roll_call_tick (
	handle VARCHAR(32) NOT NULL, 
	number INTEGER NOT NULL, 
	person_id INTEGER NOT NULL, 
	mark VARCHAR(8) NOT NULL, 
	at_ms BIGINT NOT NULL, 
	"by" VARCHAR NOT NULL, 
	PRIMARY KEY (handle, number), 
	FOREIGN KEY(handle) REFERENCES roll_call (handle)
)
 WITHOUT ROWID

;
CREATE TABLE site (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	address VARCHAR DEFAULT '' NOT NULL, 
	languages VARCHAR DEFAULT 'nl fr' NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);
INSERT INTO "site" VALUES(1,'Werf Noord','','nl fr');
CREATE TABLE site_phone (
	site_id INTEGER NOT NULL, 
	location VARCHAR(4) NOT NULL, 
	PRIMARY KEY (site_id), 
	FOREIGN KEY(site_id) REFERENCES site (id)
);
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
CREATE TABLE unbadged_act (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	reference VARCHAR(64) NOT NULL, 
	at_ms BIGINT NOT NULL, 
	received_ms BIGINT NOT NULL, 
	after_inbox INTEGER NOT NULL, 
	site_id INTEGER NOT NULL, 
	direction INTEGER NOT NULL, 
	person_id INTEGER NOT NULL, 
	channel VARCHAR(8) NOT NULL, 
	means VARCHAR(8) NOT NULL, 
	place VARCHAR(24) NOT NULL, 
	"case" VARCHAR(12) NOT NULL, 
	reason VARCHAR(24) DEFAULT '' NOT NULL, 
	replaces INTEGER, 
	"by" VARCHAR NOT NULL, 
	UNIQUE (reference), 
	FOREIGN KEY(site_id) REFERENCES site (id)
);
CREATE TABLE visit (
	person_id INTEGER NOT NULL, 
	company VARCHAR(80) DEFAULT '' NOT NULL, 
	host VARCHAR(80) DEFAULT '' NOT NULL, 
	purpose VARCHAR(120) DEFAULT '' NOT NULL, 
	PRIMARY KEY (person_id), 
	FOREIGN KEY(person_id) REFERENCES person (id)
);
CREATE TABLE web_session (
	digest BLOB NOT NULL, 
	account_id INTEGER NOT NULL, 
	csrf VARCHAR NOT NULL, 
	begun_ms BIGINT NOT NULL, 
	seen_ms BIGINT NOT NULL, 
	until_ms BIGINT NOT NULL, 
	complete INTEGER NOT NULL, 
	PRIMARY KEY (digest), 
	FOREIGN KEY(account_id) REFERENCES account (id)
);
CREATE TABLE works (
	number VARCHAR(13) NOT NULL, 
	site_id INTEGER NOT NULL, 
	from_day VARCHAR(10), 
	until_day VARCHAR(10), 
	place TEXT, 
	customer VARCHAR DEFAULT '' NOT NULL, 
	PRIMARY KEY (number), 
	FOREIGN KEY(site_id) REFERENCES site (id)
);
INSERT INTO "works" VALUES('1Y19FAKE001AZ',1,'2026-01-01',NULL,NULL,'');
CREATE TABLE works_regime (
	works_number VARCHAR(13) NOT NULL, 
	from_day VARCHAR(10) NOT NULL, 
	regime VARCHAR(8) NOT NULL, 
	PRIMARY KEY (works_number, from_day), 
	FOREIGN KEY(works_number) REFERENCES works (number)
);
CREATE INDEX presence_by_day ON presence (day);
CREATE INDEX registration_due ON registration (state, due_ms);
CREATE INDEX ix_registration_number ON registration (number);
CREATE INDEX registration_by_day ON registration (day);
CREATE UNIQUE INDEX registration_one_live ON registration (person_id, works_number, day, act) WHERE (state NOT IN ('cancelled', 'dropped'));
CREATE INDEX ix_registration_event_reference ON registration_event (reference);
CREATE TRIGGER registration_event_no_update BEFORE UPDATE ON registration_event BEGIN SELECT RAISE(ABORT, 'a step is never changed'); END;
CREATE TRIGGER registration_event_no_delete BEFORE DELETE ON registration_event BEGIN SELECT RAISE(ABORT, 'a step is never changed'); END;
CREATE TRIGGER evidence_no_update BEFORE UPDATE ON evidence BEGIN SELECT RAISE(ABORT, 'evidence is never changed'); END;
CREATE TRIGGER evidence_no_delete BEFORE DELETE ON evidence BEGIN SELECT RAISE(ABORT, 'evidence is never changed'); END;
CREATE INDEX reconcile_run_by_day ON reconcile_run (day, works_number);
CREATE INDEX ix_badge_event_person_id ON badge_event (person_id);
CREATE INDEX ix_badge_event_tag ON badge_event (tag);
CREATE TRIGGER badge_event_no_update BEFORE UPDATE ON badge_event BEGIN SELECT RAISE(ABORT, 'what happened to a badge is never changed'); END;
CREATE TRIGGER badge_event_no_delete BEFORE DELETE ON badge_event BEGIN SELECT RAISE(ABORT, 'what happened to a badge is never changed'); END;
CREATE INDEX audit_by_subject ON audit (subject);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is never changed'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is never changed'); END;
CREATE INDEX ix_evidence_item_number ON evidence_item (number);
CREATE INDEX evidence_item_by_reference ON evidence_item (reference);
CREATE TRIGGER evidence_item_no_update BEFORE UPDATE ON evidence_item BEGIN SELECT RAISE(ABORT, 'evidence is never changed'); END;
CREATE TRIGGER evidence_item_no_delete BEFORE DELETE ON evidence_item BEGIN SELECT RAISE(ABORT, 'evidence is never changed'); END;
CREATE INDEX ix_reconcile_difference_run_id ON reconcile_difference (run_id);
CREATE INDEX ix_import_change_run_id ON import_change (run_id);
CREATE INDEX ix_party_company_id ON party (company_id);
CREATE UNIQUE INDEX person_one_limosa ON person (limosa_index, coalesce(company_id, 0), coalesce(user_company_id, 0));
CREATE UNIQUE INDEX person_one_inss ON person (inss_index, coalesce(company_id, 0), coalesce(user_company_id, 0));
CREATE INDEX crash_log_of_terminal ON crash_log (terminal_id, boot);
CREATE INDEX tap_by_time ON tap (at_ms);
CREATE INDEX tap_undated ON tap (stream_id, boot) WHERE at_ms IS NULL;
CREATE INDEX gate_event_undated ON gate_event (stream_id, boot) WHERE at_ms IS NULL;
CREATE INDEX gate_event_by_receipt ON gate_event (terminal_id, received_ms);
CREATE TRIGGER inbox_runs_are_disjoint BEFORE INSERT ON inbox
        WHEN EXISTS (
            SELECT 1 FROM (
                SELECT first_seq, count FROM inbox
                WHERE stream_id = NEW.stream_id AND first_seq < NEW.first_seq + NEW.count
                ORDER BY first_seq DESC LIMIT 1
            ) WHERE first_seq + count > NEW.first_seq
        )
        BEGIN SELECT RAISE(ABORT, 'a record is stored already'); END;
CREATE INDEX ix_assignment_company_id ON assignment (company_id);
CREATE INDEX ix_assignment_person_id ON assignment (person_id);
CREATE UNIQUE INDEX plan_entry_one_standing ON plan_entry (person_id, works_number, day) WHERE withdrawn_ms IS NULL;
CREATE INDEX plan_entry_by_day ON plan_entry (day);
CREATE INDEX ix_web_session_account_id ON web_session (account_id);
CREATE INDEX ix_link_account_id ON link (account_id);
CREATE INDEX ix_link_person_id ON link (person_id);
CREATE INDEX ix_passkey_account_id ON passkey (account_id);
CREATE TRIGGER inbox_runs_were_not_erased BEFORE INSERT ON inbox
        WHEN EXISTS (
            SELECT 1 FROM erased_run
            WHERE stream_id = NEW.stream_id AND first_seq < NEW.first_seq + NEW.count
              AND last_seq >= NEW.first_seq
        )
        BEGIN SELECT RAISE(ABORT, 'a record was stored and erased already'); END;
CREATE INDEX person_in_order ON person (family_name, given_name, id);
CREATE INDEX ix_badge_person_id ON badge (person_id);
CREATE INDEX tap_by_receipt ON tap (received_ms);
CREATE INDEX notice_waiting ON notice (channel, id) WHERE state = 'waiting';
CREATE INDEX alert_by_end ON alert (cleared_ms);
CREATE UNIQUE INDEX alert_stands_once ON alert (kind, subject) WHERE cleared_ms IS NULL;
CREATE INDEX alert_by_subject ON alert (kind, subject);
CREATE INDEX ix_act_done_person_id ON act_done (person_id);
CREATE INDEX act_done_by_time ON act_done (at_ms);
CREATE INDEX ix_unbadged_act_person_id ON unbadged_act (person_id);
CREATE INDEX unbadged_act_by_receipt ON unbadged_act (received_ms);
CREATE TRIGGER unbadged_act_no_update BEFORE UPDATE ON unbadged_act BEGIN SELECT RAISE(ABORT, 'an act is never changed'); END;
CREATE TRIGGER unbadged_act_no_delete BEFORE DELETE ON unbadged_act BEGIN SELECT RAISE(ABORT, 'an act is never changed'); END;
CREATE INDEX ix_kiosk_site_id ON kiosk (site_id);
CREATE INDEX ix_newcomer_site_id ON newcomer (site_id);
CREATE INDEX ix_phone_person_id ON phone (person_id);
CREATE INDEX roll_call_by_site ON roll_call (site_id, opened_ms);
CREATE INDEX alert_telling_by_notice ON alert_telling (notice_id);
CREATE INDEX alert_telling_waiting ON alert_telling (id) WHERE notice_id IS NULL;
CREATE INDEX alert_telling_by_alert ON alert_telling (alert_id);
COMMIT;
PRAGMA user_version=7;
