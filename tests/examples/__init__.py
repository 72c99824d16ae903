"""Every example program, run as its users run it."""
