"""What builds keep for the next one: code and deflated files by content, digests by file."""
