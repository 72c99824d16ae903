"""What observing costs, as ratios to the same thing made by hand and to the peers: `python -m tests.benchmarks`."""
