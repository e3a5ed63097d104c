"""Five thousand connections at once, and a flood of SYNs from everywhere: memory is flat, and a real client is served."""
# ctest: long 300

import random
import resource
import socket
import struct
import threading
import time

import link
import tool

CONNECTIONS = 5_000 // (10 if tool.sanitized() else 1)


def setUpModule():
    link.alone()


class Crowd(link.OnTap):
    def setUp(self):
        super().setUp()
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def ask(self, peer):
        peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        return tool.receive_response(peer)[::2][:2]

    def new_client(self, server):
        """How long a new client waits for its page."""
        start = time.monotonic()
        with server.connect() as peer:
            self.assertEqual(self.ask(peer), (200, b"<h1>hello</h1>\n"))
        return time.monotonic() - start

    def test_five_thousand_connections(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard < CONNECTIONS + 100:
            self.skipTest(f"needs {CONNECTIONS} descriptors, may have {hard}")
        with self.serve("--plain") as server:
            before = server.resident_kib()
            start = time.monotonic()
            peers = []
            for i in range(CONNECTIONS):
                peer = socket.socket()
                peer.settimeout(20)
                peer.bind((self.tap.here4, 0))
                peer.connect((server.host, server.port))
                peers.append(peer)
            opened = time.monotonic() - start
            for peer in peers:
                peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            for peer in peers:
                self.assertEqual(tool.receive_response(peer)[0], 200)
            memory = server.counters()
            self.assertEqual(memory["connections"], CONNECTIONS)
            print(f"\n  {CONNECTIONS} in {opened:.1f} s, {(server.resident_kib() - before) / CONNECTIONS:.2f} KiB each", flush=True)
            for peer in peers:
                peer.close()
            self.assertTrue(tool.eventually(lambda: server.counters()["connections"] == 0, 20))
            self.new_client(server)

    def test_a_flood_of_syns(self):
        with self.serve("--plain", net=(f"gateway={self.tap.here4}",)) as server:
            self.new_client(server)
            mac, before = bytes.fromhex(self.tap.mac().replace(":", "")), server.resident_kib()
            stop, sent = threading.Event(), [0]

            def flood():
                with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
                    raw.bind((self.tap.name, 0))
                    dice = random.Random(1)
                    while not stop.is_set():
                        for _ in range(50):  # at a time, some thousand a second: what the device's queue takes
                            raw.send(syn(mac, dice.randrange(1 << 32), self.tap.there4, dice.randrange(1 << 48), server.port))
                        sent[0] += 50
                        time.sleep(0.005)

            sender = threading.Thread(target=flood)
            sender.start()
            try:
                waits, most = [], 0
                end = time.monotonic() + 15
                while time.monotonic() < end:
                    waits.append(self.new_client(server))
                    most = max(most, server.resident_kib())
                    time.sleep(0.2)
            finally:
                stop.set()
                sender.join()
            print(f"\n  {sent[0]} SYNs in 15 s; {len(waits)} clients waited {max(waits):.2f} s at most; "
                  f"resident {before} -> {most} KiB; {server.counters()['dropped']}", flush=True)
            # Within one retransmission of a SYN.
            self.assertLess(max(waits), 3)
            self.assertLess(most - before, 32 << 10)


def syn(mac, source, destination, bits, port):
    """A frame with a SYN from a made-up address outside of the network, its checksums right."""
    source = (0x0B000000 | source & 0x00FFFFFF).to_bytes(4, "big")
    destination = socket.inet_aton(destination)
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 44, bits >> 32, 0, 64, 6, 0) + source + destination
    tcp = struct.pack(">HHIIBBHHHBBH", bits & 0xFFFF, port, bits >> 16 & 0xFFFFFFFF, 0, 0x60, 2, 65535, 0, 0, 2, 4, 1460)
    ip = ip[:10] + checksum(ip) + ip[12:]
    tcp = tcp[:16] + checksum(source + destination + struct.pack(">HH", 6, len(tcp)) + tcp) + tcp[18:]
    return mac + b"\2\0\0\0\0\x99" + b"\x08\0" + ip + tcp


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">H", ~total & 0xFFFF)


if __name__ == "__main__":
    link.main()
