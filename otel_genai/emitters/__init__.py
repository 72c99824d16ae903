"""Who exports: subscribers of the bus that speak OpenTelemetry."""
