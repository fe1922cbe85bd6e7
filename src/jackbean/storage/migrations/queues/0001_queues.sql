-- Queues and their messages. `body` of a queue or a move is the whole record as JSON. Instants are
-- milliseconds since the epoch.

CREATE TABLE queues (
    key  INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL
);

-- Queues that are gone, and have left messages to be swept up.
CREATE TABLE dropped (
    queue INTEGER PRIMARY KEY
);

-- What changes of a message is apart from what does not, which can be a megabyte. `lane` is NULL but in first-in-first-out
-- queues. `carried` is how often a message had been received when it came into its queue.
CREATE TABLE messages (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    queue    INTEGER NOT NULL,
    id       TEXT NOT NULL,
    lane     TEXT,
    sent     INTEGER NOT NULL,
    visible  INTEGER NOT NULL,
    receives INTEGER NOT NULL DEFAULT 0,
    carried  INTEGER NOT NULL DEFAULT 0,
    first    INTEGER NOT NULL DEFAULT 0,
    received INTEGER NOT NULL DEFAULT 0,
    source   TEXT NOT NULL DEFAULT ''
);
CREATE INDEX messages_by_visible ON messages (queue, visible, number);
CREATE INDEX messages_by_sent ON messages (queue, sent);
CREATE INDEX messages_by_lane ON messages (queue, lane, number) WHERE lane IS NOT NULL;
CREATE INDEX received_by_lane ON messages (queue, lane, visible)
    WHERE lane IS NOT NULL AND receives > 0;

CREATE TABLE bodies (
    number     INTEGER PRIMARY KEY,
    body       TEXT NOT NULL,
    attributes TEXT NOT NULL,
    system     TEXT NOT NULL,
    token      TEXT NOT NULL
);

-- A lane that has messages. It hands none out before `free`: the latest instant at which a message
-- of it that was received, or its first one, is visible.
CREATE TABLE lanes (
    queue INTEGER NOT NULL,
    lane  TEXT NOT NULL,
    free  INTEGER NOT NULL,
    PRIMARY KEY (queue, lane)
) WITHOUT ROWID;
CREATE INDEX lanes_by_free ON lanes (queue, free);

CREATE TABLE tokens (
    queue  INTEGER NOT NULL,
    scope  TEXT NOT NULL,
    token  TEXT NOT NULL,
    at     INTEGER NOT NULL,
    id     TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (queue, scope, token)
) WITHOUT ROWID;
CREATE INDEX tokens_by_age ON tokens (queue, at);

CREATE TABLE attempts (
    queue    INTEGER NOT NULL,
    attempt  TEXT NOT NULL,
    at       INTEGER NOT NULL,
    receipts TEXT NOT NULL,
    PRIMARY KEY (queue, attempt)
) WITHOUT ROWID;
CREATE INDEX attempts_by_age ON attempts (queue, at);

CREATE TABLE moves (
    handle  TEXT PRIMARY KEY,
    source  TEXT NOT NULL,
    started REAL NOT NULL,
    body    TEXT NOT NULL
) WITHOUT ROWID;
