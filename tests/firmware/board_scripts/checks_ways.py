"""Which way a tap goes, anti-passback, receipts, and a supply too low to write."""

from standins import BADGE_KEY, Parts, RamFlash, equal, formatted, mount, table_for, uid_of

from firmware import cards, panel, texts
from firmware.settings import DIRECTION_BUTTONS, DIRECTION_TOGGLE, PASSBACK_HARD, PASSBACK_SOFT
from firmware.taps import RECEIPT_AFTER_MS
from protocol.mac import badge_tag
from protocol.record import (
    DIRECTION_IN,
    DIRECTION_NONE,
    DIRECTION_OUT,
    REASON_NONE,
    REASON_PASSBACK,
    REASON_UNKNOWN_BADGE,
    VERDICT_GRANTED,
    VERDICT_REFUSED,
    unpack_record,
)

BLOCKS = 48


def fresh(**options):
    mount(RamFlash(BLOCKS, image=formatted(BLOCKS)))
    parts = Parts(**options)
    parts.install(1, table_for(range(1, 9)))
    parts.shown = []
    show = parts.panel.show

    def tell(event, language, now_ms, detail=""):
        parts.shown.append((event, detail))
        show(event, language, now_ms, detail)

    parts.panel.show = tell
    return parts


def newest(parts):
    record = unpack_record(parts.journal.read(parts.journal.head, 1))
    return record.direction, record.verdict, record.reason


def tag(number):
    return badge_tag(BADGE_KEY, uid_of(number))


def hold_out(parts, number):
    """A badge is seen and leaves at once."""
    parts.taps.seen(cards.CARD, uid_of(number), parts.clock.now_ms())
    for _ in range(3):
        parts.taps.seen(cards.NOTHING, b"", parts.clock.now_ms())


def check_a_toggling_gate_lets_in_and_out_in_turn():
    parts = fresh(direction=DIRECTION_TOGGLE)
    for way, event in (
        (DIRECTION_IN, texts.KEPT_IN),
        (DIRECTION_OUT, texts.KEPT_OUT),
        (DIRECTION_IN, texts.KEPT_IN),
    ):
        parts.tap(uid_of(1))
        equal(newest(parts), (way, VERDICT_GRANTED, REASON_NONE))
        equal(parts.shown[-1][0], event)
    parts.tap(uid_of(2))
    equal(newest(parts)[0], DIRECTION_IN)


def check_a_badge_held_out_again_does_not_turn_round():
    parts = fresh(direction=DIRECTION_TOGGLE)
    parts.tap(uid_of(1), wait_ms=2000)
    head = parts.journal.head
    parts.tap(uid_of(1))
    equal(parts.journal.head, head)
    equal(parts.shown[-1][0], texts.REPEAT)


def check_a_button_before_the_badge():
    parts = fresh(direction=DIRECTION_BUTTONS)
    parts.taps.button(DIRECTION_OUT, parts.clock.now_ms())
    parts.ticks.total += 9000
    hold_out(parts, 1)
    equal(newest(parts), (DIRECTION_OUT, VERDICT_GRANTED, REASON_NONE))
    equal(parts.shown, [(texts.KEPT_OUT, "")])


def check_a_button_after_the_badge():
    parts = fresh(direction=DIRECTION_BUTTONS)
    head = parts.journal.head
    hold_out(parts, 1)
    equal(parts.shown, [(texts.CHOOSE, "")])
    equal((parts.journal.head, parts.arm.opened), (head, []), "nothing is kept or opened yet")
    assert panel.GREEN not in parts.lights.shown
    parts.ticks.total += 9000
    parts.taps.button(DIRECTION_IN, parts.clock.now_ms())
    equal(newest(parts), (DIRECTION_IN, VERDICT_GRANTED, REASON_NONE))
    equal(len(parts.arm.opened), 1)
    parts.taps.button(DIRECTION_OUT, parts.clock.now_ms())
    equal(parts.journal.head, head + 1, "the badge had its tap")


def check_a_button_too_late_keeps_nothing():
    parts = fresh(direction=DIRECTION_BUTTONS)
    head = parts.journal.head
    hold_out(parts, 1)
    parts.ticks.total += 10_001
    parts.taps.button(DIRECTION_IN, parts.clock.now_ms())
    equal(parts.journal.head, head)
    hold_out(parts, 2)
    equal(newest(parts)[0], DIRECTION_IN, "the press counts for the next badge")


def check_the_other_button_is_a_new_tap_inside_the_window():
    parts = fresh(direction=DIRECTION_BUTTONS)
    parts.taps.button(DIRECTION_IN, parts.clock.now_ms())
    hold_out(parts, 1)
    head = parts.journal.head
    parts.ticks.total += 2000
    hold_out(parts, 1)
    equal((parts.journal.head, parts.shown[-1][0]), (head, texts.REPEAT), "held out again")
    parts.taps.button(DIRECTION_OUT, parts.clock.now_ms())
    hold_out(parts, 1)
    equal(newest(parts)[0], DIRECTION_OUT)
    equal(parts.journal.head, head + 1)


def check_a_refused_badge_is_not_asked_which_way():
    parts = fresh(direction=DIRECTION_BUTTONS)
    hold_out(parts, 99)
    equal(newest(parts), (DIRECTION_NONE, VERDICT_REFUSED, REASON_UNKNOWN_BADGE))


