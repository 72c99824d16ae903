"""Every integration with the real library, against a provider on this machine."""
