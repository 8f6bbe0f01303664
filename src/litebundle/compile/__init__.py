"""Entries to code objects: the interpreter that will run the code compiles it, in workers."""
