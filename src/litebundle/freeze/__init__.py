"""A program with the interpreter it runs in: `bundle freeze`."""
