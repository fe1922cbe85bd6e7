"""The verbs of `jb`, a module each: `command` is what runs."""