def check_a_badge_asked_and_then_another_is_forgotten():
    parts = fresh(direction=DIRECTION_BUTTONS)
    hold_out(parts, 1)
    hold_out(parts, 2)
    parts.taps.button(DIRECTION_IN, parts.clock.now_ms())
    head = parts.journal.head
    equal(unpack_record(parts.journal.read(head, 1)).data, tag(2))


def check_passback_off_soft_and_hard():
    parts = fresh(direction=DIRECTION_IN)
    parts.tap(uid_of(1))
    parts.tap(uid_of(1))
    equal(newest(parts), (DIRECTION_IN, VERDICT_GRANTED, REASON_NONE))

    parts = fresh(direction=DIRECTION_IN, passback=PASSBACK_SOFT)
    parts.tap(uid_of(1))
    opened = len(parts.arm.opened)
    parts.tap(uid_of(1))
    equal(newest(parts), (DIRECTION_IN, VERDICT_GRANTED, REASON_PASSBACK))
    equal(parts.shown[-1][0], texts.LOOK)
    equal(len(parts.arm.opened), opened + 1)

    parts = fresh(direction=DIRECTION_IN, passback=PASSBACK_HARD)
    parts.tap(uid_of(1))
    opened = len(parts.arm.opened)
    parts.tap(uid_of(1))
    equal(newest(parts), (DIRECTION_IN, VERDICT_REFUSED, REASON_PASSBACK))
    equal(parts.shown[-1][0], texts.PASSBACK)
    equal(len(parts.arm.opened), opened)


def check_who_left_by_another_gate_may_come_in_again():
    parts = fresh(direction=DIRECTION_IN, passback=PASSBACK_HARD)
    parts.tap(uid_of(1))
    parts.taps.passed([(tag(1), DIRECTION_OUT), (tag(2), DIRECTION_IN)])
    parts.tap(uid_of(1))
    equal(newest(parts), (DIRECTION_IN, VERDICT_GRANTED, REASON_NONE))
    parts.tap(uid_of(2))
    equal(newest(parts)[2], REASON_PASSBACK, "he came in at the other gate")


def check_a_second_tap_inside_the_window_is_no_passback():
    parts = fresh(direction=DIRECTION_IN, passback=PASSBACK_HARD)
    parts.tap(uid_of(1), wait_ms=1000)
    head = parts.journal.head
    parts.tap(uid_of(1))
    equal((parts.journal.head, parts.shown[-1][0]), (head, texts.REPEAT))


def check_the_night_forgets_who_is_inside():
    parts = fresh(direction=DIRECTION_IN, passback=PASSBACK_HARD)
    parts.tap(uid_of(1))
    parts.today.step(0, parts.clock.now_ms() + 86_400_000)
    parts.tap(uid_of(1))
    equal(newest(parts)[1], VERDICT_GRANTED)


def check_a_receipt_for_who_stands_at_the_gate():
    parts = fresh()
    hold_out(parts, 1)
    parts.ticks.total += 2000
    parts.taps.receipts(0, [(tag(1), "900000000001234")], parts.clock.now_ms())
    parts.taps._follow(parts.clock.now_ms())
    equal(parts.shown[-1], (texts.REGISTERED, "1234"))
    parts.taps.receipts(0, [(tag(1), "900000000001234")], parts.clock.now_ms())
    parts.taps._follow(parts.clock.now_ms())
    equal(len(parts.shown), 2, "told once")


def check_a_receipt_that_comes_later_is_shown_at_the_next_tap():
    parts = fresh()
    parts.tap(uid_of(1))
    parts.taps.receipts(0, [(tag(1), "900000000001234"), (tag(2), "7")], parts.clock.now_ms())
    parts.taps._follow(parts.clock.now_ms())
    equal(parts.shown, [(texts.KEPT_IN, "")], "he has gone")
    hold_out(parts, 2)
    equal(parts.shown[-1], (texts.KEPT_IN, ""), "kept comes first")
    parts.ticks.total += RECEIPT_AFTER_MS
    parts.taps._follow(parts.clock.now_ms())
    equal(parts.shown[-1], (texts.REGISTERED, "0007"))


def check_a_receipt_of_another_day_is_not_shown():
    parts = fresh()
    hold_out(parts, 1)
    parts.taps.receipts(9823, [(tag(1), "900000000001234")], parts.clock.now_ms())
    parts.taps._follow(parts.clock.now_ms())
    equal(len(parts.shown), 1)


def check_the_next_worker_does_not_see_the_receipt_of_the_one_before():
    parts = fresh()
    parts.taps.receipts(0, [(tag(1), "1")], parts.clock.now_ms())
    hold_out(parts, 1)
    hold_out(parts, 2)
    parts.ticks.total += 5000
    parts.taps._follow(parts.clock.now_ms())
    equal([event for event, _ in parts.shown], [texts.KEPT_IN, texts.KEPT_IN])


def check_no_tap_is_taken_while_the_supply_is_too_low_to_write():
    parts = fresh()
    parts.taps.writable = False
    head = parts.journal.head
    parts.tap(uid_of(1))
    equal((parts.journal.head, parts.arm.opened), (head, []))
    assert panel.GREEN not in parts.lights.shown
    equal(parts.taps.not_kept, 1)
    parts.taps.writable = True
    parts.tap(uid_of(1))
    equal(newest(parts)[1], VERDICT_GRANTED)
