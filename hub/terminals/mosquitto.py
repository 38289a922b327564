"""The configuration of a Mosquitto that stands in for the hub's own broker.

For sites whose policy demands the broker they know. Four files in one folder: `mosquitto.conf`
includes nothing and names the others by their full path, so the folder belongs where Mosquitto
will read it. What is written grants what `broker` grants on nats-server, with one difference:
Mosquitto accepts any subscription and then delivers nothing of it (its ACL file is looked at for
each message), so a gate that asks for more than its own is not told so, and hears nothing.

`use_username_as_clientid` keeps a gate from taking over another's connection by its client id.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hub.application.terminals import terminal_of_user
from hub.errors import UsageError
from hub.terminals.certificates import EVERYWHERE
from protocol.topics import DOWN_LEAVES, UP_LEAVES

CONFIG = "mosquitto.conf"
ACL = "acl"
PASSWORDS = "passwords"
CA = "ca.pem"
SERVER = "server.pem"

ITERATIONS = 101
"""What `mosquitto_passwd` of Mosquitto 2 uses. Passwords here are 128 bits of a key: no number of
iterations makes a search through them possible or impossible."""
SALT_BYTES = 12
PACKET_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Login:
    """A user of the broker."""

    name: str
    password: str


def password_line(login: Login, salt: bytes | None = None) -> str:
    """Returns the line of `mosquitto_passwd` for a login: PBKDF2 with SHA-512, format ``$7$``.

    Args:
        login: whose.
        salt: for a fixed result; None takes a random one.
    """
    salt = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", login.password.encode(), salt, ITERATIONS)
    told = [base64.b64encode(part).decode() for part in (salt, digest)]
    return f"{login.name}:$7${ITERATIONS}${told[0]}${told[1]}"


def acl_text(hub: str, users: Iterable[str]) -> str:
    """Returns the access list: each terminal its own topics, the hub the other end of all."""
    lines = ["# Written by `sitegate broker config`.", "", f"user {hub}"]
    lines += [f"topic read sitegate/1/+/up/{leaf}" for leaf in UP_LEAVES]
    lines += [f"topic write sitegate/1/+/down/{leaf}" for leaf in DOWN_LEAVES]
    for user in users:
        own = f"sitegate/1/{terminal_of_user(user)}"
        lines += ["", f"user {user}"]
        lines += [f"topic write {own}/up/{leaf}" for leaf in UP_LEAVES]
        lines += [f"topic read {own}/down/{leaf}" for leaf in DOWN_LEAVES]
    return "\n".join(lines) + "\n"


def config_text(folder: Path, host: str, port: int, encrypted: bool) -> str:
    """Returns `mosquitto.conf` for Mosquitto 2.

    Args:
        folder: where the files will lie, absolute.
        host, port: where it listens; a host that means every address names none.
        encrypted: with TLS 1.2 or newer.
    """
    listener = f"listener {port}" if host in EVERYWHERE else f"listener {port} {host}"
    lines = [
        "# Written by `sitegate broker config`.",
        listener,
        "allow_anonymous false",
        f"password_file {folder / PASSWORDS}",
        f"acl_file {folder / ACL}",
        "use_username_as_clientid true",
        "# Gates keep what was not acknowledged by the hub: the broker is only a wire.",
        "persistence false",
        f"max_packet_size {PACKET_MAX}",
        "set_tcp_nodelay true",
    ]
    if encrypted:
        lines += [
            f"certfile {folder / SERVER}",
            f"keyfile {folder / SERVER}",
            "tls_version tlsv1.2",
        ]
    return "\n".join(lines) + "\n"


def write_config(
    folder: Path,
    host: str,
    port: int,
    hub: Login,
    terminals: Iterable[Login],
    server_pem: bytes | None,
    ca_pem: str,
) -> list[Path]:
    """Writes all files anew, each whole and for its owner only; returns their paths.

    Args:
        folder: made if missing.
        host, port: where it listens.
        hub: the hub's login.
        terminals: logins of the gates.
        server_pem: key and certificate of the broker; None for plain MQTT.
        ca_pem: the CA, for whoever looks after the broker.

    Raises:
        UsageError: HUB-1013 when a file cannot be written.
    """
    folder = folder.absolute()
    logins = list(terminals)
    files = {
        CONFIG: config_text(folder, host, port, server_pem is not None).encode(),
        ACL: acl_text(hub.name, [login.name for login in logins]).encode(),
        PASSWORDS: "".join(password_line(login) + "\n" for login in (hub, *logins)).encode(),
    }
    if server_pem is not None:
        files[SERVER] = server_pem
        files[CA] = ca_pem.encode()
    written = []
    for name, content in files.items():
        path = folder / name
        temporary = path.with_suffix(".new")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            temporary.unlink(missing_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            temporary.replace(path)
        except OSError as error:
            raise UsageError("HUB-1013", file=str(path), reason=type(error).__name__) from None
        written.append(path)
    return written
