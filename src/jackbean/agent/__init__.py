"""The program on an instance; standard library only."""
