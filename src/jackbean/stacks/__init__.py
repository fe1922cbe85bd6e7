"""Templates: synthesis from an environment, and the diff that decides what is replaced."""
