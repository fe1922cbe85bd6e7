-- Topics, subscriptions, and deliveries that are not settled. `body` is the whole record as JSON.

CREATE TABLE topics (
    arn  TEXT PRIMARY KEY,
    body TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE subscriptions (
    arn   TEXT PRIMARY KEY,
    topic TEXT NOT NULL,
    body  TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX subscriptions_by_topic ON subscriptions (topic);

CREATE TABLE deliveries (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    subscription TEXT NOT NULL,
    due          REAL NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    body         TEXT NOT NULL
);
CREATE INDEX deliveries_by_due ON deliveries (due);
CREATE INDEX deliveries_by_subscription ON deliveries (subscription);
