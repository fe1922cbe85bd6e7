#!/bin/sh
# Runs on every instance once the new version is live; see /var/log/eb-hooks.log.
echo "v1 is live in $(pwd), on port $PORT"
