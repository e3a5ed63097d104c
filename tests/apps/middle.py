"""Somebody between a server and the process that takes over from it: passes on what they say, message by message, remembers
it, and does what a test wants to go wrong. Message types are those of limpid/effects/hand_over.hpp."""

import os
import socket
import struct
import threading

HELLO, OFFER, REFUSED, BEGIN, KEYS, LISTENER, CONNECTION, ALL, RECEIVED, RUNNING = range(1, 11)
HEADER = struct.Struct(">BBI")


class Cut(Exception):
    """Both sides are hung up on."""


def read_exactly(peer, n, descriptors=None):
    data = b""
    while len(data) < n:
        if descriptors is None:
            piece = peer.recv(n - len(data))
        else:
            piece, fds, _, _ = socket.recv_fds(peer, n - len(data), 8)
            descriptors.extend(fds)
        if not piece:
            raise Cut
        data += piece
    return data


def read_message(peer):
    descriptors = []
    header = read_exactly(peer, HEADER.size, descriptors)
    kind, _, size = HEADER.unpack(header)
    return kind, read_exactly(peer, size), descriptors


def send_message(peer, kind, body, descriptors=()):
    header = HEADER.pack(kind, len(descriptors), len(body))
    if descriptors:
        socket.send_fds(peer, [header], list(descriptors))
    else:
        peer.sendall(header)
    peer.sendall(body)


class Middle:
    """Listens at `path` for one process that takes over, in the name of the server at `server`. `change(kind, n, body)` is
    asked for every message, the n-th of its kind from 0, what to pass on: bytes, or None for nothing; it may raise Cut.
    With `keep` it remembers everything, descriptors too."""

    def __init__(self, path, server, change=None, keep=False):
        self.server, self.change, self.keep = str(server), change or (lambda kind, n, body: body), keep
        self.messages = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(1)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        new, _ = self.listener.accept()
        old = socket.socket(socket.AF_UNIX)
        old.connect(self.server)
        counts, lock, over = {}, threading.Lock(), threading.Event()

        def hang_up():
            over.set()
            for side in (old, new):
                try:
                    side.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

        def pump(source, target):
            try:
                while True:
                    kind, body, descriptors = read_message(source)
                    with lock:
                        n = counts.get(kind, 0)
                        counts[kind] = n + 1
                        if self.keep:  # before it is passed on, so that the order is that of cause and effect
                            self.messages.append((kind, body, descriptors))
                    passed = self.change(kind, n, body)
                    if passed is not None:
                        send_message(target, kind, passed, descriptors)
                    if not self.keep:
                        for descriptor in descriptors:
                            os.close(descriptor)
            except (Cut, OSError):
                hang_up()

        threads = [threading.Thread(target=pump, args=pair, daemon=True) for pair in ((old, new), (new, old))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        old.close()
        new.close()

    def close(self):
        self.listener.close()
        self.thread.join(20)
        for _, _, descriptors in self.messages:
            for descriptor in descriptors:
                os.close(descriptor)
        self.messages = []


class Stale:
    """Plays an old server that says again what one said once: to whoever connects to `path`."""

    def __init__(self, path, messages):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(1)
        self.messages = messages
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        new, _ = self.listener.accept()
        try:
            for kind, body, descriptors in self.messages:
                if kind in (HELLO, BEGIN, RECEIVED, RUNNING):
                    assert read_message(new)[0] == kind
                else:
                    send_message(new, kind, body, descriptors)
            new.recv(1)
        except (Cut, OSError):
            pass
        new.close()
