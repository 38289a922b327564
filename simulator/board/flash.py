"""NOR flash of the Pico W's file system: 212 blocks of 4,096 bytes, programmed 256 at a time.

Geometry and rules are those of the rp2 port (`rp2.Flash`, flash_range_erase and
flash_range_program): erasing sets a whole block to 0xFF, programming can only clear bits, in pages
of 256 bytes that start on a page. A program that would set a bit is counted as a violation and
clears what it can, as the chip does. No operation needs memory: littlefs may close a file from a
finaliser, when the heap is locked. Where there is memory, bytes are moved by slices, which is many
times as fast in the VM.

Two stores under the same rules: a file of the host, which outlives the process that is killed,
and RAM with a power cut at the n-th program or erase.
"""

BLOCK = 4096
BLOCKS = 212  # 848 KB, what the Pico W image leaves for files
PAGE = 256

_EIO = -5
_EINVAL = -22

# ioctl numbers of the block device protocol
_COUNT = 4
_SIZE = 5
_ERASE = 6


class PowerCutError(BaseException):
    """The power went in the middle of a flash operation; nothing after it reaches the flash.

    Not an Exception: no handler of the firmware can outlive its power.
    """


class Flash:
    """NOR rules and counters over a store of bytes; see FileFlash and RamFlash.

    Attributes:
        erases: blocks erased.
        programs: pages programmed.
        bytes_programmed: bytes in them.
        violations: pages in which a program wanted to set a bit again.
    """

    def __init__(self, blocks):
        self.blocks = blocks
        self.erases = 0
        self.programs = 0
        self.bytes_programmed = 0
        self.violations = 0
        self.dead = False  # the power has gone
        self._page = bytearray(PAGE)
        self._blank = b"\xff" * BLOCK
        self._blank_page = b"\xff" * PAGE

    def writeblocks(self, block, buf, offset=0):
        if self.dead:
            return self._nobody()
        size = len(buf)
        if offset % PAGE or size % PAGE:
            return _EINVAL
        start = block * BLOCK + offset
        page = self._page
        at = 0
        while at < size:  # a range with this step would allocate
            self._load(start + at, page)
            violated = self._combine(page, buf, at)
            self.programs += 1
            self.bytes_programmed += PAGE
            if violated:
                self.violations += 1
            self._store(start + at, page)
            at += PAGE
        return 0

    def _combine(self, page, buf, at):
        """Programs `page` with what is at `at` in `buf`; returns the bits it could not set."""
        try:
            if page == self._blank_page:
                page[:] = memoryview(buf)[at : at + PAGE]
                return 0
        except MemoryError:
            pass  # a finaliser: byte by byte
        violated = 0
        for i in range(PAGE):
            old = page[i]
            new = buf[at + i]
            violated |= new & ~old
            page[i] = old & new
        return violated

    def ioctl(self, op, arg):
        if op == _COUNT:
            return self.blocks
        if op == _SIZE:
            return BLOCK
        if op == _ERASE:
            if self.dead:
                return self._nobody()
            self.erases += 1
            self._erase(arg)
        return 0

    def _nobody(self):
        # Without power no code runs; only a finaliser, with the heap locked, must not raise here.
        # An error ends its close at once.
        try:
            bytearray(1)
        except MemoryError:
            return _EIO
        raise PowerCutError(0)

    def _load(self, start, page):
        raise NotImplementedError

    def _store(self, start, data):
        raise NotImplementedError

    def _erase(self, block):
        raise NotImplementedError


class FileFlash(Flash):
    """Flash in a file of the host; made blank when it is missing or too short.

    Every operation is one write to the file, so a killed process leaves exactly what it had
    programmed. The file is not synchronised to the host's disk: the process dies, not the host.

    Args:
        path: of the file.
        blocks: size in blocks of 4,096 bytes.
    """

    def __init__(self, path, blocks=BLOCKS):
        super().__init__(blocks)
        with open(path, "ab") as file:
            for _ in range(blocks - file.seek(0, 2) // BLOCK):
                file.write(self._blank)
        # Unbuffered; `flush` would ask the host's disk to synchronise.
        self._file = open(path, "r+b", 0)

    def readblocks(self, block, buf, offset=0):
        self._file.seek(block * BLOCK + offset)
        self._file.readinto(buf)
        return 0

    def _load(self, start, page):
        self._file.seek(start)
        self._file.readinto(page)

    def _store(self, start, data):
        self._file.seek(start)
        self._file.write(data)

    def _erase(self, block):
        self._file.seek(block * BLOCK)
        self._file.write(self._blank)

    def close(self):
        self._file.close()


class RamFlash(Flash):
    """Flash in memory that loses its power at the n-th operation, for power-cut tests.

    Args:
        blocks: size in blocks of 4,096 bytes.
        image: content to start from; blank when None.
        cut_at: 1-based number of the program or erase during which the power goes; 0 for never.
            That operation is torn: of a page an arbitrary prefix arrives, with one byte half
            programmed behind it; of a block an arbitrary part is erased. It raises PowerCutError,
            and so does every operation after it, without effect.
        seed: decides where an operation tears.
    """

    def __init__(self, blocks=BLOCKS, image=None, cut_at=0, seed=1):
        super().__init__(blocks)
        self.image = bytearray(image) if image is not None else bytearray(b"\xff" * BLOCK * blocks)
        self._view = memoryview(self.image)
        self._page_view = memoryview(self._page)
        self._blank_view = memoryview(self._blank)
        self.cut_at = cut_at
        self._seed = seed

    @property
    def operations(self):
        return self.erases + self.programs

    def readblocks(self, block, buf, offset=0):
        if self.dead:
            return self._nobody()
        start = block * BLOCK + offset
        try:
            buf[:] = self._view[start : start + len(buf)]
        except MemoryError:
            for i in range(len(buf)):
                buf[i] = self.image[start + i]
        return 0

    def _copy(self, to, at, source, view, start, size):
        """Copies `size` bytes; `view` is a memoryview of `source`."""
        try:
            memoryview(to)[at : at + size] = view[start : start + size]
        except MemoryError:  # a finaliser: byte by byte
            for i in range(size):
                to[at + i] = source[start + i]

    def _load(self, start, page):
        self._copy(page, 0, self.image, self._view, start, PAGE)

    def _chance(self, limit):
        self._seed = (self._seed * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._seed >> 8) % limit

    def _store(self, start, data):
        kept = PAGE
        if self.operations == self.cut_at:
            self.dead = True
            kept = self._chance(PAGE)
        self._copy(self.image, start, data, self._page_view, 0, kept)
        if self.dead:
            self.image[start + kept] &= data[kept] | self._chance(256)
            raise PowerCutError(self.operations)

    def _erase(self, block):
        erased = BLOCK
        if self.operations == self.cut_at:
            self.dead = True
            erased = self._chance(BLOCK)
        self._copy(self.image, block * BLOCK, self._blank, self._blank_view, 0, erased)
        if self.dead:
            raise PowerCutError(self.operations)
