"""Frames of drawn payloads, some of them hit, read in drawn pieces; prints all of it."""

import sys

from draw import Numbers

from protocol import frames


def drawn_payload(numbers):
    kind = numbers.below(4)
    if kind == 0:
        return numbers.data(numbers.below(40))
    if kind == 1:
        return bytes(numbers.below(700))
    if kind == 2:
        return bytes(1 + numbers.below(255) for _ in range(245 + numbers.below(20)))
    return numbers.data(numbers.below(2000))


def main(numbers):
    reader = frames.FrameReader()
    for _ in range(12):
        code = (66, 67, 99, 114, 80)[numbers.below(5)]
        stream = bytearray(frames.encode_frame(code, drawn_payload(numbers)))
        print("sent", stream.hex())
        kind = numbers.below(6)
        if kind == 0:
            stream[numbers.below(len(stream))] = numbers.below(256)
        elif kind == 1:
            stream = stream[: numbers.below(len(stream))]
        elif kind == 2:
            stream = numbers.data(numbers.below(3000)) + stream
        at = 0
        while at < len(stream):
            size = 1 + numbers.below(300)
            reader.feed(bytes(stream[at : at + size]))
            at += size
            while True:
                frame = reader.next_frame()
                if frame is None:
                    break
                print("frame", frame[0], frame[1].hex())
        if numbers.below(3) == 0:
            reader.forget()
        print("dropped", reader.dropped, reader.typed)


if __name__ == "__main__":
    for seed in sys.argv[1:]:
        print("seed", seed)
        main(Numbers(int(seed)))
