"""What people look at: readers of the marts, and of nothing else."""
