"""The plain way: a paho callback that commits one SQLAlchemy row per message, then answers.

SQLite as SQLAlchemy opens it by default, paho's own loop and socket. Run as
`python -m bench.subjects.plain HOST PORT PASSWORD DATABASE`; prints a line when subscribed.
"""

from __future__ import annotations

import json
import struct
import sys

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import LargeBinary, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from protocol.limits import MAC_SIZE, RECORD_SIZE

HEADER = 14


class Base(DeclarativeBase):
    """Base of the one table."""


class TapRow(Base):
    """One record, as it came."""

    __tablename__ = "tap"
    id: Mapped[int] = mapped_column(primary_key=True)
    terminal: Mapped[str]
    journal: Mapped[bytes] = mapped_column(LargeBinary)
    seq: Mapped[int]
    record: Mapped[bytes] = mapped_column(LargeBinary)


def main(host: str, port: int, password: str, database: str) -> None:
    """Runs until the process is ended."""
    engine = create_engine(f"sqlite:///{database}")
    Base.metadata.create_all(engine)
    session = sessionmaker(engine)
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="hub")
    client.username_pw_set("hub", password)

    def on_message(client: paho.Client, userdata: object, message: paho.MQTTMessage) -> None:
        del userdata
        terminal = message.topic.split("/")[2]
        payload = message.payload
        journal = payload[2:10]
        seq = 0
        with session() as open_session:
            for offset in range(HEADER, len(payload) - MAC_SIZE, RECORD_SIZE):
                record = payload[offset : offset + RECORD_SIZE]
                (seq,) = struct.unpack_from("<I", record)
                row = TapRow(terminal=terminal, journal=journal, seq=seq, record=record)
                open_session.add(row)
            open_session.commit()
        fields = json.dumps(["ack", journal.hex(), seq, []]).encode() + bytes(MAC_SIZE)
        client.publish(f"sitegate/1/{terminal}/down/control", fields, qos=1)

    def subscribe(client: paho.Client, *_: object) -> None:
        client.subscribe("sitegate/1/+/up/batch", 1)

    client.on_message = on_message
    client.on_connect = subscribe
    client.on_subscribe = lambda *_: print("ready", flush=True)
    client.connect(host, port)
    client.loop_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
