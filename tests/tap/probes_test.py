"""What nmap and a hand that writes packets ask a host on tap is answered as the RFCs say, or not at all."""
# ctest: long 300

import random
import re
import subprocess
import time

import link
import tool

PORT, CLOSED = 8443, 81


def setUpModule():
    link.alone()
    global s
    s = link.scapy()


class Probes(link.OnTap):
    @classmethod
    def setUpClass(cls):
        cls.keep_folder = tool.Folder()
        cls.keep_folder.setUp()
        cls.tap = link.Tap()
        cls.server = link.serve(cls.keep_folder.site, cls.tap, "--plain", env=cls.keep_folder.env)
        cls.server.__enter__()
        cls.mac = cls.tap.mac()
        subprocess.run(["ping", "-6", "-c", "1", "-W", "3", cls.tap.there6], capture_output=True)
        s.conf.route.resync()
        s.conf.route6.resync()
        s.conf.ifaces.reload()
        s.conf.iface = cls.tap.name
        cls.here_mac = s.get_if_hwaddr(cls.tap.name)

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()
        cls.tap.delete()
        cls.keep_folder.doCleanups()

    def setUp(self):
        tool.Folder.setUp(self)
        # Ports of the kernel's own range are left to it.
        self.sport = random.randrange(20000, 30000)

    def tearDown(self):
        """Whatever was sent, it still serves."""
        with self.server.connect() as peer:
            peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
            self.assertIn(b"hello", tool.receive_all(peer))

    # Sending by hand.

    def ether(self, **fields):
        return s.Ether(**{"src": self.here_mac, "dst": self.mac, **fields})

    def ip(self, **fields):
        return self.ether() / s.IP(**{"src": self.tap.here4, "dst": self.tap.there4, **fields})

    def ip6(self, **fields):
        return self.ether() / s.IPv6(**{"src": self.tap.here6, "dst": self.tap.there6, **fields})

    def tcp(self, flags, dport=PORT, **fields):
        return s.TCP(sport=self.sport, dport=dport, flags=flags, seq=1000, window=1000, **fields)

    def send(self, *packets, wait=0.4, version=None):
        """What comes back from limpid for these frames, Ethernet stripped; address resolution left out."""
        sniffer = s.AsyncSniffer(iface=self.tap.name, store=True,
                                 lfilter=lambda frame: frame.src == self.mac and not frame.haslayer(s.ARP)
                                 and not frame.haslayer(s.ICMPv6ND_NS) and not frame.haslayer(s.ICMPv6ND_NA)
                                 and not frame.haslayer(s.ICMPv6MLReport2) and not self.is_kernels(frame))
        sniffer.start()
        tool.eventually(lambda: getattr(sniffer, "running", False), 2)
        time.sleep(0.1)
        for packet in packets:
            s.sendp(packet, iface=self.tap.name)
        time.sleep(wait)
        sniffer.stop()
        return [frame.payload for frame in sniffer.results]

    def is_kernels(self, frame):
        """Part of a conversation of the kernel's own sockets."""
        return frame.haslayer(s.TCP) and not 20000 <= frame[s.TCP].dport < 30000

    def silent(self, *packets, **options):
        self.assertEqual([reply.summary() for reply in self.send(*packets, **options)], [])

    def one(self, *packets, **options):
        replies = self.send(*packets, **options)
        self.assertEqual(len(replies), 1, [reply.summary() for reply in replies])
        return replies[0]

    def both(self, payload):
        """A packet of each version."""
        return self.ip() / payload, self.ip6() / payload

    def reset(self, packet):
        reply = self.one(packet)
        self.assertTrue(reply.haslayer(s.TCP), reply.summary())
        self.assertIn("R", str(reply[s.TCP].flags))
        return reply[s.TCP]

    # TCP, RFC 9293, section 3.10.7.

    def test_a_closed_port_resets(self):
        for packet in self.both(self.tcp("S", CLOSED)):
            reply = self.reset(packet)
            self.assertEqual((str(reply.flags), reply.seq, reply.ack), ("RA", 0, 1001))
        for packet in self.both(self.tcp("A", CLOSED, ack=77)):
            reply = self.reset(packet)
            self.assertEqual((str(reply.flags), reply.seq), ("R", 77))
        for packet in self.both(self.tcp("R", CLOSED)):
            self.silent(packet)

    def test_a_listener_answers_syn_and_nothing_else(self):
        for packet in self.both(self.tcp("S")):
            reply = self.one(packet)[s.TCP]
            self.assertEqual((str(reply.flags), reply.ack), ("SA", 1001))
            self.sport += 1
        for packet in self.both(self.tcp("A", ack=77)):
            self.assertEqual(self.reset(packet).seq, 77)
        # NULL, FIN and XMAS: "Any other control or data-bearing segment (not containing SYN) must have an ACK"; those
        # without are dropped.
        for flags in ("", "F", "FPU", "R", "RA"):
            for packet in self.both(self.tcp(flags)):
                self.silent(packet)
        for packet in self.both(self.tcp("SF")):
            self.assertLessEqual(len(self.send(packet)), 1, "a SYN with FIN is dropped or taken as SYN")
            self.sport += 1

    def test_null_fin_and_xmas_at_a_closed_port_reset(self):
        for flags in ("", "F", "FPU"):
            for packet in self.both(self.tcp(flags, CLOSED)):
                self.assertIn("A", str(self.reset(packet).flags))

    def test_bad_checksums_are_silent(self):
        for packet in (*self.both(self.tcp("S", CLOSED, chksum=1)), self.ip(chksum=1) / self.tcp("S", CLOSED),
                       self.ip() / s.ICMP(chksum=1), self.ip6() / s.ICMPv6EchoRequest(cksum=1),
                       *self.both(s.UDP(sport=self.sport, dport=CLOSED, chksum=1) / b"x"),
                       self.ip6() / s.UDP(sport=self.sport, dport=CLOSED, chksum=0) / b"x"):
            self.silent(packet)

    def test_bad_offsets_and_options(self):
        for packet in (*self.both(self.tcp("S", CLOSED, dataofs=4)), *self.both(self.tcp("S", CLOSED, dataofs=15))):
            self.silent(packet)
        # An option that runs out of the header: what stands before it counts, or the segment is dropped.
        for options in (b"\x02\x00\x00\x00", b"\x02\xff\x05\xb4", b"\x08\x0a\x00\x00"):
            header = bytearray(bytes(self.tcp("S", CLOSED)) + options)
            header[12] = (20 + len(options)) // 4 << 4
            header[16:18] = bytes(2)
            packet = self.ip() / s.TCP(bytes(header))
            del packet[s.TCP].chksum
            self.assertLessEqual(len(self.send(packet)), 1)

    def test_land_and_martians_are_silent(self):
        syn = s.TCP(sport=PORT, dport=PORT, flags="S", seq=1)
        self.silent(self.ip(src=self.tap.there4) / syn)
        self.silent(self.ip6(src=self.tap.there6) / syn)
        for source in ("127.0.0.1", "224.0.0.1", "255.255.255.255", "0.0.0.0", "10.9.0.255", "240.0.0.1"):
            self.silent(self.ip(src=source) / self.tcp("S"))
        for source in ("::1", "ff02::1", "::", "::ffff:10.9.0.1"):
            self.silent(self.ip6(src=source) / self.tcp("S"))
        for destination in ("10.9.0.255", "255.255.255.255", "224.0.0.1", "10.9.0.3", "127.0.0.1"):
            self.silent(self.ip(dst=destination) / self.tcp("S", CLOSED))
            self.silent(self.ether(dst="ff:ff:ff:ff:ff:ff") / s.IP(src=self.tap.here4, dst=destination) / self.tcp("S"))
        # TCP to us in a link-layer broadcast: RFC 1122, section 3.3.6.
        self.silent(self.ether(dst="ff:ff:ff:ff:ff:ff") / s.IP(src=self.tap.here4, dst=self.tap.there4) / self.tcp("S"))

    # ICMP.

    def test_a_closed_udp_port_is_unreachable(self):
        reply = self.one(self.ip() / s.UDP(sport=self.sport, dport=CLOSED) / b"hello")
        self.assertEqual((reply[s.ICMP].type, reply[s.ICMP].code), (3, 3))
        self.assertEqual(reply[s.UDPerror].sport, self.sport)
        reply = self.one(self.ip6() / s.UDP(sport=self.sport, dport=CLOSED) / b"hello")
        self.assertEqual(reply[s.ICMPv6DestUnreach].code, 4)
        # RFC 1122, section 3.2.2: none about broadcasts and multicasts.
        self.silent(self.ether(dst="ff:ff:ff:ff:ff:ff") / s.IP(src=self.tap.here4, dst="10.9.0.255") /
                    s.UDP(sport=self.sport, dport=CLOSED) / b"hello")

    def test_unknown_protocols_and_headers(self):
        reply = self.one(self.ip(proto=253) / b"hello world")
        self.assertEqual((reply[s.ICMP].type, reply[s.ICMP].code), (3, 2))
        reply = self.one(self.ip6(nh=253) / b"hello world")
        self.assertEqual((reply[s.ICMPv6ParamProblem].code, reply[s.ICMPv6ParamProblem].ptr), (1, 6))

    def test_echo(self):
        reply = self.one(self.ip() / s.ICMP(id=7, seq=9) / b"abc")
        self.assertEqual((reply[s.ICMP].type, reply[s.ICMP].id, reply[s.ICMP].seq, bytes(reply[s.ICMP].payload)), (0, 7, 9, b"abc"))
        reply = self.one(self.ip6() / s.ICMPv6EchoRequest(id=7, seq=9, data=b"abc"))
        self.assertEqual((reply[s.ICMPv6EchoReply].id, reply[s.ICMPv6EchoReply].data), (7, b"abc"))
        # RFC 1122, section 3.2.2.6: to a broadcast it may be discarded (smurf).
        self.silent(self.ether(dst="ff:ff:ff:ff:ff:ff") / s.IP(src=self.tap.here4, dst="10.9.0.255") / s.ICMP())
        for kind in (13, 15, 17):  # timestamp, information, address mask
            self.assertLessEqual(len(self.send(self.ip() / s.ICMP(type=kind))), 1)

    # Fragments.

    def test_fragments_are_put_together(self):
        payload = bytes(random.randrange(256) for _ in range(5000))
        whole = s.IP(src=self.tap.here4, dst=self.tap.there4, id=99) / s.ICMP(id=5, seq=1) / payload
        pieces = [self.ether() / piece for piece in s.fragment(whole, 1000)]
        random.shuffle(pieces)
        replies = self.send(*pieces, wait=0.8)
        self.assertEqual(bytes(s.defragment([s.Ether() / reply for reply in replies])[0][s.ICMP].payload), payload)
        whole = s.IPv6(src=self.tap.here6, dst=self.tap.there6) / s.IPv6ExtHdrFragment(id=99) / s.ICMPv6EchoRequest(id=5, data=payload)
        pieces = [self.ether() / piece for piece in s.fragment6(whole, 1280)]
        pieces.reverse()
        replies = self.send(*pieces, wait=0.8)
        self.assertEqual(s.IPv6(bytes(s.defragment6(replies)))[s.ICMPv6EchoReply].data, payload)

    def test_overlapping_fragments_are_refused(self):
        # RFC 5722 for version 6; here for version 4 as well (RFC 1858's attacks).
        icmp = bytes(s.ICMP(id=5) / bytes(40))
        first = self.ip(id=77, proto=1, flags="MF") / icmp[:32]
        overlapping = self.ip(id=77, proto=1, frag=2) / icmp[16:]
        self.silent(first, overlapping)
        self.silent(overlapping, first)
        request = s.IPv6(bytes(s.IPv6(src=self.tap.here6, dst=self.tap.there6) / s.ICMPv6EchoRequest(data=bytes(40))))
        body = bytes(request.payload)
        first = self.ip6() / s.IPv6ExtHdrFragment(id=7, m=1, offset=0, nh=58) / body[:32]
        overlapping = self.ip6() / s.IPv6ExtHdrFragment(id=7, m=0, offset=3, nh=58) / body[24:]
        self.silent(first, overlapping)

    def test_odd_fragments(self):
        # A last one that makes more than 65535 bytes (ping of death), and ones whose lengths are no multiple of 8.
        self.silent(self.ip(id=5, proto=1, flags="MF") / bytes(64), self.ip(id=5, proto=1, frag=8189) / bytes(1000))
        self.silent(self.ip(id=6, proto=1, flags="MF") / bytes(63))
        reply = self.send(self.ip6() / s.IPv6ExtHdrFragment(id=7, m=1, offset=0, nh=58) / bytes(63))
        for packet in reply:  # RFC 8200, section 4.5: a Parameter Problem at the length
            self.assertEqual((packet[s.ICMPv6ParamProblem].code, packet[s.ICMPv6ParamProblem].ptr), (0, 4))
        # Tiny first fragments of TCP (RFC 1858, RFC 7112): the header must be in the first.
        syn = bytes(self.tcp("S", CLOSED))
        self.assertLessEqual(len(self.send(self.ip(id=8, proto=6, flags="MF") / syn[:8],
                                           self.ip(id=8, proto=6, frag=1) / syn[8:])), 1)

    # Version 6's headers.

    def test_routing_header_0(self):
        echo = s.ICMPv6EchoRequest(id=1)
        # RFC 5095: with segments left a Parameter Problem at the type, otherwise ignored.
        reply = self.one(self.ip6() / s.IPv6ExtHdrRouting(type=0, segleft=1, addresses=["fd00:9::77"]) / echo)
        self.assertEqual((reply[s.ICMPv6ParamProblem].code, reply[s.ICMPv6ParamProblem].ptr), (0, 42))
        reply = self.one(self.ip6() / s.IPv6ExtHdrRouting(type=0, segleft=0, addresses=["fd00:9::77"]) / echo)
        self.assertTrue(reply.haslayer(s.ICMPv6EchoReply))

    def test_options_in_extension_headers(self):
        echo = s.ICMPv6EchoRequest(id=1)
        option = lambda kind: s.IPv6ExtHdrHopByHop(options=[s.HBHOptUnknown(otype=kind, optdata=b"\0\0")])
        self.assertTrue(self.one(self.ip6() / option(0x1e) / echo).haslayer(s.ICMPv6EchoReply), "skip")
        self.silent(self.ip6() / option(0x5e) / echo)  # discard
        reply = self.one(self.ip6() / option(0x9e) / echo)  # discard and tell
        self.assertEqual((reply[s.ICMPv6ParamProblem].code, reply[s.ICMPv6ParamProblem].ptr), (2, 42))
        self.assertTrue(self.one(self.ip6() / s.IPv6ExtHdrDestOpt(options=[s.PadN(optdata=b"\0" * 4)]) / echo).haslayer(s.ICMPv6EchoReply))

    def test_neighbours_from_afar_are_not_believed(self):
        ns = s.ICMPv6ND_NS(tgt=self.tap.there6) / s.ICMPv6NDOptSrcLLAddr(lladdr=self.here_mac)
        # RFC 4861, section 7.1.1: hop limit 255.
        sniffed = self.advertisements(self.ip6(hlim=64) / ns)
        self.assertEqual(sniffed, 0)
        self.assertEqual(self.advertisements(self.ip6(hlim=255) / ns), 1)
        self.assertEqual(self.advertisements(self.ip6(hlim=255, src="::") / ns), 0)

    def advertisements(self, packet):
        sniffer = s.AsyncSniffer(iface=self.tap.name, lfilter=lambda frame: frame.src == self.mac and frame.haslayer(s.ICMPv6ND_NA)
                                 and frame[s.ICMPv6ND_NA].tgt == self.tap.there6)
        sniffer.start()
        time.sleep(0.2)
        s.sendp(packet, iface=self.tap.name)
        time.sleep(0.3)
        sniffer.stop()
        return len(sniffer.results)

    # ARP.

    def test_arp(self):
        ask = s.ARP(op=1, hwsrc=self.here_mac, psrc=self.tap.here4, pdst=self.tap.there4)
        count = lambda packet: self.arp_replies(packet)
        self.assertEqual(count(self.ether(dst="ff:ff:ff:ff:ff:ff") / ask), 1)
        self.assertEqual(count(self.ether(dst="ff:ff:ff:ff:ff:ff", type=0x0806) / s.Raw(bytes(ask)[:20])), 0)
        for fields in ({"pdst": "10.9.0.3"}, {"hwlen": 5}, {"ptype": 0x86DD}, {"op": 9}):
            altered = ask.copy()
            for name, value in fields.items():
                setattr(altered, name, value)
            self.assertEqual(count(self.ether(dst="ff:ff:ff:ff:ff:ff") / altered), 0, fields)
        # Whoever claims our own address is answered (RFC 5227), not believed.
        self.send(self.ether(dst="ff:ff:ff:ff:ff:ff") / s.ARP(op=1, hwsrc="02:66:66:66:66:66", psrc=self.tap.there4, pdst=self.tap.there4))

    def arp_replies(self, packet):
        sniffer = s.AsyncSniffer(iface=self.tap.name, lfilter=lambda frame: frame.src == self.mac and frame.haslayer(s.ARP)
                                 and frame[s.ARP].op == 2)
        sniffer.start()
        time.sleep(0.2)
        s.sendp(packet, iface=self.tap.name)
        time.sleep(0.3)
        sniffer.stop()
        return len(sniffer.results)

    # Whatever else.

    def test_truncated_frames(self):
        for packet in (self.ip() / self.tcp("S", CLOSED) / bytes(20), self.ip6() / self.tcp("S", CLOSED) / bytes(20),
                       self.ip() / s.ICMP() / bytes(20), self.ip6() / s.ICMPv6EchoRequest(data=bytes(20)),
                       self.ip() / s.UDP(sport=self.sport, dport=CLOSED) / bytes(20)):
            whole = bytes(packet)
            self.silent(*(whole[:size] for size in range(14, len(whole))), wait=0.8)

    def test_lengths_that_lie(self):
        for packet in (self.ip(len=19) / s.ICMP(), self.ip(len=2000) / s.ICMP(), self.ip(ihl=4) / s.ICMP(), self.ip(ihl=15) / s.ICMP(),
                       self.ip(version=5) / s.ICMP(), self.ip6(plen=2000) / s.ICMPv6EchoRequest(), self.ip6(version=4) / s.ICMPv6EchoRequest(),
                       self.ip() / s.UDP(sport=self.sport, dport=CLOSED, len=7) / b"x", self.ip() / s.UDP(sport=self.sport, dport=CLOSED, len=99) / b"x"):
            self.silent(packet)

    def test_padding_behind_the_packet_is_not_payload(self):
        reply = self.one(bytes(self.ip() / s.ICMP() / b"ab") + bytes(30))
        self.assertEqual(bytes(reply[s.ICMP].payload)[:2], b"ab")
        self.assertEqual(reply[s.IP].len, 20 + 8 + 2)

    def test_a_vlan_tag_is_tolerated(self):
        replies = self.send(self.ether() / s.Dot1Q(vlan=0) / s.IP(src=self.tap.here4, dst=self.tap.there4) / s.ICMP())
        self.assertLessEqual(len(replies), 1)

    def test_noise(self):
        dice = random.Random(5)
        for _ in range(20):
            frames = []
            for _ in range(50):
                packet = dice.choice([self.ip() / self.tcp("S") / bytes(30), self.ip6() / self.tcp("A", ack=5) / bytes(30),
                                      self.ip6() / s.ICMPv6EchoRequest(data=bytes(30)), self.ip() / s.UDP(dport=68) / bytes(300),
                                      self.ether() / s.ARP(psrc=self.tap.here4, pdst=self.tap.there4, hwsrc=self.here_mac)])
                raw = bytearray(bytes(packet))
                for _ in range(dice.randrange(1, 6)):
                    raw[dice.randrange(14, len(raw))] = dice.randrange(256)
                frames.append(bytes(raw))
            s.sendp(frames, iface=self.tap.name)
        self.assertIsNone(self.server.process.poll())

    # nmap.

    def test_nmap(self):
        tool.need("nmap")
        common = ["nmap", "-n", "-Pn", "-T4", "--max-retries", "3", "-p", f"{CLOSED},{PORT}"]
        for options, expected in ((["-sS"], "open"), (["-sT"], "open"), (["-sA"], "unfiltered"), (["-sN"], r"open\|filtered"), (["-sF"], r"open\|filtered"),
                                  (["-sX"], r"open\|filtered")):
            for address in ([self.tap.there4], ["-6", self.tap.there6]):
                said = subprocess.run([*common, *options, *address], capture_output=True, text=True, timeout=60).stdout
                closed = "unfiltered" if options == ["-sA"] else "closed"
                self.assertRegex(said, rf"{CLOSED}/tcp +{closed} ", (options, address))
                self.assertRegex(said, rf"{PORT}/tcp +{expected} ", (options, address))
        # nmap cannot tell one initial sequence number from the one before.
        said = subprocess.run(["nmap", "-n", "-Pn", "-O", "-v", "-p", f"{CLOSED},{PORT}", self.tap.there4], capture_output=True,
                              text=True, timeout=120).stdout
        difficulty = re.search(r"TCP Sequence Prediction: Difficulty=(\d+)", said)
        if difficulty:
            self.assertGreaterEqual(int(difficulty[1]), 240, said)
        protocols = subprocess.run(["nmap", "-n", "-Pn", "-sO", "-p", "1,6,253", self.tap.there4], capture_output=True, text=True, timeout=60).stdout
        self.assertRegex(protocols, r"1 +open +icmp")
        self.assertRegex(protocols, r"253 +closed ")


if __name__ == "__main__":
    link.main()
