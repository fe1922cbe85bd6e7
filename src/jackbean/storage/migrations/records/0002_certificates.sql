-- What deployments did to those who were served meanwhile; never changed. `number` is that of the
-- operation in its environment.
CREATE TABLE certificates (
    environment_id TEXT NOT NULL REFERENCES environments (id),
    number         INTEGER NOT NULL,
    body           TEXT NOT NULL,
    PRIMARY KEY (environment_id, number)
);
