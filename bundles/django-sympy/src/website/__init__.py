"""A site that has an admin, and nothing else."""
