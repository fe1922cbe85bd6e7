-- Log groups, streams and events. `body` is the whole record of a group as JSON.
-- A stream's events are in the order in which they are read; `number` is unique and rises.
-- `ends` says how far the files of instances have been taken.

CREATE TABLE log_groups (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE streams (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    log_group  TEXT NOT NULL,
    name       TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    taken_ms   INTEGER,
    size       INTEGER NOT NULL DEFAULT 0,
    UNIQUE (log_group, name)
);

CREATE TABLE events (
    stream   INTEGER NOT NULL,
    at_ms    INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    taken_ms INTEGER NOT NULL,
    text     TEXT NOT NULL,
    PRIMARY KEY (stream, at_ms, number)
) WITHOUT ROWID;

CREATE TABLE ends (
    log_group TEXT NOT NULL,
    source    TEXT NOT NULL,
    path      TEXT NOT NULL,
    file      TEXT NOT NULL,
    position  INTEGER NOT NULL,
    number    INTEGER NOT NULL,
    PRIMARY KEY (log_group, source, path, file)
) WITHOUT ROWID;

CREATE TABLE counter (last INTEGER NOT NULL);
INSERT INTO counter VALUES (0);
