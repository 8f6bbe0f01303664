"""Which packages need real files beside their code, and which files."""
