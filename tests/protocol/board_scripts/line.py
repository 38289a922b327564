"""A terminal, a hub and a bad wire between them, for tests on both interpreters.

`Line` owns both ends and every fault: messages are lost, repeated, delayed and reordered because a
step picks any waiting message; either side crashes and is rebuilt from what survives (the journal,
the hub's committed rows). It checks after each step what must never happen and raises
AssertionError, so that a driver only has to choose steps.
"""

from protocol.errors import RemoteProtocolError
from protocol.sync import Receiver, Sender

RESEND_MS = 1000


class Terminal:
    """The journal survives a crash; the Sender does not."""

    def __init__(self):
        self.floor = 1  # oldest held, as the flash has it
        self.head = 0
        self.unreadable = set()
        self.connected = False
        self.restarts = 0
        self.sender = Sender(1, 0, resend_ms=RESEND_MS)

    def tap(self):
        self.head += 1
        self.sender.appended(self.head)

    def crash(self):
        self.connected = False
        self.restarts += 1
        self.sender = Sender(self.floor, self.head, resend_ms=RESEND_MS)

    def spoil(self, seq):
        """Flash rots: the journal cannot read `seq` any more."""
        if self.floor <= seq <= self.head:
            self.unreadable.add(seq)

    def read(self, first, count):
        """Returns the numbers as records, or the run that cannot be read."""
        for seq in range(first, first + count):
            assert self.floor <= seq <= self.head, "asked for a record the journal does not hold"
            if seq in self.unreadable:
                last = seq
                while last + 1 < first + count and last + 1 in self.unreadable:
                    last += 1
                return None, (seq, last)
        return list(range(first, first + count)), None


class Hub:
    """`rows` is the database: what is in it survives a crash, the queue and the Receiver do not."""

    def __init__(self):
        self.rows = {}  # sequence number -> "record" or "gap"
        self.queue = []  # (first, last, kind) offered and not committed
        self.receiver = Receiver()

    def runs(self):
        """Returns the committed rows as runs."""
        found = []
        for seq in sorted(self.rows):
            if found and found[-1][1] + 1 == seq:
                found[-1] = (found[-1][0], seq)
            else:
                found.append((seq, seq))
        return found

    def crash(self):
        self.queue = []
        self.receiver = Receiver(0, self.runs())

    def commit(self):
        """Commits the oldest offer; a number that is already a row would be a second fact."""
        first, last, kind = self.queue.pop(0)
        for seq in range(first, last + 1):
            assert seq not in self.rows, "a record came twice"
            self.rows[seq] = kind
        self.receiver.committed(first, last)

    def fail(self):
        """The database refused: nothing of the queue was committed."""
        self.queue = []
        self.receiver.abandoned()

    def ack(self):
        upto, ranges = self.receiver.ack()
        for seq in range(1, upto + 1):
            assert seq in self.rows, "acked and not committed"
        assert len(ranges) <= 8
        before = upto
        for first, last in ranges:
            assert before + 1 < first <= last, "ranges touch or overlap"
            before = last
            for seq in range(first, last + 1):
                assert seq in self.rows, "acked and not committed"
        return ("ack", upto, ranges)

    def take(self, message):
        """Returns the answers that need no commit."""
        name = message[0]
        if name == "hello":
            self.add(self.receiver.hello(message[1], message[2]), "gap")
            return [self.ack()]
        if name == "lost":
            new = self.receiver.lost(message[1], message[2])
            self.add(new, "gap")
        else:
            _name, floor, first, records = message
            self.add(self.receiver.hello(floor, first + len(records) - 1), "gap")
            new = self.receiver.offer(first, len(records))
            for low, high in new:
                assert first <= low <= high < first + len(records)
            self.add(new, "record")
        return [] if new else [self.ack()]

    def add(self, new, kind):
        for first, last in new:
            self.queue.append((first, last, kind))


