"""What people look at: readers of the marts and of ops, and of nothing else."""
