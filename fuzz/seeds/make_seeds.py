#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets, one named file each, into the folders beside this script.

    make_seeds.py [--tool LIMPID]

The certificates and the keys inside them are made anew with every run by LIMPID, the built tool, and openssl; without it
they stay as they are.
"""

import argparse
import base64
import pathlib
import re
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def write(target, seeds):
    folder = HERE / target
    folder.mkdir(exist_ok=True)
    for name, content in seeds.items():
        (folder / name).write_bytes(content)


def vec(content, width):
    return len(content).to_bytes(width, "big") + content


def u16(*values):
    return b"".join(value.to_bytes(2, "big") for value in values)


# ---- DER -------------------------------------------------------------------------------------------------------------


def der(tag, *parts):
    content = b"".join(parts)
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


SEQUENCE, SET, INTEGER, BITS, OCTETS, OID, NULL, UTF8 = 0x30, 0x31, 0x02, 0x03, 0x04, 0x06, 0x05, 0x0C
EC_PUBLIC_KEY = der(OID, bytes.fromhex("2a8648ce3d0201"))
PRIME256V1 = der(OID, bytes.fromhex("2a8648ce3d030107"))
ED25519 = der(OID, bytes.fromhex("2b6570"))
COMMON_NAME = der(OID, bytes.fromhex("550403"))


def der_seeds():
    nested = der(INTEGER, b"\x05")
    for _ in range(20):
        nested = der(SEQUENCE, nested)
    return {
        "boolean": der(0x01, b"\xff"),
        "integer": der(INTEGER, b"\x00\x80"),
        "bit_string_with_unused_bits": der(BITS, b"\x03\xa8"),
        "object_identifier": PRIME256V1,
        "name": der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8, b"a name")))),
        "times": der(SEQUENCE, der(0x17, b"260101000000Z"), der(0x18, b"20510101000000Z")),
        "tagged": der(0xA0, der(INTEGER, b"\x02")) + der(0x82, b"example.com"),
        "long_length": der(OCTETS, bytes(200)),
        "deeply_nested": nested,
        "length_not_minimal": b"\x04\x81\x01\x00",
        "length_indefinite": b"\x30\x80\x05\x00\x00\x00",
        "truncated": der(OCTETS, bytes(9))[:-1],
    }


# ---- Keys and certificates -------------------------------------------------------------------------------------------


def pem(label, content):
    text = base64.encodebytes(content).decode()
    lines = "\n".join(re.findall(".{1,64}", text.replace("\n", "")))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n".encode()


def from_pem(file):
    return base64.b64decode(re.search(rb"-----\n(.*?)\n-----END", file, re.S)[1])


def key_seeds():
    scalar = bytes(range(1, 33))
    sec1 = der(SEQUENCE, der(INTEGER, b"\x01"), der(OCTETS, scalar), der(0xA0, PRIME256V1))
    inner = der(SEQUENCE, der(INTEGER, b"\x01"), der(OCTETS, scalar))
    p256 = der(SEQUENCE, der(INTEGER, b"\x00"), der(SEQUENCE, EC_PUBLIC_KEY, PRIME256V1), der(OCTETS, inner))
    ed25519 = der(SEQUENCE, der(INTEGER, b"\x00"), der(SEQUENCE, ED25519), der(OCTETS, der(OCTETS, scalar)))
    zero = der(SEQUENCE, der(INTEGER, b"\x01"), der(OCTETS, bytes(32)), der(0xA0, PRIME256V1))
    return {
        "p256_pkcs8.der": p256,
        "p256_pkcs8.pem": pem("PRIVATE KEY", p256),
        "p256_sec1.der": sec1,
        "p256_sec1.pem": pem("EC PARAMETERS", PRIME256V1) + pem("EC PRIVATE KEY", sec1),
        "ed25519_pkcs8.der": ed25519,
        "ed25519_pkcs8.pem": b"text before\r\n" + pem("PRIVATE KEY", ed25519).replace(b"\n", b"\r\n"),
        "scalar_of_zero.der": zero,
        "encrypted.pem": pem("ENCRYPTED PRIVATE KEY", ed25519),
        "no_end.pem": pem("PRIVATE KEY", ed25519)[:-20],
    }


def certificate_seeds(tool):
    seeds = {}
    with tempfile.TemporaryDirectory() as folder:

        def new(name, *options):
            out = f"{folder}/{name}"
            subprocess.run([tool, "cert", "new", "--out", out, *options], check=True, stdout=subprocess.DEVNULL)
            return pathlib.Path(out, "cert.pem").read_bytes(), pathlib.Path(out, "key.pem").read_bytes()

        authority, _ = new("ca", "--is-ca", "--name", "fuzzing authority", "--days", "36500")
        signer = ["--ca", f"{folder}/ca/cert.pem", "--ca-key", f"{folder}/ca/key.pem", "--days", "3650"]
        leaf, leaf_key = new("leaf", *signer, "--name", "a.b", "--name", "*.example.com", "--ip", "192.0.2.1")
        edwards, edwards_key = new("ed", *signer, "--key-type", "ed25519", "--name", "a.b", "--ip", "2001:db8::1")
        alone, _ = new("alone", "--name", "a.b", "--key-type", "ed25519")
    seeds["authority.der"] = from_pem(authority)
    seeds["leaf_p256.der"] = from_pem(leaf)
    seeds["leaf_ed25519.der"] = from_pem(edwards)
    seeds["self_signed_ed25519.der"] = from_pem(alone)
    seeds["chain.pem"] = leaf + authority
    seeds["truncated.der"] = from_pem(leaf)[:-40]
    write("key_file", {"p256_with_public_key.pem": leaf_key, "ed25519_with_public_key.pem": edwards_key})
    return seeds


def openssl(folder, command):
    subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
    return pathlib.Path(folder, "out").read_bytes()


def encrypted_key_seeds():
    with tempfile.TemporaryDirectory() as folder:
        openssl(folder, "genpkey -algorithm ED25519 -out out")
        pathlib.Path(folder, "out").rename(f"{folder}/key")
        encrypt = "pkcs8 -topk8 -in key -passout pass:secret -iter 10 -outform DER -out out "
        return {name: openssl(folder, encrypt + how) for name, how in {
            "aes_128_sha1": "-v2 aes-128-cbc -v2prf hmacWithSHA1", "aes_256_sha256": "-v2 aes-256-cbc",
            "aes_256_sha384": "-v2 aes-256-cbc -v2prf hmacWithSHA384", "aes_256_sha512": "-v2 aes-256-cbc -v2prf hmacWithSHA512",
            "des3": "-v2 des3", "scrypt": "-scrypt -scrypt_N 16", "pbes1": "-v1 PBE-SHA1-3DES"}.items()}


def certification_request_seeds(tool):
    with tempfile.TemporaryDirectory() as folder:

        def new(*options):
            subprocess.run([tool, "cert", "new", "--csr", "--out", folder, *options], check=True, stdout=subprocess.DEVNULL)
            return from_pem(pathlib.Path(folder, "csr.pem").read_bytes())

        return {"p256": new("--name", "a.b", "--ip", "::1"), "ed25519_ca": new("--is-ca", "--name", "A", "--key-type", "ed25519"),
                "rsa": new("--name", "*.example.com", "--key-type", "rsa2048")}


def ocsp_seeds():
    with tempfile.TemporaryDirectory() as folder:
        openssl(folder, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out out")
        pathlib.Path(folder, "out").rename(f"{folder}/key")
        issuer = openssl(folder, "req -x509 -new -key key -subj /CN=root -days 9 -out out")
        pathlib.Path(folder, "ca").write_bytes(issuer)
        openssl(folder, "req -new -key key -subj /CN=leaf -out out")
        pathlib.Path(folder, "out").rename(f"{folder}/csr")
        pathlib.Path(folder, "ext").write_text("extendedKeyUsage=OCSPSigning\n")
        leaf = openssl(folder, "x509 -req -in csr -CA ca -CAkey key -set_serial 5 -days 9 -extfile ext -out out")
        pathlib.Path(folder, "leaf").write_bytes(leaf)
        openssl(folder, "ocsp -issuer ca -cert leaf -no_nonce -reqout out")
        pathlib.Path(folder, "out").rename(f"{folder}/request")
        seeds = {}
        for name, line in {"good": "V\t991231235959Z\t\t05", "revoked": "R\t991231235959Z\t260102030405Z,keyCompromise\t05",
                           "unknown": "V\t991231235959Z\t\t06"}.items():
            pathlib.Path(folder, "index").write_text(line + "\tunknown\t/CN=leaf\n")
            for signer, more in {"ca": "", "leaf": "-resp_key_id -ndays 1"}.items():
                response = openssl(folder, f"ocsp -index index -CA ca -rsigner {signer} -rkey key -reqin request -respout out {more}")
                seeds[f"{name}_by_{signer}"] = vec(from_pem(leaf), 2) + vec(from_pem(issuer), 2) + response
        seeds["try_later"] = vec(from_pem(leaf), 2) + vec(from_pem(issuer), 2) + b"\x30\x03\x0a\x01\x03"
        return seeds


def crl_seeds():
    with tempfile.TemporaryDirectory() as folder:
        openssl(folder, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out out")
        pathlib.Path(folder, "out").rename(f"{folder}/key")
        issuer = openssl(folder, "req -x509 -new -key key -subj /CN=root -days 9 -out out")
        pathlib.Path(folder, "ca").write_bytes(issuer)
        openssl(folder, "req -new -key key -subj /CN=leaf -out out")
        pathlib.Path(folder, "out").rename(f"{folder}/csr")
        leaf = openssl(folder, "x509 -req -in csr -CA ca -CAkey key -set_serial 5 -days 9 -out out")
        pathlib.Path(folder, "config").write_text(
            "[ca]\ndefault_ca=d\n[d]\ndatabase=index\ndefault_md=sha256\ndefault_crl_days=9\n[number]\n2.5.29.20=DER:02:01:07\n"
            "[partial]\n2.5.29.28=critical,DER:30:03:81:01:ff\n")
        seeds = {}
        for name, (line, more) in {"none": ("", ""), "others": ("R\t991231235959Z\t260102030405Z\t06\tunknown\t/CN=other\n", ""),
                                   "revoked": ("R\t991231235959Z\t260102030405Z,keyCompromise\t05\tunknown\t/CN=leaf\n",
                                               "-crlexts number"),
                                   "partial": ("", "-crlexts partial")}.items():
            pathlib.Path(folder, "index").write_text(line)
            revocations = openssl(folder, f"ca -gencrl -config config -cert ca -keyfile key -out out {more}")
            seeds[name] = vec(from_pem(leaf), 2) + vec(from_pem(issuer), 2) + from_pem(revocations)
        return seeds


# ---- TLS messages ----------------------------------------------------------------------------------------------------


def extensions(*pairs):
    return vec(b"".join(u16(kind) + vec(data, 2) for kind, data in pairs), 2)


X25519_SHARE = u16(0x001D) + vec(bytes(range(32)), 2)
CLIENT_EXTENSIONS = [
    (0, vec(b"\0" + vec(b"example.com", 2), 2)),
    (10, vec(u16(0x001D, 0x0017), 2)),
    (13, vec(u16(0x0403, 0x0807), 2)),
    (16, vec(vec(b"h2", 1) + vec(b"http/1.1", 1), 2)),
    (43, vec(u16(0x0304, 0x0303), 1)),
    (51, vec(X25519_SHARE, 2)),
]


def client_hello(*more, suites=(0x1301, 0x1302, 0x1303)):
    hello = u16(0x0303) + b"C" * 32 + vec(b"S" * 32, 1) + vec(u16(*suites), 2) + vec(b"\0", 1)
    return hello + extensions(*CLIENT_EXTENSIONS, *more)


def server_hello(random=b"R" * 32, share=X25519_SHARE, more=()):
    hello = u16(0x0303) + random + vec(b"S" * 32, 1) + u16(0x1301) + b"\0"
    return hello + extensions((43, u16(0x0304)), (51, share), *more)


RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
PSK = vec(vec(b"ticket", 2) + bytes(4), 2) + vec(vec(bytes(32), 1), 2)
TICKET = bytes(8) + vec(b"nonce", 1) + vec(b"ticket", 2) + extensions((42, bytes(4)))
REQUEST = b"\0" + extensions((13, vec(u16(0x0403), 2)))
ENCRYPTED_EXTENSIONS = extensions((10, vec(u16(0x0017), 2)), (16, vec(vec(b"h2", 1), 2)))


def message_seeds():
    tagged = {
        (0, "alert"): b"\x02\x28",
        (1, "client_hello"): client_hello(),
        (1, "client_hello_grease"): client_hello((0x2A2A, b""), suites=(0x1A1A, 0x1301)),
        (1, "client_hello_psk"): client_hello((42, b""), (45, vec(b"\1", 1)), (41, PSK)),
        (1, "client_hello_cookie"): client_hello((44, vec(b"cookie", 2))),
        (2, "server_hello"): server_hello(),
        (2, "hello_retry_request"): server_hello(RETRY, u16(0x0017), [(44, vec(b"cookie", 2))]),
        (2, "server_hello_downgraded"): server_hello(b"R" * 24 + b"DOWNGRD\1"),
        (4, "new_session_ticket"): TICKET,
        (5, "end_of_early_data"): b"",
        (8, "encrypted_extensions"): ENCRYPTED_EXTENSIONS,
        (11, "certificate"): b"\0" + vec(vec(b"leaf", 3) + b"\0\0" + vec(b"issuer", 3) + b"\0\0", 3),
        (13, "certificate_request"): REQUEST,
        (15, "certificate_verify"): u16(0x0807) + vec(bytes(64), 2),
        (20, "finished_sha256"): bytes(32),
        (20, "finished_sha384"): bytes(48),
        (24, "key_update"): b"\x01",
        (255, "stream"): b"\x18\0\0\1\0\x14\0\0\2ab\x04" + vec(TICKET, 3),
    }
    return {name: bytes([tag]) + body for (tag, name), body in tagged.items()}


# ---- TLS exchanges ---------------------------------------------------------------------------------------------------

OPERATIONS = re.search(
    r"enum class Op[^{]*{(.*?)\bcount\b", (HERE.parent / "support/tls_exchange.hpp").read_text(), re.S
)[1]
OPERATIONS = {name: code for code, name in enumerate(re.findall(r"^\s*(\w+),", OPERATIONS, re.M))}

CHACHA, AES128, AES256, ANY = range(4)
SERVER_P256, CLIENT_P256, ECDSA, ALPN, ALPN_DIFFERS, PAD, GREASE, PLAIN_LOOKS, NO_COOKIE, TIGHT, UNBORN = (
    1 << bit for bit in range(2, 13)
)
HANDSHAKE, ALERT, DATA, CCS = 22, 21, 23, 20


def script(choices, *operations):
    out = u16(choices)
    for operation in operations:
        name, *operands = operation if isinstance(operation, tuple) else (operation,)
        out += bytes([OPERATIONS[name]])
        out += b"".join(bytes([operand]) if isinstance(operand, int) else operand for operand in operands)
    return out


def b8(content):
    return vec(content, 1)


def sealed(kind, content, padding=0):
    return ("sealed_record", kind, padding, b8(content))


def message(kind, body, records=1):
    return ("sealed_message", kind, records, b8(body))


ALL = ("to_machine", u16(0))
NO_HELLO = ("cut", u16(0), 255)  # what a client peer says by itself
TALK = [("write", u16(300)), ("peer_write", u16(500)), "relay"]
END = ["close", "peer_close", "relay", "peer_finished"]


def exchange_seeds():
    both = {
        "session": script(CHACHA, "relay", *TALK, *END),
        "session_aes_128": script(AES128 | PAD, "relay", *TALK, *END),
        "session_aes_256_ecdsa": script(AES256 | ECDSA | PLAIN_LOOKS, "relay", *TALK, *END),
        "session_alpn_any_suite": script(ANY | ALPN | GREASE, "relay", *TALK, *END),
        "session_p256_shares": script(AES128 | SERVER_P256 | CLIENT_P256, "relay", *TALK, *END),
        "retry": script(CHACHA | SERVER_P256, "relay", *TALK, *END),
        "retry_without_cookie": script(CHACHA | SERVER_P256 | NO_COOKIE, "relay", *TALK),
        "no_common_protocol": script(CHACHA | ALPN | ALPN_DIFFERS, "relay"),
        "in_small_pieces": script(
            CHACHA, "to_peer", *[("to_machine", u16(7))] * 20, ALL, "relay", ("peer_write", u16(40)), ("to_machine", u16(9)), ALL
        ),
        "key_updates": script(
            CHACHA, "relay", ("update_keys", 1), "relay", ("peer_update", 1), *TALK, message(24, b"\0"), *TALK, message(24, b"\1", 3), *TALK
        ),
        "too_many_key_updates": script(CHACHA | TIGHT, "relay", *[message(24, b"\0")] * 4, ALL),
        "key_update_wrong": script(CHACHA, "relay", message(24, b"\2"), ALL),
        "empty_records": script(CHACHA | TIGHT, "relay", *[sealed(DATA, b"")] * 2, sealed(DATA, b"x"), *[sealed(DATA, b"")] * 4, ALL),
        "padding_only": script(CHACHA, "relay", sealed(0, b"", 30), ALL),
        "empty_alert": script(CHACHA, "relay", sealed(ALERT, b""), ALL),
        "warnings": script(CHACHA | TIGHT, "relay", *[sealed(ALERT, b"\1\x5a")] * 3, ALL),
        "fatal_alert": script(CHACHA, "relay", sealed(ALERT, b"\2\x28"), ALL, ("write", u16(9))),
        "data_behind_close": script(CHACHA, "relay", sealed(ALERT, b"\1\0"), sealed(DATA, b"late"), ALL, ("write", u16(30)), "close"),
        "truncated": script(CHACHA, "relay", ("peer_write", u16(100)), ("to_machine", u16(60)), "peer_finished", ("write", u16(5))),
        "sealed_change_cipher_spec": script(CHACHA, "relay", sealed(CCS, b"\1"), ALL),
        "change_cipher_spec_behind_handshake": script(CHACHA, "relay", ("plain_record", CCS, b8(b"\1")), ALL),
        "change_cipher_spec_empty": script(CHACHA, "to_peer", ("plain_record", CCS, b8(b"")), ALL),
        "plain_data_behind_handshake": script(CHACHA, "relay", ("plain_record", DATA, b8(b"x" * 40)), ALL),
        "large_record": script(CHACHA, "relay", ("sealed_bulk", DATA, u16(5000)), ALL),
        "record_repeated": script(CHACHA, "relay", ("peer_write", u16(10)), ("repeat", u16(0), 255), ALL),
        "record_lost": script(CHACHA, "relay", ("peer_write", u16(10)), ("cut", u16(0), 32), ("peer_write", u16(10)), ALL),
        "byte_flipped": script(CHACHA, "relay", ("peer_write", u16(10)), ("flip", u16(9), 1), ALL),
        "record_too_long": script(CHACHA, ("raw", b8(b"\x16\3\3\x40\1"))),
        "other_protocol": script(CHACHA, ("raw", b8(b"GET / HTTP/1.0\r\n\r\n"))),
        "ssl2": script(CHACHA, ("raw", b8(b"\x80\x2e\1\0\2"))),
        "unborn": script(CHACHA | UNBORN, ("raw", b8(b"")), ("write", u16(9)), ("tick", u16(9)), ("entropy", 3), "relay"),
        "entropy_later": script(CHACHA, ("entropy", 3), "relay", ("entropy", 4), ("tick", u16(1000)), *TALK),
        "stale_and_unfit_replies": script(
            CHACHA, ("answers", 1), "relay", ("reply", 1, 0), ("reply", 0, 5), ("reply", 0, 3), ("answers", 0), "relay", ("reply", 0, 0)
        ),
        "declined": script(CHACHA, ("answers", 2), "relay"),
        "closed_while_asked": script(CHACHA, ("answers", 1), "relay", ("update_keys", 1), "close"),
        "written_too_early": script(CHACHA, ("write", u16(10)), ("update_keys", 0), "relay", "close", "close", ("write", u16(1))),
    }
    tls13 = extensions((43, u16(0x0304)), (51, X25519_SHARE))
    tls13_hello = u16(0x0303) + b"R" * 32 + b"\0" + u16(0x1303) + b"\0" + tls13
    client = {
        "tampered_flight": script(CHACHA, ("peer_room", 5), "to_peer", ("tamper", u16(130), 8), ("peer_room", 0), "to_peer", ALL),
        "session_tickets": script(CHACHA, "relay", message(4, TICKET), message(4, TICKET, 4), ALL, *TALK),
        "too_many_tickets": script(CHACHA | TIGHT, "relay", *[message(4, TICKET)] * 4, ALL),
        "certificate_requested_late": script(CHACHA, "relay", message(13, REQUEST), ALL),
        "another_key_accepted": script(CHACHA, ("answers", 6), "relay"),
        "server_hello_by_hand": script(CHACHA | PLAIN_LOOKS, ("plain_record", HANDSHAKE, b8(b"\2" + vec(tls13_hello, 3))), ALL),
        "finished_wrong": script(CHACHA, ("peer_room", 5), "to_peer", ("tamper", u16(65535), 8), ("peer_room", 0), "to_peer", ALL),
        "tls12_server_hello": script(
            CHACHA, ("plain_record", HANDSHAKE, b8(b"\2" + vec(u16(0x0303) + b"R" * 24 + b"DOWNGRD\1" + b"\0" + u16(0xC02F) + b"\0", 3))), ALL
        ),
        "second_server_hello": script(CHACHA, "to_peer", ("to_machine", u16(127)), message(2, server_hello()), ALL),
    }
    server = {
        "client_hello_by_hand": script(
            ANY, NO_HELLO, ("plain_record", HANDSHAKE, b8(b"\1" + vec(client_hello(), 3))), ALL, ("plain_record", CCS, b8(b"\1")), ALL
        ),
        "tls12_client_hello": script(
            CHACHA, NO_HELLO, ("plain_record", HANDSHAKE, b8(b"\1" + vec(u16(0x0303) + b"C" * 32 + b"\0" + vec(u16(0xC02F), 2) + b"\1\0", 3))), ALL
        ),
        "early_data": script(
            ANY | TIGHT,
            NO_HELLO,
            ("plain_record", HANDSHAKE, b8(b"\1" + vec(client_hello((42, b""), (45, vec(b"\1", 1)), (41, PSK)), 3))),
            ("plain_record", DATA, b8(b"e" * 40)),
            ("plain_record", DATA, b8(b"e" * 40)),
            ALL,
        ),
        "finished_wrong": script(CHACHA, ("peer_room", 1), "relay", ("tamper", u16(8), 8), ("peer_room", 0), "relay"),
        "finished_lost": script(CHACHA, ALL, "to_peer", ("cut", u16(0), 255), sealed(DATA, b"x"), ALL),
        "another_certificate": script(CHACHA, ("answers", 4), "relay", ("answers", 0), "relay"),
        "empty_chain_then_a_long_one": script(CHACHA, ("answers", 3), "relay", ("answers", 3 + 8 * 31), ("answers", 0), "relay"),
        "bad_signature": script(CHACHA, ("answers", 1), "relay", ("reply", 0, 0), ("reply", 0, 5 + 8 * 9), "relay"),
        "post_handshake_finished": script(CHACHA, "relay", message(20, bytes(32)), ALL),
        "renegotiation": script(CHACHA, "relay", message(1, client_hello()), ALL),
    }
    return both | client, both | server


# ---- HTTP ------------------------------------------------------------------------------------------------------------


def http(*lines, body=b""):
    return "\r\n".join(lines + ("", "")).encode() + body


def request_seeds():
    get = http("GET /a.html HTTP/1.1", "Host: a.b", "If-None-Match: \"x\"", "Accept-Encoding: gzip")
    return {
        "get": get,
        "head_http_1_0": http("HEAD / HTTP/1.0", "Connection: keep-alive"),
        "pipelined": get + http("GET /%7Eb/../c?d=e HTTP/1.1", "Host: a.b", "Range: bytes=0-9") + get,
        "absolute_form": http("GET http://a.b/c HTTP/1.1", "Host: a.b", "Connection: close"),
        "conditional_by_date": http("GET / HTTP/1.1", "Host: a.b", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT"),
        "post_with_length": http("POST /f HTTP/1.1", "Host: a.b", "Content-Length: 5", "Expect: 100-continue", body=b"abcde") + get,
        "post_chunked": http("POST /f HTTP/1.1", "Host: a.b", "Transfer-Encoding: chunked", body=b"3;x=y\r\nabc\r\n0\r\nT: v\r\n\r\n") + get,
        "smuggling": http("POST / HTTP/1.1", "Host: a.b", "Content-Length: 3", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        "out_of_the_folder": http("GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1", "Host: a.b"),
        "folded_field": http("GET / HTTP/1.1", "Host: a.b", "X: y", " z"),
        "two_hosts": http("GET / HTTP/1.1", "Host: a.b", "Host: c.d"),
        "in_pieces_with_replies": get + b"\xff\xff" + bytes([5, 7, 9, 199, 0, 9, 1, 1, 4, 4, 4, 205, 0, 9, 245, 199]),
        "reset_while_reading": get + b"\xff\xff" + bytes([199, 0, 99, 0, 8, 235, 0, 255]),
        "multipart": http("GET /f HTTP/1.1", "Host: a.b", "Range: bytes=0-1,10-20,-3", "If-Range: \"100-1\"") +
                     b"\xff\xff" + bytes([199, 1, 1, 0, 0, 0, 0, 0]),
        "compressed": http("GET /f HTTP/1.1", "Host: a.b", "Accept-Encoding: gzip, br;q=0.9") +
                      b"\xff\xff" + bytes([199, 3, 7, 1, 1, 0, 0, 0]),
        "listing": http("GET /folder/ HTTP/1.1", "Host: a.b") + b"\xff\xff" + bytes([199, 3, 1, 1, 0, 0, 0]),
        "options": http("OPTIONS * HTTP/1.1", "Host: a.b") + get,
        "no_length_in_http_1_0": http("POST /f HTTP/1.0", body=b"abc"),
        "chunk_size_with_space": http("POST /f HTTP/1.1", "Host: a.b", "Transfer-Encoding: chunked", body=b"3 \r\nabc\r\n0\r\n\r\n"),
        "peer_finished": get[:-4] + b"\xff\xff" + bytes([199, 225]),
    }


def response_seeds():
    ok = "HTTP/1.1 200 OK"
    return {
        "with_length": http(ok, "Content-Length: 5", "ETag: \"x\"", body=b"abcde"),
        "until_close": http("HTTP/1.0 200 OK", body=b"to the end"),
        "chunked": http(ok, "Transfer-Encoding: chunked", body=b"3\r\nabc\r\nA;x=\"y\"\r\n0123456789\r\n0\r\nT: v\r\n\r\n"),
        "no_reason": http("HTTP/1.1 404 ", "Content-Length: 0"),
        "interim": http("HTTP/1.1 103 Early Hints", "Link: </a>") + http(ok, "Content-Length: 1", body=b"a"),
        "too_many_interim": http("HTTP/1.1 100 Continue") * 4,
        "not_modified": http("HTTP/1.1 304 Not Modified", "Content-Length: 5"),
        "switched": http("HTTP/1.1 101 Switching Protocols", "Upgrade: x"),
        "two_lengths": http(ok, "Content-Length: 5", "Content-Length: 6", body=b"abcdef"),
        "length_and_chunked": http(ok, "Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        "unknown_coding": http(ok, "Transfer-Encoding: gzip"),
        "chunk_size_huge": http(ok, "Transfer-Encoding: chunked", body=b"ffffffffffffffff0\r\n"),
        "truncated": http(ok, "Content-Length: 50", body=b"abc"),
        "other_protocol": b"SSH-2.0-x\r\n",
        "head_too_large": http(ok, "A: " + "a" * 1100),
        "head_in_pieces": http(ok, "Content-Length: 500", body=b"abc") + b"\xff\xff" + bytes([1, 3, 5, 200, 0, 9, 50, 50, 220]),
        "truncated_by_tls": http("HTTP/1.0 200 OK", body=b"abc") + b"\xff\xff" + bytes([0, 199, 235]),
        "reset": http(ok, "Content-Length: 9", body=b"abc") + b"\xff\xff" + bytes([0, 199, 255, 199]),
        "asked_badly": http(ok) + b"\xff\xff" + bytes([7, 199, 245]),
        "asked_twice": http(ok, "Content-Length: 1", body=b"a") + b"\xff\xff" + bytes([8, 245, 199, 245]),
    }


def packet_seeds():
    """The frames that the tests hold, and a few that no test sends."""
    golden = (HERE.parent.parent / "tests/tcpip/wire/golden.hpp").read_text()
    seeds = {
        name: bytes.fromhex("".join(re.findall(r'"([0-9a-f]+)"', text)))
        for name, text in re.findall(r"string_view (\w+) =\s+([^;]+);", golden)
    }
    ipv6 = bytes.fromhex("02000000000b02000000000a86dd60000000")
    addresses = bytes.fromhex("fd000009000000000000000000000001fd000009000000000000000000000002")
    chain = bytes.fromhex("2b00010400000000" "3c00000000000000" "2c00c20400000000" "0600000012345678") + bytes(20)
    seeds["extension_headers"] = ipv6 + u16(len(chain)) + b"\x00\x40" + addresses + chain
    return seeds


def ip_seeds():
    """Conversations of the frames that the tests hold, and pieces of packets."""
    frames = (HERE.parent.parent / "tests/tcpip/ip/frames.hpp").read_text()
    golden = {
        name: bytes.fromhex("".join(re.findall(r'"([0-9a-f]+)"', text)))
        for name, text in re.findall(r"string_view (\w+) =\s+([^;]+);", frames)
    }
    frame = lambda name: bytes([0]) + vec(golden[name], 2)
    wait = lambda milliseconds: bytes([170]) + u16(milliseconds)
    send = lambda choice, size, room: bytes([200, choice]) + u16(size) + u16(room)
    # From 10.9.0.1 to 10.9.0.2, and from fd00:9::1 to fd00:9::2.
    packet4 = lambda protocol, fragment, content: bytes([50, 0x03, protocol]) + u16(fragment) + vec(content, 2)
    packet6 = lambda protocol, kind, content: bytes([50, 0x02, protocol]) + u16(kind) + vec(content, 2)
    piece6 = lambda offset, content: packet6(44, 2, bytes([17, 0]) + u16(offset) + bytes(4) + content)
    quoted = golden["udp"][14:26] + golden["udp"][30:34] + golden["udp"][26:30] + golden["udp"][34:]
    return {
        "met": frame("arp_request") + frame("echo_request") + wait(1000) + frame("neighbor_solicitation") + wait(2000)
        + frame("neighbor_solicitation") + frame("echo_request6") + frame("udp") + frame("udp6"),
        "autoconfigured": frame("router_advertisement") + wait(3000) + frame("mld_query") + wait(2000) + send(0x10, 2000, 65000),
        "sent": send(0x11, 10, 65000) + wait(1) + frame("arp_request") + send(0x11, 3000, 65000) + send(0x10, 3000, 65000)
        + send(0x01, 100, 65000) + send(0x21, 100, 65000) + send(0x31, 100, 100) + wait(9000),
        "pieces": packet4(17, 1, bytes(800)) + packet4(17, 1601, bytes(800)) + packet4(17, 801, bytes(800))
        + packet4(17, 2400, bytes(800)) + packet4(17, 3, bytes(16)) + packet4(17, 11, bytes(16)) + wait(40000),
        "pieces6": wait(3000) + piece6(1, bytes(800)) + piece6(800, bytes(100)) + piece6(9, bytes(80)) + piece6(0, bytes(20)),
        "conflicts": frame("arp_announcement") + bytes([230, 1]) + u16(100) + packet6(58, 0, golden["dad"][54:]) + wait(9000),
        "errors": packet4(1, 0, bytes([3, 4, 0, 0, 0, 0, 5, 0]) + quoted) + packet4(1, 0, bytes([3, 3, 0, 0, 0, 0, 0, 0]) + quoted),
        "refused": frame("routing_header_0") + packet4(132, 0, bytes(20)) + packet6(132, 2, bytes(20)) + packet6(60, 2, bytes.fromhex("11009e0400000000")),
        "restored": bytes([250, 0]) + wait(5000) + bytes([220, 0, 223, 0]) + bytes([245, 0]) + u16(1400) + bytes([241, 1]),
    }


# ---- Hosts -----------------------------------------------------------------------------------------------------------


def host_seeds():
    """Scripts of fuzz/host_frames.cpp: options, memory, then what happens."""
    syn = lambda source: bytes([0, 6 | source, 2]) + u16(60000, 1460) + bytes([7, 0])
    answer = lambda flags, content=b"", window=60000: bytes([0, 0, flags]) + u16(window) + bytes([len(content)]) + content
    answer_syn = bytes([0, 0, 0x12]) + u16(60000, 1460) + bytes([7, 0])
    wrong = lambda flags, ahead: bytes([0, 8, flags]) + u16(0x4000 + ahead) + bytes([0x80]) + u16(60000) + bytes([0])
    flush = bytes([150])
    wait = lambda milliseconds: bytes([180]) + u16(milliseconds)
    write = lambda size: bytes([195]) + u16(size) + bytes([0])
    command = lambda which, choice: bytes([224 + which, choice])
    finish, abort = command(2, 0), command(3, 0)
    opened = syn(1) + flush + answer(0x10)
    talk = answer(0x18, b"GET /") + flush + write(5000) + flush + answer(0x10) + flush
    plain, lent, poor = bytes([0, 1]), bytes([0x19, 1]), bytes([0, 0])
    leader, follower = bytes([0, 0x81]), bytes([0, 0xC1])
    message = lambda queue, content: command(14, queue) + bytes([len(content)]) + content
    neighbour = bytes(10) + b"\xff\xff" + bytes([10, 9, 0, 1])
    many = b"".join(bytes([0, 6 | source << 4, 2]) + u16(60000, 1460) + bytes([7, 0]) for source in range(8)) + flush
    return {
        "leader": leader + message(1, bytes([3]) + neighbour + bytes(16) + b"\1") + message(1, bytes([2, 0, 0, 0, 1])) + many
        + opened + talk + message(1, bytes([5]) + neighbour) + wait(1500) + message(1, bytes([0, 1, 0, 0, 9])),
        "follower": follower + many + opened + wait(1000) + message(0, bytes([4, 1]) + neighbour + bytes([2, 0, 0, 0, 0, 1, 1]))
        + flush + talk + wait(60000) + message(0, bytes([1, 0, 0, 0, 9]) + bytes(16)),
        "served": plain + opened + talk + finish + flush + answer(0x11) + flush + answer(0x10) + wait(60000),
        "peer_first": plain + opened + talk + answer(0x11) + flush + finish + flush + answer(0x10),
        "lent": lent + opened + write(9000) + flush + write(9000) + flush + answer(0x10) + command(5, 0) + abort + flush + command(5, 1),
        "lost": plain + opened + write(9000) + flush + wait(300) + flush + wait(900) + flush + answer(0x10) + flush,
        "reset": plain + opened + wrong(0x14, 5) + flush + wrong(0x02, 5) + flush + answer(0x14),
        "connected": plain + command(4, 1) + flush + answer_syn + flush + write(100) + flush + answer(0x19, b"x") + finish + flush,
        "flooded": plain + b"".join(bytes([0, 6 | source << 4, 2]) + u16(60000, 1460) + bytes([7, 0]) for source in range(16))
        + answer(0x10) + answer(0x18, b"late") + flush,
        "poor": poor + opened + talk + write(9000) + flush + syn(0) + flush + wait(1000) + flush,
        "services": bytes([0x20, 1]) + command(12, 1) + command(11, 1) + command(10, 1) + flush + wait(5000) + command(13, 9) + wait(5000),
    }


def two_hosts_seeds():
    """Options of both, how much, a backlog, and then a byte for each frame."""
    content = lambda size: u16(size) + bytes([1])
    return {
        "good": bytes(2) + content(5000),
        "lossy": bytes(2) + content(19999) + bytes([0, 0, 0, 7, 0, 0x90, 0, 7, 6, 0, 4, 5, 0, 0, 0xa0, 7] * 8),
        "superframes": bytes([24, 24]) + content(19999) + bytes([0, 0, 0, 0, 6, 0x90, 0, 7] * 4),
        "cookies": bytes(2) + u16(3000) + bytes([0]) + bytes([0, 0, 0, 0, 6, 0x90]),
        "damaged": bytes([7, 0]) + content(9000) + bytes([0, 0, 0, 0, 5, 0, 60, 5, 0, 50] * 6),
    }


# ---- TCP -------------------------------------------------------------------------------------------------------------


def tcp_seeds():
    """Scripts of fuzz/tcp_segments.cpp."""

    def near(n):
        return (n & 0xFFFF).to_bytes(2, "big")

    def segment(flags, seq=0, ack=0, window=10000, has=0, options=b"", text=b""):
        return bytes([50, flags, has]) + near(seq) + near(ack) + near(window) + options + bytes([len(text)]) + text

    def wrote(n):
        return bytes([190]) + near(n) + bytes(i & 255 for i in range(n))

    def wait(n, long=False):
        return bytes([180 if long else 160, n])

    def born(config, way):
        return bytes([config]) + bytes.fromhex("00000007") + bytes([way])

    def accepted(config, flags=2, has=5, options=near(1000)):
        return born(config, 100) + bytes([flags, has]) + near(0) + near(0) + near(60000) + options

    flush, finish, abort = bytes([130]), bytes([232]), bytes([255])
    fin, syn, rst, psh, ack, ece = 1, 2, 4, 8, 16, 64
    stamped = accepted(0, has=15, options=near(1000) + bytes([7, 1, 0])) + segment(ack, has=8, options=bytes([1, 0]))

    def plain(config):
        return accepted(config) + segment(ack)

    return {
        "data_both_ways": plain(0) + segment(ack | psh, text=b"x" * 200) + flush + wrote(3000) + flush
        + segment(ack, ack=3000) + flush,
        "sack_and_recovery": plain(4) + wrote(12000) + flush + wait(20)
        + segment(ack, has=16, options=near(1000) + near(3000)) + flush + wait(10) + flush + segment(ack, ack=10000) + flush,
        "out_of_order": plain(0) + segment(ack, seq=300, text=b"b" * 100) + segment(ack, seq=100, text=b"a" * 200) + flush
        + segment(ack | fin, seq=400) + segment(ack, text=b"c" * 100) + flush,
        "timestamps": stamped + segment(ack, has=8, options=bytes([5, 0]), text=b"q" * 50) + flush
        + segment(ack, has=8, options=bytes([200, 0]), text=b"q" * 50) + flush,
        "zero_window": plain(32) + wrote(500) + flush + segment(ack, ack=500, window=0) + wrote(500) + flush
        + wait(200, True) * 2 + segment(ack, window=5000) + flush,
        "time_out": plain(8) + wrote(4000) + flush + wait(100, True) * 2 + segment(ack, ack=1000) + flush,
        "active_close": plain(0) + finish + flush + segment(ack, ack=1) + segment(ack | fin) + flush,
        "passive_close": plain(0) + segment(ack | fin) + flush + finish + flush + segment(ack, ack=1) + flush,
        "simultaneous_close": plain(0) + finish + flush + segment(ack | fin) + flush + segment(ack, ack=1) + flush,
        "reset": plain(0) + segment(rst, seq=5) + flush + segment(rst) + flush,
        "connect": born(0, 10) + segment(syn | ack, seq=-1, has=7, options=near(1460) + bytes([3])) + flush + wrote(100)
        + flush,
        "simultaneous_open": born(0, 10) + segment(syn, seq=-1) + flush + segment(syn | ack, seq=-1) + flush,
        "refused": born(0, 10) + segment(rst | ack),
        "cookie": born(0, 220) + near(1460) + bytes([7]) + segment(ack, text=b"GET /") + flush + wrote(2000) + flush,
        "ecn": accepted(1, flags=194) + segment(ack) + wrote(9000) + flush + segment(ack | ece, ack=1000) + flush,
        "pins_and_path": plain(6) + wrote(9000) + flush + bytes([238]) + near(600) + flush + segment(ack, ack=9000)
        + bytes([241, 0, 5]),
        "pressure_and_abort": plain(0) + segment(ack, seq=100, text=b"z" * 50) + bytes([245]) + flush + abort + flush,
        "duplicates_without_sack": plain(8) + wrote(9000) + flush + segment(ack) * 4 + flush + segment(ack, ack=3000) + flush
        + segment(ack, ack=6000) + flush,
    }


# ---- DHCP and DNS ----------------------------------------------------------------------------------------------------


def dhcp_seeds():
    def option(code, value):
        return bytes([code]) + vec(value, 1)

    def reply(kind, *options, address="0a09004d"):
        content = option(53, bytes([kind])) + b"".join(options) + b"\xff"
        return b"\0" + bytes.fromhex(address) + u16(len(content)) + content

    server, mask = option(54, bytes([10, 9, 0, 1])), option(1, bytes([255, 255, 255, 0]))
    hour, minute, ever = (option(51, time.to_bytes(4, "big")) for time in (3600, 60, 2**32 - 1))
    router, names, mtu = option(3, bytes([10, 9, 0, 1])), option(6, bytes([10, 9, 0, 1] * 5)), option(26, u16(1400))
    offer, ack, nak = (reply(kind, server, mask, hour, router, names, mtu) for kind in (2, 5, 6))
    wait = lambda seconds: bytes([210]) + u16(seconds)
    down, up, conflict = bytes([235]), bytes([225]), bytes([250])
    split = option(6, bytes([10, 9])) + router + option(6, bytes([0, 1]))
    return {
        "lease": offer + ack,
        "renewed": offer + ack + wait(1800) + ack + wait(1800) + ack,
        "expired": offer + ack + wait(1800) + wait(1350) + wait(450) + offer + ack,
        "refused": offer + nak + offer + nak + wait(5) + offer + ack + wait(1800) + nak,
        "declined": offer + ack + conflict + wait(10) + offer + ack,
        "link_lost": offer + down + up + offer + ack + down + up + ack + down + up + nak,
        "never_answered": wait(5) * 10 + offer + wait(5) * 10,
        "for_ever": offer + reply(5, server, mask, ever),
        "short": offer + reply(5, server, mask, minute) + wait(30) + wait(20) + wait(20),
        "martian": reply(2, server, mask, hour, address="7f000001") + reply(2, server, mask, hour, address="0a0900ff"),
        "split_options": reply(2, server, mask, hour, split) + ack,
        "overload": reply(2, server, mask, hour, option(52, b"\3")) + ack,
        "option_too_long": reply(2, server, hour, b"\x01\xff\xff"),
    }


def dns_seeds():
    def record(kind, data, owner=b"\xc0\x0c"):
        return owner + u16(kind, 1, 0, 60, len(data)) + data

    def answer(flags, count, *records, op=0):
        content = b"".join(records)
        return bytes([op]) + u16(len(content)) + content + u16(flags) + bytes([count])

    a, aaaa = record(1, bytes([10, 9, 0, 8])), record(28, bytes.fromhex("fd000009" + "00" * 11 + "08"))
    alias = record(5, b"\1b\xc0\x0e")  # to b.test
    found_a, found_aaaa, none = answer(0x8180, 1, a), answer(0x8180, 1, aaaa), answer(0x8180, 0)
    wait = lambda milliseconds: bytes([210]) + u16(milliseconds)
    again = lambda family: bytes([230 + family]) + vec(b"example.com", 1)
    return {
        "found": found_a + again(2) + found_a + again(0) + found_aaaa,
        "none": none + again(1) + none,
        "no_such_name": answer(0x8183, 0) + wait(1000),
        "failures": answer(0x8182, 0) * 8,
        "timeouts": (wait(1000) + wait(2000)) * 6,
        "alias": answer(0x8180, 2, alias, record(1, bytes([10, 9, 0, 8]), b"\1b\xc0\x0e")),
        "alias_to_ask_again": answer(0x8100, 1, alias) + found_a,
        "alias_to_itself": answer(0x8180, 1, record(5, b"\xc0\x0c")),
        "truncated": answer(0x8380, 0) + answer(0x8180, 1, a, op=120) + wait(300),
        "truncated_and_reset": answer(0x8380, 0) + bytes([195, 1]) + found_a,
        "over_tcp_too_long": answer(0x8380, 0) + bytes([185, 3]) + b"\xff\xff\0" + b"\1",
        "pointer_to_itself": answer(0x8180, 1, record(1, bytes(4), b"\xc0\x18")),
        "cancelled": bytes([220 + 1]) + found_a,
        "no_servers": bytes([247]) + again(0) + wait(15000) + bytes([252]),
    }


def netfront_seeds():
    """What each side does, an operation and its argument at a time; `run` lets both come to rest."""
    run, send, arrive = bytes([0, 50]), bytes([1, 54]) + u16(1024), bytes([2, 0]) + u16(2048)
    device = b"device/vif/0"
    seeds = {
        "connects": bytes([0]) + run + bytes([1, 54]) + u16(1500) + run + arrive + run,
        "offloads": bytes([0]) + run + bytes([1, 60]) + u16(20000, 1448) + run + bytes([2, 6]) + u16(15000, 1400) + run,
        "restarts": bytes([5]) + run + bytes([5, 1]) + run + send + run + bytes([5, 2]) + run + bytes([5, 4]) + run
        + bytes([5, 8]) + run + bytes([11, 255]) + run,
        "told": bytes([0]) + run + bytes([7, 2, 0, 0, 0, 2, 0, 0, 0, 0, 1, 1, 2, 2]) + bytes([8, 2]) + bytes([1]) * 16
        + bytes([9, 4, 1, 7]) + b"6666" + bytes([10, len(device), 0, 1]) + device
        + bytes([11, 15, 0, 3, 0, 0, 0, 1]) + run,
        "forged": bytes([0]) + run + bytes([6, 0]) + u16(8) + bytes([9, 0, 0, 0, 0, 0, 0, 0]) + send + run + arrive + run,
    }
    for mischief in range(15):
        seeds[f"mischief_{mischief}"] = bytes([mischief]) + run + bytes([3, mischief]) + (send + arrive + run) * 2
    return seeds


def xenstore_seeds():
    piece = lambda content: vec(content, 1)
    request = lambda operation, path, token, value=b"": (
        bytes([1, operation]) + piece(path) + token.to_bytes(4, "big") + piece(value)
    )
    message = lambda kind, request_id, payload: bytes([4, kind, request_id]) + piece(payload)
    room = bytes([0, 4, 0])
    return {
        "requests": room + request(0, b"a", 1) + request(5, b"device", 2) + request(2, b"a", 3, b"v")
        + message(2, 1, b"value") + message(4, 2, b"OK\0") + message(15, 0, b"device/x\0" b"2\0")
        + message(16, 3, b"ENOENT\0"),
        "publishes": room + bytes([2, 0, 0, 0, 9, 2]) + piece(b"a") + piece(b"1") + piece(b"b") + piece(b"2")
        + bytes([5, 1]) + message(11, 2, b"OK\0") + message(11, 3, b"OK\0") + message(16, 4, b"EAGAIN\0")
        + bytes([5, 5]) + message(11, 6, b"OK\0") + message(16, 7, b"EACCES\0") + message(7, 8, b"OK\0"),
        "fails": room + request(0, b"a", 1) + bytes([3]) + piece(bytes([2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 17, 0, 0]))
        + request(0, b"a", 1) + bytes([7, 0, 0, 10]) + request(1, b"c", 5) + bytes([6, 1]) + piece(b"x\0y\0") + bytes([0]),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tool", help="the built limpid, to make certificates with")
    options = parser.parse_args()
    client, server = exchange_seeds()
    write("der", der_seeds())
    write("key_file", key_seeds())
    write("handshake_message", message_seeds())
    write("tls_client", client)
    write("tls_server", server)
    write("http_request", request_seeds())
    write("http_response", response_seeds())
    write("packet", packet_seeds())
    write("ip_frames", ip_seeds())
    write("host_frames", host_seeds())
    write("two_hosts", two_hosts_seeds())
    write("tcp_segments", tcp_seeds())
    write("dhcp_client", dhcp_seeds())
    write("dns_resolver", dns_seeds())
    write("netfront", netfront_seeds())
    write("xenstore_client", xenstore_seeds())
    if options.tool:
        write("certificate", certificate_seeds(options.tool))
        write("certification_request", certification_request_seeds(options.tool))
        write("encrypted_key", encrypted_key_seeds())
        write("ocsp", ocsp_seeds())
        write("crl", crl_seeds())


if __name__ == "__main__":
    main()
