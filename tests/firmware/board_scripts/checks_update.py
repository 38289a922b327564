"""Updates on a flash that loses its power at each of its operations: always a gate that works."""

import gc

from packs import BLOCKS, Life, Restarted, content_of, digest_of, fresh, pack_of, version_in, write
from standins import MOUNT, RamFlash, equal, mount

from firmware.files import entries
from protocol.record import (
    UPDATE_CONFIRMED,
    UPDATE_REFUSED,
    UPDATE_ROLLED_BACK,
    UPDATE_STORED,
)
from protocol.slots import (
    ENDED_PLANNED,
    STATE_FILE,
    WHY_NO_ROOM,
    WHY_NONE,
    WHY_NOT_WHOLE,
    WHY_STARTS,
    WHY_TIME,
    decode_state,
)
from simulator.board.flash import PowerCutError

OLD = pack_of("1.0")
NEW = pack_of("2.0", 9000)
SAME_SIZE = pack_of("2.0", 9000, b"other")
ORDER = ("2.0", NEW, 7)


def state():
    return decode_state(content_of(STATE_FILE))


def outcomes(life):
    return [told[:2] for told in life.told]


def names():
    return sorted([name for name, _size in entries(MOUNT)])


def check_an_order_is_carried_out_once():
    fresh(OLD, OLD)
    life = Life(ORDER, ("1.0", "2.0"))
    equal(life.live(), "2.0")
    equal(life.started, [("1.0", False, 0), ("2.0", True, 0)])
    equal(outcomes(life), [(UPDATE_STORED, WHY_NONE), (UPDATE_CONFIRMED, WHY_NONE)])
    equal((state().active, state().trial, state().order, state().outcome), (2, 0, 7, 0))
    equal(names(), ["boot.bin", "slot-a.pack", "slot-b.pack"])
    again = Life(ORDER, ("1.0", "2.0"))
    equal(again.live(), "2.0")
    equal((again.started, again.told, again.asked), ([("2.0", False, 0)], [], []))


def check_the_version_before_is_there_without_fetching_it():
    fresh(OLD, NEW, active=2)
    life = Life(("1.0", OLD, 8), ("1.0", "2.0"))
    equal(life.live(), "1.0")
    equal(life.asked, [])
    equal(outcomes(life), [(UPDATE_STORED, WHY_NONE), (UPDATE_CONFIRMED, WHY_NONE)])


def check_an_old_order_is_not_taken():
    for order in (("2.0", NEW, 7), ("2.0", NEW, 6)):
        fresh(OLD, OLD, order=7)
        life = Life(order, ("1.0", "2.0"))
        equal(life.live(), "1.0")
        equal(life.asked, [])
    flash = fresh(OLD, OLD, order=7)
    life = Life(None, ("1.0",))
    life.live()
    before = flash.operations
    for order in (1, 6, 7):
        life.update.ordered("2.0", len(NEW), digest_of(NEW).hex(), order, 0)
    life.update.ordered("1.0", len(OLD), digest_of(OLD).hex(), 8, 0)  # runs already
    equal(flash.operations, before, "a stranger who sends it for ever wears nothing out")


def check_firmware_that_does_not_reach_the_hub_is_taken_back():
    fresh(OLD, OLD)
    life = Life(ORDER, ("1.0",))
    equal(life.live(), "1.0")
    equal(life.started, [("1.0", False, 0), ("2.0", True, 0), ("1.0", False, 0)])
    equal(outcomes(life), [(UPDATE_STORED, WHY_NONE), (UPDATE_ROLLED_BACK, WHY_TIME)])
    equal(life.told[1][2], digest_of(NEW)[:6])
    anew = Life(("2.0", NEW, 8), ("1.0", "2.0"))
    equal(anew.live(), "2.0", "ordered anew")


def check_firmware_that_crashes_is_taken_back():
    fresh(OLD, OLD)
    life = Life(ORDER, ("1.0", "2.0"), ("2.0",))
    equal(life.live(), "1.0")
    equal(life.started[1:], [("2.0", True, 0)] * 3 + [("1.0", False, 0)])
    equal(outcomes(life)[1:], [(UPDATE_ROLLED_BACK, WHY_STARTS)])


def check_a_pack_that_is_not_the_promised_one_is_refused():
    for wrong in (
        NEW[:5000] + b"?" + NEW[5001:],
        OLD + NEW[len(OLD) :],
        b"\xff" * len(NEW),
        NEW[:-32] + OLD[-32:],
        SAME_SIZE[:-32] + digest_of(NEW),  # whole in itself, of this version, and another one
    ):
        fresh(OLD, OLD)
        life = Life(("2.0", wrong[:-32] + digest_of(NEW), 7), ("1.0", "2.0"))
        if wrong[-32:] != digest_of(NEW):
            life.order = ("2.1", NEW, 7)  # the version in the pack is another one
        equal(life.live(), "1.0")
        equal(outcomes(life), [(UPDATE_REFUSED, WHY_NOT_WHOLE)])
        equal(state().order, 7)
        equal(len([offset for offset in life.asked if not offset]), 2, "fetched twice")
        equal(Life(ORDER, ("1.0",)).live(), "1.0")


