"""The version of the distribution, read by the build and by the instrumentation scopes alike."""

__version__ = "0.1.0"
