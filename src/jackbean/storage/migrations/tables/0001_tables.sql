-- Tables, their items, and where indexes have them. Keys are bytes that sort as their values do.

CREATE TABLE tables (
    key        INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE,
    definition TEXT NOT NULL,
    created    REAL NOT NULL
);

CREATE TABLE items (
    number  INTEGER PRIMARY KEY,
    tbl     INTEGER NOT NULL REFERENCES tables (key),
    hash    BLOB NOT NULL,
    range   BLOB NOT NULL,
    body    TEXT NOT NULL,
    size    INTEGER NOT NULL,
    expires INTEGER
);
CREATE UNIQUE INDEX items_by_key ON items (tbl, hash, range);
CREATE INDEX items_by_expiry ON items (expires) WHERE expires IS NOT NULL;

CREATE TABLE entries (
    tbl    INTEGER NOT NULL,
    name   TEXT NOT NULL,
    hash   BLOB NOT NULL,
    range  BLOB NOT NULL,
    number INTEGER NOT NULL REFERENCES items (number),
    PRIMARY KEY (tbl, name, hash, range, number)
) WITHOUT ROWID;
CREATE INDEX entries_by_item ON entries (number);

CREATE TABLE tokens (
    token TEXT PRIMARY KEY,
    mark  TEXT NOT NULL,
    made  REAL NOT NULL
) WITHOUT ROWID;
