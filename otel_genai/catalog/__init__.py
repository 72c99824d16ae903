"""What everything is called outside: one row per attribute, metric and span, and nowhere else."""
