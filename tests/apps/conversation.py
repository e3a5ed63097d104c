"""A conversation in HTTP that every frontend must hold in the same words: sockets, tap, and the boot image."""

import re

REQUESTS = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"HEAD /big HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /big HTTP/1.1\r\nHost: a\r\nRange: bytes=5-1000,200000-200010\r\n\r\n",
    b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
    b"GET /folder HTTP/1.1\r\nHost: a\r\n\r\nGET /folder/ HTTP/1.1\r\nHost: a\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"BREW / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
]
ANSWERS = 10


def prepare(site):
    """Puts into the folder what the requests ask for, besides index.html."""
    (site / "big").write_bytes(bytes(range(256)) * 2000)
    (site / "folder").mkdir()
    (site / "folder" / "note.txt").write_text("a note\n")


def hold(peer):
    """All that is answered, but for the time of day, entity tags, in which each frontend names the version of a file by
    what it knows of it, and multipart/byteranges' boundary, which is made of that, with the length of what it ends up in."""
    for request in REQUESTS:
        peer.sendall(request)
    pieces = []
    while piece := peer.recv(65536):
        pieces.append(piece)
    text = re.sub(rb"\r\n(Date|ETag): [^\r]*", rb"\r\n\1: masked", b"".join(pieces))
    text = re.sub(rb"(boundary=[^\r]+\r\nContent-Length: )\d+", rb"\1masked", text)
    return re.sub(rb"(boundary=|\r\n--)[^\r]+", rb"\1masked", text)
