"""The presence services of social security, behind `hub.application.ports.AuthorityPort`."""
