"""Runs the simulated provider of logins until it is interrupted.

    python -m simulator.identity --port 8300 --returns-to http://localhost:8080/login/elsewhere/back

It says which settings a hub needs for it. Nobody in it exists.
"""

from __future__ import annotations

import argparse
import sys

import uvicorn

from simulator.authority.clock import system_now_ms
from simulator.authority.server import base_url, listen
from simulator.identity.app import identity_app
from simulator.identity.provider import FAULTS, Client, IdentityProvider


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m simulator.identity", description=__doc__)
    parser.add_argument("--port", type=int, default=8300, help="TCP port on this machine; 0: free")
    parser.add_argument("--client", default="sitegate", help="what it calls the hub")
    parser.add_argument("--secret", default="", help="the hub's secret; empty: it has none")
    parser.add_argument(
        "--returns-to",
        action="append",
        default=[],
        help="where people are sent back; none: anywhere",
    )
    parser.add_argument("--algorithm", choices=("RS256", "PS256", "ES256"), default="ES256")
    parser.add_argument("--fault", choices=FAULTS, default="", help="what is wrong with it")
    given = parser.parse_args()
    try:
        listener = listen("127.0.0.1", given.port)
    except OSError as error:
        print(f"Port {given.port}: {error.strerror}", file=sys.stderr)
        return 1
    client = Client(given.client, given.secret, tuple(given.returns_to))
    provider = IdentityProvider(base_url(listener), client, system_now_ms, given.algorithm)
    provider.fault = given.fault
    print(f'[oidc]\nissuer = "{provider.issuer}"\nclient_id = "{client.id}"', flush=True)
    server = uvicorn.Server(uvicorn.Config(identity_app(provider), log_level="warning"))
    with listener:
        server.run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
