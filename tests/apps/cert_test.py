"""`limpid cert new` and `limpid cert show`, judged by OpenSSL where it can."""

import json
import stat
import subprocess

import tool


class Certificates(tool.Folder):
    def new(self, folder, *arguments):
        result = tool.run("cert", "new", "--out", self.root / folder, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.root / folder / "cert.pem", self.root / folder / "key.pem"

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
        for key_type in ("p256", "ed25519"):
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
