"""Where instances run: one package per engine, none of which knows another."""
