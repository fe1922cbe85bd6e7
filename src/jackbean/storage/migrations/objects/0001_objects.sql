-- Names for bytes. `body` is the whole record as JSON; the other columns repeat what is looked up.
-- Keys are UTF-8 in blobs, so that SQLite compares their bytes and a NUL in one ends nothing.

CREATE TABLE buckets (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL
) WITHOUT ROWID;

-- Every digest that has been named here. `orphaned` is when its last name went, in seconds since
-- the epoch, NULL while it has one. Condemned bytes are being deleted: nobody may name them.
CREATE TABLE blobs (
    digest    TEXT PRIMARY KEY,
    orphaned  REAL,
    condemned INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX blobs_orphaned ON blobs (orphaned) WHERE orphaned IS NOT NULL;

CREATE TABLE objects (
    bucket TEXT NOT NULL REFERENCES buckets (name),
    key    BLOB NOT NULL,
    digest TEXT NOT NULL REFERENCES blobs (digest),
    body   TEXT NOT NULL,
    PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
CREATE INDEX objects_by_digest ON objects (digest);

CREATE TABLE uploads (
    id        TEXT PRIMARY KEY,
    bucket    TEXT NOT NULL REFERENCES buckets (name),
    key       BLOB NOT NULL,
    initiated REAL NOT NULL,
    body      TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX uploads_by_key ON uploads (bucket, key, id);
CREATE INDEX uploads_by_age ON uploads (initiated);

CREATE TABLE parts (
    upload TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    digest TEXT NOT NULL REFERENCES blobs (digest),
    body   TEXT NOT NULL,
    PRIMARY KEY (upload, number)
) WITHOUT ROWID;
CREATE INDEX parts_by_digest ON parts (digest);
