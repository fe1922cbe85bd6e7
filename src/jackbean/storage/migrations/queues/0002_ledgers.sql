-- What became of the minutes at which periodic tasks were due, and of messages that were posted.
-- `body` of an account is the whole record as JSON. Instants are milliseconds since the epoch.

CREATE TABLE accounts (
    environment TEXT PRIMARY KEY,
    revision    INTEGER NOT NULL,
    body        TEXT NOT NULL
) WITHOUT ROWID;

-- A line is a message (`number`, in `queue`), or minutes that were skipped for a `reason`. `ended`
-- is how a message ended that nobody deleted.
CREATE TABLE firings (
    environment TEXT NOT NULL,
    task        TEXT NOT NULL,
    at          INTEGER NOT NULL,
    last        INTEGER NOT NULL,
    count       INTEGER NOT NULL,
    release     INTEGER NOT NULL,
    url         TEXT NOT NULL,
    schedule    TEXT NOT NULL,
    reason      TEXT NOT NULL DEFAULT '',
    queue       INTEGER,
    number      INTEGER,
    id          TEXT NOT NULL DEFAULT '',
    ended       TEXT NOT NULL DEFAULT '',
    receives    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (environment, task, at)
) WITHOUT ROWID;
CREATE INDEX firings_by_last ON firings (environment, last);
CREATE INDEX firings_by_at ON firings (environment, at);
CREATE INDEX firings_by_number ON firings (number) WHERE number IS NOT NULL;

-- What came of posting a message of `queue`, by worker instances. `kept` are those of dead letters,
-- which do not count among the last ones of the queue.
CREATE TABLE tries (
    number   INTEGER NOT NULL,
    receives INTEGER NOT NULL,
    queue    INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    ms       INTEGER NOT NULL,
    status   INTEGER NOT NULL,
    error    TEXT NOT NULL,
    instance TEXT NOT NULL,
    id       TEXT NOT NULL,
    task     TEXT NOT NULL,
    kept     INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (number, receives)
) WITHOUT ROWID;
CREATE INDEX tries_by_age ON tries (queue, at) WHERE NOT kept;
CREATE INDEX tries_kept ON tries (queue, number) WHERE kept;
