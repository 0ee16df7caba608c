"""The running service, put together from the settings, and what commands and pages do with it."""