class Line:
    """Terminal, hub and what is on its way; `trace` gets every step as one line of text."""

    def __init__(self, trace=None):
        self.terminal = Terminal()
        self.hub = Hub()
        self.up = []
        self.down = []
        self.now_ms = 0
        self.trace = trace

    def note(self, *what):
        if self.trace is not None:
            self.trace(" ".join(str(part) for part in what))

    def pump(self):
        """Sends all the Sender gives."""
        sender = self.terminal.sender
        while True:
            step = sender.next(self.now_ms)
            if step is None:
                break
            self.note("send", step)
            if step[0] == "batch":
                records, missing = self.terminal.read(step[1], step[2])
                if missing is not None:
                    sender.missing(missing[0], missing[1])
                    continue
                self.up.append(("batch", self.terminal.floor, step[1], records))
            else:
                self.up.append(step)
        wait_ms = sender.wait_ms(self.now_ms)
        assert wait_ms is None or wait_ms > 0, "would spin"
        self.note("unsent", sender.unsent, "wait", wait_ms)

    def connect(self):
        self.terminal.connected = True
        self.terminal.sender.connected(self.now_ms)
        self.pump()

    def disconnect(self):
        """The link goes; what is on its way may still arrive."""
        self.terminal.connected = False
        self.terminal.sender.disconnected()
        assert self.terminal.sender.next(self.now_ms) is None
        assert self.terminal.sender.wait_ms(self.now_ms) is None

    def tap(self):
        self.terminal.tap()
        self.pump()

    def pass_time(self, ms):
        self.now_ms += ms
        self.pump()

    def arrive_up(self, index, keep):
        """The hub gets one waiting message; `keep`: it stays on the wire and comes again."""
        if self.up:
            index %= len(self.up)
            message = self.up[index] if keep else self.up.pop(index)
            answers = self.hub.take(message)
            self.note("hub", message[0], answers, self.hub.queue)
            self.down.extend(answers)

    def arrive_down(self, index, keep):
        """The terminal gets one waiting message."""
        if not self.down:
            return
        index %= len(self.down)
        message = self.down[index] if keep else self.down.pop(index)
        if not self.terminal.connected:
            return
        if message[0] == "want":
            self.terminal.sender.wanted(message[1])
        else:
            self.acked(message[1], message[2])
        self.pump()

    def acked(self, upto, ranges):
        floor = self.terminal.sender.acked(upto, ranges, self.now_ms)
        self.note("floor", floor)
        if floor is not None:
            for seq in range(self.terminal.floor, floor):
                assert seq in self.hub.rows, "freed and not committed"
            assert floor > self.terminal.floor, "the floor fell"
            self.terminal.floor = floor
        try:
            self.terminal.sender.acked(self.terminal.head + 1, (), self.now_ms)
            raise AssertionError("an ack above head was taken")
        except RemoteProtocolError:
            assert self.terminal.sender.floor == self.terminal.floor

    def drop(self, up, index):
        queue = self.up if up else self.down
        if queue:
            queue.pop(index % len(queue))

    def commit(self):
        if self.hub.queue:
            self.hub.commit()
            self.down.append(self.hub.ack())

    def crash_terminal(self):
        self.terminal.crash()

    def crash_hub(self):
        self.hub.crash()

    def want(self):
        ranges = self.hub.receiver.want()
        self.note("want", ranges)
        assert len(ranges) <= 8
        for first, last in ranges:
            for seq in range(first, last + 1):
                assert seq not in self.hub.rows
        if ranges:
            self.down.append(("want", ranges))

    def heal(self, lose):
        """Ends all faults; returns how many rounds it took until nothing is left to say.

        `lose`: first all that is on its way vanishes, and all that was offered and not committed.
        """
        if lose:
            self.up = []
            self.down = []
            self.hub.crash()
        if not self.terminal.connected:
            self.connect()
        rounds = 0
        while True:
            rounds += 1
            assert rounds < 500, "does not come to rest"
            while self.up or self.down or self.hub.queue:
                self.arrive_up(0, False)
                self.commit()
                self.arrive_down(0, False)
            wait_ms = self.terminal.sender.wait_ms(self.now_ms)
            if wait_ms is None:
                return rounds
            self.pass_time(wait_ms)

    def check_rest(self):
        """After `heal`: every record is one row, unless the journal could not read it."""
        terminal = self.terminal
        assert sorted(self.hub.rows) == list(range(1, terminal.head + 1)), "a record is missing"
        for seq, kind in self.hub.rows.items():
            assert kind == "record" or seq in terminal.unreadable, "a readable record became a gap"
        assert terminal.floor == terminal.head + 1, "the journal is not empty"
        assert terminal.sender.unsent == 0
        assert self.hub.receiver.upto == terminal.head
        assert self.hub.receiver.ack()[1] == []


def step(line, number, argument):
    """Does one of the 20 kinds of steps; `argument` picks the message, the number or the time."""
    number %= 20
    if number < 4:
        for _ in range(argument % 20 + 1):
            line.tap()
    elif number < 7:
        line.arrive_up(argument if number == 4 else 0, False)
    elif number < 10:
        line.arrive_down(argument if number == 7 else 0, False)
    elif number == 10:
        line.arrive_up(argument, True)
    elif number == 11:
        line.arrive_down(argument, True)
    elif number == 12:
        line.drop(True, argument)
        line.drop(False, argument)
    elif number == 13:
        line.pass_time(argument * 37 % (2 * RESEND_MS))
    elif number < 16:
        line.commit()
    elif number == 16:
        if argument % 3 == 0:
            line.hub.fail()
        elif argument % 3 == 1:
            line.crash_hub()
        else:
            line.crash_terminal()
    elif number == 17:
        if argument % 2:
            line.disconnect()
        else:
            line.connect()
    elif number == 18:
        line.terminal.spoil(line.terminal.floor + argument % 40)
    else:
        line.want()
