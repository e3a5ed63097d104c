"""`limpid check` over captures of Linux's own TCP: direct, with superframes, over a relay that harms; and over bad files."""
# ctest: long 120

import pathlib
import re
import struct

import linux_pair
import tool


def checksum(data):
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Segment:
    """A TCP segment over IPv4 without IP options, in a frame; setting a field keeps the checksums right."""

    def __init__(self, frame):
        self.frame = bytearray(frame)

    @staticmethod
    def is_one(frame):
        return frame[12:15] == b"\x08\x00\x45" and frame[23] == 6

    def at(self, offset, format, value=None):
        if value is not None:
            struct.pack_into(format, self.frame, offset, value)
        return struct.unpack_from(format, self.frame, offset)[0]

    sequence = property(lambda self: self.at(38, "!I"), lambda self, value: self.at(38, "!I", value % (1 << 32)))
    acknowledgment = property(lambda self: self.at(42, "!I"), lambda self, value: self.at(42, "!I", value % (1 << 32)))
    flags = property(lambda self: self.at(47, "!B"), lambda self, value: self.at(47, "!B", value))
    time_to_live = property(lambda self: self.at(22, "!B"), lambda self, value: self.at(22, "!B", value))
    ports = property(lambda self: (self.at(34, "!H"), self.at(36, "!H")))
    options = property(lambda self: slice(54, 34 + (self.frame[46] >> 4) * 4))
    text = property(lambda self: slice(self.options.stop, 14 + self.at(16, "!H")))

    def timestamp_at(self):
        """Where the option's value is; Linux puts it behind two NOPs."""
        return self.options.start + 4 if self.frame[self.options][:4] == b"\x01\x01\x08\x0a" else None

    def finished(self):
        end = self.text.stop
        self.at(24, "!H", 0), self.at(24, "!H", checksum(bytes(self.frame[14:34])))
        pseudo = bytes(self.frame[26:34]) + struct.pack("!HH", 6, end - 34)
        self.at(50, "!H", 0), self.at(50, "!H", checksum(pseudo + bytes(self.frame[34:end])))
        return bytes(self.frame)


def earlier(segment):
    segment.at(segment.timestamp_at(), "!I", (segment.at(segment.timestamp_at(), "!I") - 100_000) % (1 << 32))


def untimed(segment):
    segment.frame[segment.timestamp_at() - 4 : segment.timestamp_at() + 8] = b"\x01" * 12


def strange(segment):
    segment.frame[segment.timestamp_at() - 1] = 1  # the option's length


def other_text(segment):
    segment.frame[segment.text.start] ^= 1


# What is done to one segment of the client's with text, and the rule that it breaks.
FAULTS = {
    "ack_missing": lambda segment: setattr(segment, "flags", segment.flags & ~0x10),
    "ack_beyond_received": lambda segment: setattr(segment, "acknowledgment", segment.acknowledgment + 100_000),
    "beyond_window": lambda segment: setattr(segment, "sequence", segment.sequence + 100_000_000),
    "timestamps_missing": untimed,
    "timestamps_backwards": earlier,
    "tcp_options": strange,
    "ip_time_to_live": lambda segment: setattr(segment, "time_to_live", 0),
    "bytes_changed": other_text,  # of one that comes a second time
}


class Check(tool.Folder):
    def judge(self, path):
        result = tool.run("check", path)
        return result.returncode, result.stdout.splitlines(), result.stderr

    def captured(self, **options):
        if not linux_pair.LinuxPair.is_possible():
            self.skipTest("this process may not make network namespaces")
        with linux_pair.LinuxPair(str(self.root), **options) as pair:
            self.assertEqual([pair.fetch(address, 400_000) for address in ("10.9.0.2", "fd00:9::2")], [51_200, 51_200])
            return [pair.capture(side) for side in ("a", "b")]

    def test_linux_is_right(self):
        harm = {"seed": 1, "loss": 0.03, "reordering": 0.05, "duplication": 0.02}
        for options in ({}, {"offloads": True}, {"relay": harm}):
            for path in self.captured(**options):
                status, lines, errors = self.judge(path)
                self.assertEqual((status, errors, len(lines)), (0, "", 1), lines[:5])
                self.assertRegex(lines[0], r"^\d+ frames, \d+ TCP segments of 2 connections.*: 0 violations$")

    def test_damage_is_found_and_named(self):
        for path in self.captured(relay={"seed": 2, "corruption": 0.05}):
            status, lines, _ = self.judge(path)
            self.assertEqual(status, 1)
            for line in lines[:-1]:
                self.assertRegex(line, r"^packet \d+: \w+")
            self.assertTrue(any(re.match(r"packet \d+: transport_checksum: ", line) for line in lines), lines[:5])

    def test_each_planted_fault_is_named(self):
        capture = pathlib.Path(self.captured()[0]).read_bytes()
        records, at = [], 24
        while at < len(capture):
            size = struct.unpack_from("=I", capture, at + 8)[0]
            records.append((capture[at : at + 16], capture[at + 16 : at + 16 + size]))
            at += 16 + size
        texts = [i for i, (_, frame) in enumerate(records)
                 if Segment.is_one(frame) and Segment(frame).ports[1] == linux_pair.PORT
                 and len(frame[Segment(frame).text]) > 500]
        which = texts[len(texts) // 2]
        self.assertEqual(Segment(records[which][1]).finished(), records[which][1], "its checksums are right as they are")
        for rule, plant in FAULTS.items():
            with self.subTest(rule):
                segment = Segment(records[which][1])
                plant(segment)
                faulty = [(records[which][0], segment.finished())]
                if rule == "bytes_changed":
                    faulty = [records[which], *faulty]
                path = self.root / f"{rule}.pcap"
                path.write_bytes(capture[:24] + b"".join(
                    header + frame for header, frame in records[:which] + faulty + records[which + 1 :]))
                status, lines, _ = self.judge(path)
                self.assertEqual(status, 1)
                number = which + len(faulty)
                self.assertTrue(lines[0].startswith(f"packet {number}: {rule}: 10.9.0.1"), lines[:3])

    def test_what_is_no_capture(self):
        (self.root / "text").write_text("no capture at all, only words in a file")
        for path in (self.root / "text", self.root / "absent", self.root):
            status, lines, errors = self.judge(path)
            self.assertEqual((status, lines), (1, []))
            self.assertRegex(errors, r"^limpid: cannot check '.*': .*; name a capture.*\n$")


if __name__ == "__main__":
    tool.main()
