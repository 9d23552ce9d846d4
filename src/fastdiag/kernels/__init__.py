"""Compiled leaves: arrays and integers in, arrays out. No nouns of the theory, no I/O, no exceptions."""
