"""Small Protocols, one per noun or capability; acts are idempotent."""
