"""A provider of logins (OpenID Connect) with people who do not exist, and with faults."""
