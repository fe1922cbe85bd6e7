-- Records of the control plane. `body` is the whole record as JSON; the other columns repeat what
-- is looked up. `position` is the order of creation. References are checked at once, by SQLite.

CREATE TABLE applications (
    position INTEGER PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    body     TEXT NOT NULL
);

CREATE TABLE versions (
    position    INTEGER PRIMARY KEY,
    application TEXT NOT NULL REFERENCES applications (name) ON DELETE CASCADE,
    label       TEXT NOT NULL,
    body        TEXT NOT NULL,
    UNIQUE (application, label)
);

-- `application` is no reference: a terminated environment may outlive its application.
CREATE TABLE environments (
    position      INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    revision      INTEGER NOT NULL,
    name          TEXT NOT NULL,
    application   TEXT NOT NULL,
    cname_prefix  TEXT NOT NULL,
    slot          INTEGER NOT NULL,
    version_label TEXT,
    terminated_at REAL,  -- seconds since the epoch; NULL while it lives
    body          TEXT NOT NULL
);
CREATE INDEX environments_by_end ON environments (terminated_at);

-- What one living environment at a time may hold: a name, a CNAME prefix, a slot.
CREATE TABLE claims (
    kind           TEXT NOT NULL,
    value          TEXT NOT NULL,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    PRIMARY KEY (kind, value)
) WITHOUT ROWID;
CREATE INDEX claims_by_environment ON claims (environment_id);

CREATE TABLE releases (
    environment_id TEXT NOT NULL REFERENCES environments (id),
    number         INTEGER NOT NULL,
    body           TEXT NOT NULL,
    PRIMARY KEY (environment_id, number)
);

-- `message` is UTF-8 that may hold lone surrogates, which TEXT cannot.
CREATE TABLE events (
    id             INTEGER PRIMARY KEY,
    scope          TEXT NOT NULL,
    date_ms        INTEGER NOT NULL,
    level          INTEGER NOT NULL,
    severity       TEXT NOT NULL,
    application    TEXT NOT NULL,
    environment    TEXT NOT NULL,
    environment_id TEXT NOT NULL,
    version_label  TEXT NOT NULL,
    request_id     TEXT NOT NULL,
    platform_arn   TEXT NOT NULL,
    message        BLOB NOT NULL
);
CREATE UNIQUE INDEX events_by_scope ON events (scope, date_ms);
CREATE INDEX events_by_date ON events (date_ms);
CREATE INDEX events_by_application ON events (application, date_ms);
CREATE INDEX events_by_environment ON events (environment, date_ms) WHERE environment <> '';
CREATE INDEX events_by_request ON events (request_id, date_ms) WHERE request_id <> '';

-- The last date given in each scope, kept although its events are forgotten.
CREATE TABLE scopes (
    scope   TEXT PRIMARY KEY,
    last_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE documents (
    kind TEXT NOT NULL,
    key  TEXT NOT NULL,
    body BLOB NOT NULL,  -- UTF-8, as with messages
    PRIMARY KEY (kind, key)
);
