"""What `tools/dev.py` is made of; imports only the standard library."""
