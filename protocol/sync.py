"""How records get from a journal to the hub: each exactly once, in the end, whatever the wire does.

Two state machines without input or output, one pair for each journal: `Sender` in the terminal,
`Receiver` in the hub. They say what to send next and what is new; others read, sign and carry.
"""

# THEORY OF OPERATION
#
# The journal is the only queue. A record has a sequence number; numbers rise by one and are never
# given twice within a journal. The Sender keeps no list of what it has to send: that follows from
# floor..head less what is acked, unreadable or in flight, and these three are a handful of runs.
# A restart of the terminal loses only that handful.
#
# 1. Only the hub's commit counts. The Receiver knows two sets: committed and offered. `ack` speaks
#    of the first alone, so an ack never promises what a crash can take back. The journal frees a
#    record when the floor passes it, and only an ack moves the floor.
# 2. Repeating is always allowed. The Receiver hands out each number once (`offer` returns what is
#    neither committed nor offered); when a commit fails the offers are forgotten (`abandoned`) and
#    the next repeat is new again. So every doubt is settled by saying it again.
# 3. A connection starts with hello (floor, head), and nothing else is sent until an ack answers.
#    The answer says what the hub has, so a reconnect repeats nothing the hub holds; and while
#    nobody listens, or the link flaps, a terminal costs one small message each `resend_ms` and not
#    a window of batches.
# 4. A batch without an ack for `resend_ms` is unsent again. If no ack at all came in that time, the
#    peer is in doubt and not the batch: back to 3. What was acked beyond the floor counts for one
#    greeting only, so a hub that was restored from a backup is simply asked again.
# 5. Two lanes share the window. Numbers up to the head at the time of the hello are backlog, sent
#    from the lowest up; later ones are live. The backlog never takes the last slot, so a tap made
#    now waits for one round trip at most, however long the backlog is. The live lane has one slot
#    until the backlog is all in flight; then it may use all.
# 6. A number can be lost for ever: the journal cannot read it (`missing`, reported as lost), or the
#    hub does not hold it and the floor is above it (hub restored from a backup). The hub commits
#    the run as a gap; that is a fact like a record, final, and the cumulative ack passes it.
# 7. An ack or want for a number above head is a RemoteProtocolError and changes nothing: the hub
#    holds numbers this journal would give out again, for example because an old flash image was
#    put back. Clamping would let the next taps be taken for repeats and vanish. The caller starts a
#    new journal (a new id, a new stream).
# 8. Everything is bounded. Sender: the window, LOST_MAX unanswered lost runs, ACKED_MAX acked runs
#    (what is forgotten is repeated, harmlessly). Receiver: RUNS_MAX runs beyond `upto`; an offer
#    that would make more is refused, that is returned as nothing and not acked. Two exceptions
#    keep this from ending in a deadlock: the Receiver always takes the run that starts at `upto`
#    + 1, and the Sender always offers the lowest run first. What is below a floor fills holes
#    between runs, so it at most doubles them.

from protocol.receiver import Receiver
from protocol.sender import Sender

__all__ = ["Receiver", "Sender"]
