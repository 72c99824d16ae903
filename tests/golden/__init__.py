"""What the reference system sent for its events, beside what leaves us for the same ones."""
