"""`limpid cert new`, `cert show` and `cert verify`, judged by OpenSSL where it can."""

import json
import os
import pty
import stat
import subprocess

import tool


class Certificates(tool.Folder):
    def new(self, folder, *arguments, made="cert.pem"):
        result = tool.run("cert", "new", "--out", self.root / folder, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.root / folder / made, self.root / folder / "key.pem"

    def verify(self, *arguments):
        """The verdict, which the exit status repeats."""
        result = tool.run("cert", "verify", *arguments)
        self.assertEqual((result.returncode, result.stderr), (0 if result.stdout.startswith("valid: ") else 1, ""), result)
        self.assertEqual(result.stdout.count("\n"), 1)
        return result.stdout.strip()

    def show(self, path):
        result = tool.run("cert", "show", "--json", path)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def openssl(self, *arguments):
        tool.need("openssl")
        return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=True).stdout

    def test_a_leaf(self):
        certificate, key = self.new("a", "--name", "example.test", "--name", "*.example.test", "--ip", "192.0.2.1", "--ip",
                                    "2001:db8::1", "--days", "10")
        self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600)
        self.assertEqual(sorted(entry.name for entry in certificate.parent.iterdir()), ["cert.pem", "key.pem"])
        [shown] = self.show(certificate)
        self.assertEqual(shown["names"], {"dns": ["example.test", "*.example.test"], "ip": ["192.0.2.1", "2001:db8::1"],
                                          "other": []})
        self.assertEqual((shown["subject"], shown["key"], shown["is_ca"]), ("CN=example.test", "P-256", False))
        text = tool.run("cert", "show", certificate).stdout
        self.assertIn("DNS:example.test", text)

    def test_openssl_verifies_a_chain_of_three(self):
        for key_type in ("p256", "p384", "ed25519", "rsa2048"):
            root, root_key = self.new(f"root-{key_type}", "--is-ca", "--name", "Root", "--key-type", key_type)
            middle, middle_key = self.new(f"middle-{key_type}", "--is-ca", "--name", "Middle", "--ca", root, "--ca-key", root_key)
            leaf, leaf_key = self.new(f"leaf-{key_type}", "--name", "leaf.test", "--ca", middle, "--ca-key", middle_key,
                                      "--key-type", key_type)
            self.assertEqual([each["subject"] for each in self.show(leaf)], ["CN=leaf.test", "CN=Middle"])
            out = self.openssl("verify", "-x509_strict", "-CAfile", root, "-untrusted", middle, "-verify_hostname",
                               "leaf.test", leaf)
            self.assertEqual(out, f"{leaf}: OK\n")
            public = self.openssl("pkey", "-in", leaf_key, "-pubout")
            self.assertEqual(self.openssl("x509", "-in", leaf, "-noout", "-pubkey"), public)
            self.assertEqual(self.verify("--ca", root, leaf, "--name", "leaf.test", "--usage", "server"),
                             "valid: leaf.test <- Middle <- Root")

    def test_rsa_keys_are_sound(self):
        for bits in (2048, 3072, 4096):
            certificate, key = self.new(f"rsa{bits}", "--name", "a.test", "--key-type", f"rsa{bits}")
            self.assertEqual(self.show(certificate)[0]["key"], f"RSA {bits}")
            self.assertIn("Key is valid", self.openssl("pkey", "-in", key, "-check", "-noout"))
            numbers = self.openssl("rsa", "-in", key, "-noout", "-text")
            self.assertIn("publicExponent: 65537", numbers)
            self.assertIn(f"Private-Key: ({bits} bit, 2 primes)", numbers)

    def test_a_ca_of_any_key_signs_for_any_key(self):
        types = ("p256", "p384", "ed25519", "rsa2048")
        for of_ca in types:
            ca, ca_key = self.new(f"ca-{of_ca}", "--is-ca", "--name", "Root", "--key-type", of_ca)
            for of_leaf in types:
                leaf, _ = self.new(f"{of_ca}-{of_leaf}", "--name", "a.test", "--ca", ca, "--ca-key", ca_key, "--key-type", of_leaf)
                self.assertEqual(self.verify("--ca", ca, leaf), "valid: a.test <- Root")

    def test_the_key_of_a_ca_may_be_encrypted(self):
        ca, ca_key = self.new("ca", "--is-ca")
        encrypted, passphrase = self.root / "encrypted.pem", self.root / "passphrase"
        self.openssl("pkey", "-in", ca_key, "-aes256", "-passout", "pass:open sesame", "-out", encrypted)
        passphrase.write_text("open sesame\r\nand more\n")
        leaf, _ = self.new("leaf", "--name", "a.test", "--ca", ca, "--ca-key", encrypted, "--passphrase-file", passphrase)
        self.assertEqual(self.verify("--ca", ca, leaf), "valid: a.test <- limpid CA")

    def test_the_passphrase_is_asked_for_at_the_terminal(self):
        ca, ca_key = self.new("ca", "--is-ca")
        encrypted = self.root / "encrypted.pem"
        self.openssl("pkey", "-in", ca_key, "-aes256", "-passout", "pass:secret", "-out", encrypted)
        for typed, status in ((b"secret\r", 0), (b"wrong\x15sex\x7fcret\r", 0), (b"wrong\r", 1), (b"sec\x03", 1), (b"\x04", 1)):
            arguments = ["cert", "new", "--name", "a.test", "--ca", ca, "--ca-key", encrypted, "--out", self.root / "leaf"]
            pid, terminal = pty.fork()
            if pid == 0:
                os.execv(tool.LIMPID, [tool.LIMPID, *map(str, arguments)])
            seen = b""
            while not seen.endswith(b"': "):
                seen += os.read(terminal, 1000)
            os.write(terminal, typed)
            while True:
                try:
                    more = os.read(terminal, 1000)
                except OSError:
                    break
                if not more:
                    break
                seen += more
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), status, seen)
            os.close(terminal)
            self.assertIn(f"passphrase of '{encrypted}': ".encode(), seen)
            self.assertNotIn(typed[:5], seen.replace(bytes(encrypted), b""))  # nothing is shown

    def test_a_request(self):
        request, key = self.new("csr", "--csr", "--name", "a.test", "--ip", "192.0.2.1", "--key-type", "p384", made="csr.pem")
        self.assertEqual(sorted(entry.name for entry in request.parent.iterdir()), ["csr.pem", "key.pem"])
        self.assertIn("DNS:a.test, IP Address:192.0.2.1", self.openssl("req", "-in", request, "-verify", "-noout", "-text"))
        [shown] = self.show(request)
        self.assertEqual((shown["type"], shown["signed_by_its_key"], shown["names"]["ip"]), ("request", True, ["192.0.2.1"]))
        self.assertIn("request for:   CN=a.test", tool.run("cert", "show", request).stdout)

    def test_what_verify_says(self):
        root, root_key = self.new("root", "--is-ca", "--name", "Root", "--days", "20")
        middle, middle_key = self.new("middle", "--is-ca", "--name", "Middle", "--ca", root, "--ca-key", root_key)
        leaf, _ = self.new("leaf", "--name", "a.test", "--ip", "::1", "--ca", middle, "--ca-key", middle_key, "--days", "10")
        alone = self.root / "alone.pem"
        alone.write_text(leaf.read_text().split("-----END CERTIFICATE-----\n")[0] + "-----END CERTIFICATE-----\n")
        other, _ = self.new("other", "--is-ca", "--name", "Other")
        chain = "valid: a.test <- Middle <- Root"
        for arguments, expected in (
                ([leaf], chain), (["--untrusted", middle, alone], chain), (["--ip", "::1", leaf], chain), (["--depth", "1", leaf], chain),
                (["--usage", "server", "--name", "a.test", leaf], chain),
                ([alone], "invalid: the certificate's issuer is not known"),
                (["--name", "b.test", leaf], "invalid: the certificate is for another name"),
                (["--ip", "::2", leaf], "invalid: the certificate is for another name"),
                (["--usage", "client", leaf], "invalid: the certificate is not for this purpose (extKeyUsage)"),
                (["--at", "2099-01-01T00:00:00Z", leaf], "invalid: the certificate has expired"),
                (["--at", "2020-01-01", leaf], "invalid: the certificate is not valid yet"),
                (["--depth", "0", leaf], "invalid: the chain is longer than is allowed (trust anchor 1)"),
                ([root], "valid: Root")):
            self.assertEqual(self.verify("--ca", root, *arguments), expected)
        self.assertEqual(self.verify("--ca", other, leaf), "invalid: the certificate's issuer is not known (certificate 2 of the chain)")
        # Weak ones, by name.
        weak = self.root / "weak.pem"
        self.openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=weak", "-keyout", self.root / "weak.key", "-out", weak)
        self.assertIn("too weak", self.verify("--ca", weak, weak))
        damaged = self.root / "damaged.der"
        damaged.write_bytes(b"0\x03\x02\x01\x00")
        self.assertTrue(self.verify("--ca", root, damaged).startswith("invalid: a malformed certificate (number 1): "))

    def test_verify_asks_ocsp(self):
        ca, ca_key = self.new("ca", "--is-ca", "--name", "Root")
        leaf, _ = self.new("leaf", "--name", "a.test", "--ca", ca, "--ca-key", ca_key)
        serial = self.show(leaf)[0]["serial"].replace(":", "").upper()
        index, response = self.root / "index", self.root / "response"
        for line, expected in ((f"V\t991231235959Z\t\t{serial}\tunknown\t/CN=a.test\n", "valid: a.test <- Root"),
                               (f"R\t991231235959Z\t260102030405Z\t{serial}\tunknown\t/CN=a.test\n",
                                "invalid: the certificate was revoked at 2026-01-02T03:04:05Z"),
                               ("V\t991231235959Z\t\t77\tunknown\t/CN=b.test\n", "invalid: the OCSP responder does not know the certificate")):
            index.write_text(line)
            request = self.root / "request"
            self.openssl("ocsp", "-issuer", ca, "-cert", leaf, "-no_nonce", "-reqout", request)
            self.openssl("ocsp", "-index", index, "-CA", ca, "-rsigner", ca, "-rkey", ca_key, "-reqin", request, "-respout", response,
                         "-ndays", "1")
            self.assertEqual(self.verify("--ca", ca, "--ocsp", response, leaf), expected)
        response.write_bytes(response.read_bytes()[:-1])
        self.assertTrue(self.verify("--ca", ca, "--ocsp", response, leaf).startswith("invalid: not an OCSP response in DER"))

    def test_verify_asks_revocation_lists(self):
        ca, ca_key = self.new("ca", "--is-ca", "--name", "Root")
        middle, middle_key = self.new("middle", "--is-ca", "--name", "Middle", "--ca", ca, "--ca-key", ca_key)
        leaf, _ = self.new("leaf", "--name", "a.test", "--ca", middle, "--ca-key", middle_key)
        index, lists, config = self.root / "index", self.root / "lists.pem", self.root / "ca.cnf"
        config.write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={index}\ndefault_md=sha256\ndefault_crl_days=9\n")

        def verdict(revoked=(), by=((ca, ca_key), (middle, middle_key))):
            index.write_text("".join(f"R\t991231235959Z\t260102030405Z,keyCompromise\t{serial}\tunknown\t/CN=x\n" for serial in revoked))
            lists.write_text("")
            for cert, key in by:
                one = self.root / "one.pem"
                self.openssl("ca", "-gencrl", "-config", config, "-cert", cert, "-keyfile", key, "-out", one)
                lists.write_text(lists.read_text() + one.read_text())
            return self.verify("--ca", ca, "--untrusted", middle, "--crl", lists, leaf)

        def serial(cert):
            return self.show(cert)[0]["serial"].replace(":", "").upper()

        self.assertEqual(verdict(), "valid: a.test <- Middle <- Root")
        self.assertEqual(verdict([serial(leaf)]), "invalid: the certificate was revoked at 2026-01-02T03:04:05Z: keyCompromise")
        self.assertEqual(verdict([serial(middle)]),
                         "invalid: the certificate was revoked at 2026-01-02T03:04:05Z: keyCompromise (certificate 2 of the path)")
        self.assertEqual(verdict(by=((ca, ca_key),)), "invalid: the revocation list is not by the certificate's issuer")
        self.assertEqual(verdict(by=((middle, middle_key),)),
                         "invalid: the revocation list is not by the certificate's issuer (certificate 2 of the path)")
        lists.write_bytes(b"0\x00")
        self.assertTrue(self.verify("--ca", ca, "--untrusted", middle, "--crl", lists, leaf).startswith(
            "invalid: not a revocation list in DER"))
        lists.write_text("-----BEGIN X509 CRL-----\n!\n-----END X509 CRL-----\n")
        result = tool.run("cert", "verify", "--ca", ca, "--crl", lists, leaf)
        self.assertIn("damaged PEM", result.stderr + result.stdout)

    def test_a_leaf_does_not_outlive_its_ca(self):
        ca, ca_key = self.new("ca", "--is-ca", "--days", "5")
        leaf, _ = self.new("leaf", "--name", "a.test", "--ca", ca, "--ca-key", ca_key, "--days", "50")
        self.assertEqual(self.show(leaf)[0]["not_after"], self.show(ca)[0]["not_after"])

    def test_a_ca_is_not_overwritten_by_what_it_signs(self):
        ca, ca_key = self.new("ca", "--is-ca")
        before = ca.read_bytes(), ca_key.read_bytes()
        result = tool.run("cert", "new", "--name", "a.test", "--ca", ca, "--ca-key", ca_key, "--out", self.root / "ca")
        self.assertEqual(result.returncode, 1)
        self.assertIn("would be overwritten", result.stderr)
        self.assertEqual((ca.read_bytes(), ca_key.read_bytes()), before)

    def test_a_leaf_cannot_sign(self):
        leaf, key = self.new("leaf", "--name", "a.test")
        result = tool.run("cert", "new", "--name", "b.test", "--ca", leaf, "--ca-key", key, "--out", self.root / "b")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, r"\Alimpid: cannot make the certificate: [^\n]+\n\Z")
        self.assertFalse((self.root / "b").exists())

    def test_where_nothing_can_be_written(self):
        (self.root / "file").write_text("")
        result = tool.run("cert", "new", "--name", "a.test", "--out", self.root / "file")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, rf"\Alimpid: cannot make the folder '{self.root}/file': ")

    def test_showing_what_is_none(self):
        (self.root / "text").write_text("hello\n")
        result = tool.run("cert", "show", self.root / "text")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertEqual(result.stderr, f"limpid: '{self.root}/text' holds no certificate; "
                         "name a PEM file with a CERTIFICATE block, or one in DER\n")


if __name__ == "__main__":
    tool.main()
