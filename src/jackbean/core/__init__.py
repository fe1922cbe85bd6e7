"""The nouns and their rules; standard library only, no I/O, clock, randomness or logging."""
