"""Show an evaluation as one page of HTML that needs nothing else."""
