"""Run `jackbean` as a module."""

from jackbean.cli.jackbean import main

main()
