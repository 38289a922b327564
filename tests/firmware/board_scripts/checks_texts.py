"""The texts of the display on the interpreter that unpacks them, and the letters they need."""

import gc

gc.collect()
_before = gc.mem_alloc()
from firmware import texts  # noqa: E402

gc.collect()
HEAP = gc.mem_alloc() - _before

from checks_cards import bench  # noqa: E402
from standins import equal  # noqa: E402

from firmware import font, pins  # noqa: E402
from firmware.drivers.oled import Oled  # noqa: E402
from protocol import roster  # noqa: E402
from simulator.board.glass import read_lines  # noqa: E402

HEAP_MAX = 12 * 1024
"""On this VM, whose words are twice as long as the Pico's: 6 KB there."""

EUROPEAN = (
    "ÀÁÂÃÄÅĀĂĄÇĆČĎĐÈÉÊËĒĖĘĚĞĢÌÍÎÏĪĮİĶĻŁÑŃŅŇÒÓÔÕÖØŐŒŔŘŚŞŠȘŢŤȚÙÚÛÜŪŮŰŲÝŸŹŻŽß¿¡"
    "àáâãäåāăąçćčďđèéêëēėęěğģìíîïīįıķļłñńņňòóôõöøőœŕřśşšșţťțùúûüūůűųýÿźżž"
    "АБВГҐДЕЄЁЖЗИІЇЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгґдеєёжзиіїйклмнопрстуфхцчшщъыьэюя→←⇄’–"
)

# Each group: a letter, and those that are read as that letter.
READ_AS = (
    "AÀÁÂÃÄĂĄ",
    "CÇĆ",
    "EÈÉÊËĘ",
    "GĞ",
    "IÌÍÎÏİІЇ",
    "LŁ",
    "NÑŃ",
    "OÒÓÔÕÖ",
    "SŚŞȘ",
    "TȚ",
    "UÙÚÛÜ",
) + ("ZŹŻ", "ИЙ", "AА", "BВ", "EЕ", "HН", "KК", "MМ", "OО", "PР", "CС", "TТ", "XХ")


def plain(line):
    shown = ""
    for letter in line:
        for group in READ_AS:
            if letter in group:
                letter = group[0]
        shown += letter
    return shown


def check_the_display_speaks_every_language_a_badge_can_have():
    equal(texts.LANGUAGES, roster.LANGUAGES)
    for language in roster.LANGUAGES:
        equal(texts.spoken(language, "nl"), language)
    equal(texts.spoken("xx", "nl"), "nl")


def check_every_text_in_every_language_fits_the_display():
    for text in range(texts.COUNT):
        seen = []
        for language in texts.LANGUAGES:
            lines = texts.lines(text, language)
            assert 1 <= len(lines) <= 3, text
            for line in lines:
                assert 1 <= len(line) <= texts.WIDTH, line
                assert line == line.strip(), line
            equal(texts.line(text, language), lines[0])
            seen.append(lines)
        assert len(set(seen)) >= 6, seen


def check_every_letter_can_be_drawn():
    used = set(EUROPEAN)
    for text in range(texts.COUNT):
        for language in texts.LANGUAGES:
            for line in texts.lines(text, language):
                used |= set(line)
    assert len(used) > 150
    for letter in used:
        if letter != "?":
            assert font.piece(letter) != ord("?"), letter
    equal(font.piece("日"), ord("?"), "what nobody can read here")
    equal(len(font.CELLS), 8 * len(font.DRAWN))
    equal(len(font.MARK_CELLS), 8 * len(font.MARKS))


def check_no_two_letters_look_the_same():
    board, _reader = bench()
    display = Oled(pins.I2C, pins.I2C_SDA, pins.I2C_SCL, pins.OLED_ADDRESS)
    # By intention as another: shared capitals, small Cyrillic letters, two marks of Hungarian,
    # and the comma that Ţ has in both its codes.
    alike = "АВЕЁЇІКМНОРСТХабвгґдеєёжзиіїйклмнопрстуфхцчшщъыьэюя’ŐőŰűŢţ"
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!?"
    seen = {}
    for letter in letters + "".join([one for one in EUROPEAN if one not in alike]):
        display.text(1, letter)
        while display.flush():
            continue
        picture = bytes(board.display.visible())
        assert picture not in seen, (letter, seen[picture])
        seen[picture] = letter


def check_the_glass_reads_every_text_back():
    board, _reader = bench()
    display = Oled(pins.I2C, pins.I2C_SDA, pins.I2C_SCL, pins.OLED_ADDRESS)
    for text in range(texts.COUNT):
        for language in texts.LANGUAGES:
            lines = texts.lines(text, language)
            for row in range(5):
                inside = 2 <= row < 2 + len(lines)
                display.text(row, lines[row - 2] if inside else "", True)
            while display.flush():
                continue
            read = read_lines(board.display.visible())
            equal([plain(line) for line in read], [plain(line) for line in lines])


def check_cyrillic_is_read_as_cyrillic():
    board, _reader = bench()
    display = Oled(pins.I2C, pins.I2C_SDA, pins.I2C_SCL, pins.OLED_ADDRESS)
    for row, line in enumerate(("обект Юг", "НЯМА WIFI", "ЗА ПРАЩАНЕ 7", "OFFLINE - OK 7")):
        display.text(row, line)
    while display.flush():
        continue
    equal(
        read_lines(board.display.visible()),
        ["ОБЕКТ ЮГ", "НЯМА WIFI", "ЗА ПРАЩАНЕ 7", "OFFLINE - OK 7"],
    )


def check_the_gate_says_kept_and_registered_only_with_a_receipt():
    kept = ("GARDÉ", "BEWAARD", "GESPEICHERT", "KEPT", "ZACHOWANE", "GUARDADO", "PĂSTRAT")
    kept += ("ЗАПАЗЕНО", "ЗБЕРЕЖЕНО", "SAKLANDI", "GUARDADO", "CONSERVATO")
    for text in (texts.KEPT_IN, texts.KEPT_OUT, texts.KEPT):
        for i in range(len(texts.LANGUAGES)):
            equal(texts.lines(text, texts.LANGUAGES[i])[1], kept[i])
    words = ("REGIST", "REJEST", "KAYIT", "KAYDED", "РЕГИСТ", "РЕЄСТ", "NSSO", "RSZ", "ONSS")
    for text in range(texts.COUNT):
        for language in texts.LANGUAGES:
            said = " ".join(texts.lines(text, language))
            found = any(word in said for word in words)
            equal(found, text == texts.REGISTERED, said)


def check_numbers_have_room_behind_their_words():
    for language in texts.LANGUAGES:
        for text in (texts.UNSENT, texts.CLOCK):
            equal(len(texts.lines(text, language)), 1)
            assert len(texts.line(text, language)) <= 10
        for text in (texts.UPDATING, texts.NEARLY_FULL, texts.READY, texts.NO_WIFI):
            equal(len(texts.lines(text, language)), 1)
        for text in (texts.SAFE_MODE, texts.SUPPLY_LOW):
            equal(len(texts.lines(text, language)), 2)
        for text in (texts.FULL, texts.READER_DOWN):
            assert len(texts.lines(text, language)) >= 2
        equal(len(texts.lines(texts.REGISTERED, language)), 1)


def check_the_texts_take_little_memory():
    assert HEAP <= HEAP_MAX, HEAP
