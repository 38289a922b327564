"""The broker beside the hub: nats-server from its wheel, configured, started, watched, restarted.

Every terminal gets a login of its own that may publish under `sitegate/1/<terminal>/up/` and hear
`.../down/`, nothing else; the hub's login may do the reverse for all. In NATS an MQTT topic
`a/b` is the subject `a.b`, and a QoS 1 subscription also needs `$MQTT.sub.>`.

With TLS it shows a certificate of the hub's own CA (`certificates`).

The broker is only a wire: no promise rests on what it stores. When it dies it is started again on
the same port. When the hub was killed, its broker is still running; the next start ends it by the
process number in `broker.pid`, after checking that it is ours.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import structlog

from hub.application.terminals import terminal_of_user
from hub.errors import PermanentError, UsageError
from hub.terminals.certificates import EVERYWHERE, Certificates, client_context

READY_S = 15.0
RESTART_PAUSE_S = 0.5
TLS_HANDSHAKE_S = 15
PAYLOAD_MAX = 16_384
"""Bytes; the longest message of the protocol is far below (docs/protocol.md)."""

log = structlog.get_logger()


def broker_config(
    *,
    store: Path,
    host: str,
    port: int,
    hub_password: str,
    terminals: Iterable[tuple[str, str]],
    server_file: Path | None = None,
) -> str:
    """Returns the configuration file.

    Args:
        store: folder of the broker's own state (retained statuses).
        host, port: where terminals connect.
        hub_password: of the login `hub`.
        terminals: (user name, broker password), see `hub.application.terminals.broker_user`.
        server_file: key and certificate for TLS; None for plain MQTT.
    """
    quote = json.dumps  # the configuration format takes JSON strings
    users = [
        f"    {{user: {Broker.hub_user}, password: {quote(hub_password)}, permissions: {{"
        'publish: ["sitegate.1.*.down.>"], '
        'subscribe: ["sitegate.1.*.up.>", "$MQTT.sub.>"]}}'
    ]
    for user, password in terminals:
        own = f"sitegate.1.{terminal_of_user(user)}"
        users.append(
            f"    {{user: {quote(user)}, password: {quote(password)}, permissions: {{"
            f"publish: [{quote(own + '.up.>')}], "
            f"subscribe: [{quote(own + '.down.>')}, {quote('$MQTT.sub.>')}]}}}}"
        )
    tls = ""
    if server_file is not None:
        file = quote(str(server_file))
        # A Pico takes a second for its part of the handshake; the default of 2 s would cut it off.
        tls = f", tls: {{cert_file: {file}, key_file: {file}, timeout: {TLS_HANDSHAKE_S}}}"
    lines = [
        "server_name: sitegate",
        'listen: "127.0.0.1:-1"',
        f"max_payload: {PAYLOAD_MAX}",
        f"jetstream {{store_dir: {quote(str(store))}, max_mem: 16MB, max_file: 64MB}}",
        f"mqtt {{host: {quote(host)}, port: {port}{tls}}}",
        "authorization {",
        "  users: [",
        *users,
        "  ]",
        "}",
    ]
    return "\n".join(lines) + "\n"


def broker_program() -> str:
    """Returns the path of nats-server: beside this Python first, then on the path.

    Raises:
        PermanentError: HUB-1006 when it is not installed.
    """
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if not found:
        raise PermanentError("HUB-1006", reason="nats-server is not installed")
    return found


def free_port(host: str) -> int:
    """Returns a TCP port of `host` that was free a moment ago."""
    with socket.socket(_family(host)) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


class Broker:
    """One nats-server process for as long as the hub runs.

    Args:
        folder: where configuration, process number, log and state are kept; made if missing.
        host, port: where terminals connect; port 0 takes a free one, kept for all restarts.
        hub_password: of the login `hub`.
        died: called, from the watching thread, each time the process ended unasked.
        certificates: for TLS; None for plain MQTT.
    """

    hub_user = "hub"

    def __init__(
        self,
        folder: Path,
        host: str,
        port: int,
        hub_password: str,
        died: Callable[[], None],
        certificates: Certificates | None = None,
    ) -> None:
        self.host = host
        self.port = port or free_port(host)
        self._folder = folder.absolute()
        self.hub_password = hub_password
        self._died = died
        self._certificates = certificates
        self._program = broker_program()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="broker", daemon=True)

    @property
    def pid(self) -> int | None:
        """Process number while it runs."""
        return self._process.pid if self._process else None

    @property
    def _config(self) -> Path:
        return self._folder / "broker.conf"

    @property
    def connect_host(self) -> str:
        """Where a program on this machine connects."""
        return "127.0.0.1" if self.host in EVERYWHERE else self.host

    def context(self) -> ssl.SSLContext | None:
        """Returns what a client needs to trust this broker, None for plain MQTT."""
        return client_context(self._certificates.ca_pem()) if self._certificates else None

    def renew(self) -> bool:
        """Issues the certificate again if it is time or a name was added; returns whether it did.

        nats-server shows the new one to whoever connects from then on and drops nobody (tried).

        Raises:
            PermanentError: HUB-1021 when the certificate files cannot be used.
        """
        if self._certificates is None or not self._certificates.ensure():
            return False
        log.info("the broker has a new certificate")
        self._reload()
        return True

    def _reload(self) -> None:
        """Has the running process read its configuration and certificate again."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._process.send_signal(signal.SIGHUP)

    def configure(self, terminals: Iterable[tuple[str, str]]) -> None:
        """Writes the configuration for these (terminal id, password) and has it taken over.

        Raises:
            PermanentError: HUB-1021 when the certificate files cannot be used.
        """
        self.renew()
        self._folder.mkdir(parents=True, exist_ok=True)
        text = broker_config(
            store=self._folder / "broker",
            host=self.host,
            port=self.port,
            hub_password=self.hub_password,
            terminals=terminals,
            server_file=self._certificates.server_file if self._certificates else None,
        )
        if self._config.exists() and self._config.read_text() == text:
            return
        temporary = self._config.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        temporary.replace(self._config)
        self._reload()

    def start(self) -> None:
        """Starts the process and returns when terminals can connect.

        Raises:
            PermanentError: HUB-1005 when the port is taken, HUB-1006 when it does not come up.
            UsageError: HUB-1002 when the address is not one of this machine.
        """
        self._end_orphan()
        self._refuse_taken_port()
        self._spawn()
        self._await_ready()
        self._watcher.start()

    def stop(self) -> None:
        """Ends the process; returns when it is gone."""
        self._stopping.set()
        with self._lock:
            process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._watcher.is_alive():
            self._watcher.join()
        (self._folder / "broker.pid").unlink(missing_ok=True)

    def _spawn(self) -> None:
        with self._lock, (self._folder / "broker.log").open("wb") as output:
            if self._stopping.is_set():
                # `stop` came between the decision to start it again and now.
                return
            self._process = subprocess.Popen(
                [self._program, "-c", str(self._config)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # A Ctrl-C at the terminal is for the hub, which then ends the broker in order.
                start_new_session=True,
            )
            (self._folder / "broker.pid").write_text(str(self._process.pid))

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_S
        process = self._process
        while process is not None and time.monotonic() < deadline:
            if process.poll() is not None:
                break
            try:
                socket.create_connection((self.host, self.port), 0.2).close()
                return
            except OSError:
                time.sleep(0.02)
        raise PermanentError("HUB-1006", reason=self._last_words())

    def _refuse_taken_port(self) -> None:
        with socket.socket(_family(self.host)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise PermanentError("HUB-1005", port=self.port) from None
                reason = error.strerror or type(error).__name__
                raise UsageError("HUB-1002", key="broker.host", reason=reason) from None

    def _last_words(self) -> str:
        try:
            lines = (self._folder / "broker.log").read_text(errors="replace").splitlines()
        except OSError:
            return "no log"
        told = [line for line in lines if line.strip()]
        return told[-1][-200:] if told else "empty log"

    def _end_orphan(self) -> None:
        try:
            pid = int((self._folder / "broker.pid").read_text())
        except (OSError, ValueError):
            return
        if not self._is_ours(pid):
            return
        log.warning("ending the broker of a hub that was killed", pid=pid)
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 5
        while self._is_ours(pid) and time.monotonic() < deadline:
            time.sleep(0.02)

    def _is_ours(self, pid: int) -> bool:
        """Whether this is a broker with our configuration; one that ended has no command line."""
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False
        return str(self._config).encode() in command.split(b"\0")

    def _watch(self) -> None:
        while True:
            process = self._process
            if process is None:
                return
            process.wait()
            if self._stopping.is_set():
                return
            log.error("broker ended, starting it again", code=process.returncode)
            self._died()
            if self._stopping.wait(RESTART_PAUSE_S):
                return
            self._spawn()
