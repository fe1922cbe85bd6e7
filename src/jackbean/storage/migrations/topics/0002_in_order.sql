-- What waits for one subscriber is found in order, however much waits for the others.

CREATE INDEX deliveries_in_order ON deliveries (subscription, due);
DROP INDEX deliveries_by_subscription;