def check_pieces_that_do_not_fit_are_dropped():
    fresh(OLD, OLD)
    life = Life(None, ("1.0",))
    life.live()
    update = life.update
    update.piece(digest_of(NEW)[:8], 0, NEW[:100], 0)
    equal(update.percent, -1)
    update.ordered("2.0", len(NEW), digest_of(NEW).hex(), 7, 0)
    equal(update.question(0), (digest_of(NEW), 0))
    equal(update.question(10), None)
    update.piece(digest_of(OLD)[:8], 0, OLD[:1024], 20)
    update.piece(digest_of(NEW)[:8], 1024, NEW[1024:2048], 20)
    equal(update.question(5000), (digest_of(NEW), 0), "silence")
    update.piece(digest_of(NEW)[:8], 0, NEW[:1024], 5010)
    update.piece(digest_of(NEW)[:8], 0, NEW[:1024], 5010)
    equal(update.question(5010), (digest_of(NEW), 1024))
    life.idle = False
    equal(update.question(50000), None, "somebody is at the gate")
    life.idle = True
    equal(update.question(50000), (digest_of(NEW), 1024))
    update.ordered("2.0", len(NEW), digest_of(NEW).hex(), 8, 50000)
    equal(update.question(60000), (digest_of(NEW), 1024), "the same pack ordered anew")
    update.ordered("3.0", len(OLD), "33" * 32, 9, 50000)
    equal(update.question(50000), (b"\x33" * 32, 0), "a newer order takes its place")
    update.ordered("2.0", len(NEW), digest_of(NEW).hex(), 7, 50000)
    equal(update.question(60000), (b"\x33" * 32, 0), "and the older one does not come back")


def check_nobody_is_sent_away_by_a_restart():
    fresh(OLD, NEW)  # the new version lies there already: no piece has to wait
    life = Life(None, ("1.0",))
    life.live()
    life.idle = False
    life.update.ordered("2.0", len(NEW), digest_of(NEW).hex(), 7, 0)
    for _ in range(50):
        life.update.step(1000, True, True)
    equal((state().trial, outcomes(life)), (2, [(UPDATE_STORED, WHY_NONE)]))
    life.idle = True
    try:
        life.update.step(1000, True, True)
        raise AssertionError("no restart")
    except Restarted:
        equal(state().ended, ENDED_PLANNED)


def check_no_room_is_told_and_nothing_is_lost():
    fresh(OLD, OLD)
    with open(MOUNT + "/fill", "wb") as file:
        file.write(b"x" * 4096 * 26)
    life = Life(ORDER, ("1.0", "2.0"))
    equal(life.live(), "1.0")
    equal(life.faults, [WHY_NO_ROOM])
    equal(state().order, 0, "the order waits")
    equal(version_in(2), "1.0")


def check_without_a_loader_no_order_is_taken():
    from firmware.update import Update

    fresh(OLD, OLD)
    update = Update(MOUNT, None, None, None, lambda: True, None)
    update.ordered("2.0", len(NEW), digest_of(NEW).hex(), 7, 0)
    equal((update.percent, update.slot, update.trial), (-1, 0, False))
    update.step(100000, True, True)


def check_garbage_beside_the_slots_changes_nothing():
    for name, content in (
        ("update.bin", b"rubbish"),
        ("update.bin", b"\xff" * 76),
        ("update.part", b"x" * 3000),
        ("boot.bin.tmp", b"half"),
    ):
        fresh(OLD, OLD)
        write(name, content)
        life = Life(ORDER, ("1.0", "2.0"))
        equal(life.live(), "2.0", name)


def _sweep(order, good, crashing, rest, outcome):
    """Cuts the power at every operation of an update, and once more while it recovers."""
    flash = fresh(OLD, OLD)
    Life(None, ("1.0",)).live()  # the journal is there
    image = bytes(flash.image)
    flash = RamFlash(BLOCKS, image=image)
    mount(flash)
    equal(Life(order, good, crashing).live(), rest)
    operations = flash.operations
    twice = 0
    for cut in range(1, operations + 1):
        gc.collect()
        outcomes_seen = []
        flash = RamFlash(BLOCKS, image=image, cut_at=cut, seed=cut)
        mount(flash)
        life = Life(order, good, crashing)
        try:
            life.live()
            raise AssertionError("cut {} did not happen".format(cut))
        except PowerCutError:
            outcomes_seen += life.told
        life = None
        # The second cut: at one of the first operations after the power came back.
        flash = RamFlash(BLOCKS, image=flash.image, cut_at=1 + cut % 9, seed=cut + 1)
        mount(flash)
        life = Life(order, good, crashing)
        try:
            life.live()
        except PowerCutError:
            twice += 1
        outcomes_seen += life.told
        life = None
        flash = RamFlash(BLOCKS, image=flash.image)
        mount(flash)
        life = Life(order, good, crashing)
        equal(life.live(), rest, "after cut {}".format(cut))
        equal(flash.violations, 0)
        outcomes_seen += life.told
        assert outcome in [seen[0] for seen in outcomes_seen], (cut, outcomes_seen)
        equal((state().order, state().trial, state().outcome), (order[2], 0, 0))
        equal(Life(order, good, crashing).live(), rest)
    return "{} cuts, {} of them twice".format(operations, twice)


def check_every_cut_of_an_update_that_is_confirmed():
    return _sweep(ORDER, ("1.0", "2.0"), (), "2.0", UPDATE_CONFIRMED)


def check_every_cut_of_an_update_that_never_reaches_the_hub():
    return _sweep(ORDER, ("1.0",), (), "1.0", UPDATE_ROLLED_BACK)


def check_every_cut_of_an_update_that_crashes():
    return _sweep(ORDER, ("1.0", "2.0"), ("2.0",), "1.0", UPDATE_ROLLED_BACK)
