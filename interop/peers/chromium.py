"""Headless Chromium; its network log says what was agreed."""

import base64
import hashlib
import json
import re
import ssl

from .common import KEYS, PAGE, Cell, Failure, Peer, expect, run


class Chromium(Peer):
    name = "chromium"
    client_programs = ("chromium",)
    server_programs = None
    lacks = {"ed25519": "Chromium offers no Ed25519 signatures"}
    client_cells = staticmethod(lambda: [Cell(suite="default", group="default", key=key) for key in KEYS])

    def client(self, place, port, cell):
        pem = place.pair(cell.key)[0].read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
        status, spki = run(["sh", "-c", "openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | base64 -w0"],
                           ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(pem)).encode())
        if status != 0:
            raise Failure("openssl could not give the certificate's public key")
        pin = base64.b64encode(hashlib.sha256(base64.b64decode(spki)).digest()).decode()
        log = place.work / f"netlog-{cell.key}.json"
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                   "--disable-background-networking", "--disable-component-update", "--disable-sync",
                   f"--user-data-dir={place.work}/chromium-{cell.key}", f"--ignore-certificate-errors-spki-list={pin}",
                   f"--log-net-log={log}", "--net-log-capture-mode=IncludeSensitive", "--dump-dom",
                   f"https://localhost:{port}/"]
        _, output = run(command, timeout=120)
        expect(re.escape(PAGE.strip()), output, "the page")
        text = log.read_text()
        try:
            records = json.loads(text)
        except json.JSONDecodeError:
            records = json.loads(text.rstrip().rstrip(",") + "]}")
        for event in records["events"]:
            params = event.get("params", {})
            if "cipher_suite" in params and "version" in params:
                if params["version"] != "TLS 1.3":
                    raise Failure(f"peer reports {params['version']}")
                return
        raise Failure("peer's log shows no TLS connection")
