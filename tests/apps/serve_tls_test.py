"""`limpid serve` over TLS: its own CA, certificates by name, and peers that verify them."""

import os
import socket
import ssl
import stat
import subprocess
import time

import tool


class OwnCa(tool.Folder):
    def setUp(self):
        super().setUp()
        self.data = self.root / "data/limpid"

    def test_the_line_that_it_prints_fetches_the_page_verified(self):
        tool.need("curl")
        with tool.Serve(self.site, env=self.env) as server:
            line = server.process.stdout.readline()
            self.assertEqual(line, f"try: curl --cacert {self.data}/ca.pem {server.url()}\n")
            self.assertIn("to trust this CA", server.process.stdout.readline())
            page = subprocess.run(line.removeprefix("try: ").split(), capture_output=True, check=True)
            self.assertEqual(page.stdout, b"<h1>hello</h1>\n")

    def test_by_every_name_of_this_host(self):
        with tool.Serve(self.site, env=self.env) as server:
            context = ssl.create_default_context(cafile=self.data / "ca.pem")
            for name in ("localhost", "127.0.0.1", "::1", socket.gethostname()):
                with context.wrap_socket(server.connect(), server_hostname=name) as peer:
                    self.assertEqual(peer.version(), "TLSv1.3")
            with self.assertRaises(ssl.SSLCertVerificationError):
                context.wrap_socket(server.connect(), server_hostname="other.test")

    def test_files_are_private_and_kept(self):
        with tool.Serve(self.site, env=self.env):
            pass
        self.assertEqual(stat.S_IMODE(self.data.stat().st_mode), 0o700)
        for key in ("ca-key.pem", "leaf-key.pem"):
            self.assertEqual(stat.S_IMODE((self.data / key).stat().st_mode), 0o600)
        before = {path.name: path.read_bytes() for path in self.data.iterdir()}
        self.assertEqual(set(before), {"ca.pem", "ca-key.pem", "leaf.pem", "leaf-key.pem"})
        with tool.Serve(self.site, env=self.env):
            pass
        self.assertEqual(before, {path.name: path.read_bytes() for path in self.data.iterdir()})

    def test_what_no_longer_fits_is_made_anew(self):
        with tool.Serve(self.site, env=self.env):
            pass
        ca = (self.data / "ca.pem").read_bytes()
        for damage in ("not a certificate", None, "other"):
            if damage == "other":  # a leaf of somebody else
                tool.run("cert", "new", "--name", "localhost", "--out", self.root)
                (self.root / "cert.pem").rename(self.data / "leaf.pem")
                (self.root / "key.pem").rename(self.data / "leaf-key.pem")
            elif damage:
                (self.data / "leaf.pem").write_text(damage)
            else:
                (self.data / "leaf-key.pem").unlink()
            with tool.Serve(self.site, env=self.env) as server:
                context = ssl.create_default_context(cafile=self.data / "ca.pem")
                context.wrap_socket(server.connect(), server_hostname="localhost").close()
            self.assertEqual((self.data / "ca.pem").read_bytes(), ca, "the CA stays: people trust it")

    def test_a_leaf_is_made_anew_before_it_expires(self):
        with tool.Serve(self.site, env=self.env):
            pass
        made = tool.run("cert", "new", "--name", "localhost", "--name", socket.gethostname(), "--ip", "127.0.0.1", "--ip",
                        "::1", "--days", "20", "--ca", self.data / "ca.pem", "--ca-key", self.data / "ca-key.pem", "--out",
                        self.root)
        self.assertEqual(made.returncode, 0, made.stderr)
        short = (self.root / "cert.pem").read_bytes()
        (self.root / "cert.pem").rename(self.data / "leaf.pem")
        (self.root / "key.pem").rename(self.data / "leaf-key.pem")
        with tool.Serve(self.site, env=self.env):
            self.assertNotEqual((self.data / "leaf.pem").read_bytes(), short)

    def test_the_default_address_is_both_families(self):
        try:
            for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
                with socket.socket(family) as probe:
                    probe.bind((address, 8443))
        except OSError:
            self.skipTest("port 8443 or IPv6 is not to be had here")
        process = subprocess.Popen([tool.LIMPID, "serve"], cwd=self.site, env={**os.environ, **self.env},
                                   stdout=subprocess.PIPE, text=True)
        try:
            self.assertEqual(process.stdout.readline(), "serving . at https://localhost:8443/\n")
            context = ssl.create_default_context(cafile=self.data / "ca.pem")
            for address in ("127.0.0.1", "::1"):
                with context.wrap_socket(socket.create_connection((address, 8443)), server_hostname="localhost") as peer:
                    peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    self.assertEqual(tool.receive_response(peer)[0], 200)
        finally:
            process.terminate()
            self.assertEqual(process.wait(20), 0)
            process.stdout.close()


class Given(tool.Folder):
    def new(self, folder, *arguments):
        made = tool.run("cert", "new", "--out", self.root / folder, *arguments)
        self.assertEqual(made.returncode, 0, made.stderr)
        return self.root / folder / "cert.pem", self.root / folder / "key.pem"

    def test_several_are_chosen_by_name(self):
        ca, ca_key = self.new("ca", "--is-ca")
        arguments = []
        for name, key_type in (("a.test", "p256"), ("b.test", "ed25519"), ("*.c.test", "p256")):
            certificate, key = self.new(name, "--name", name, "--key-type", key_type, "--ca", ca, "--ca-key", ca_key)
            arguments += ["--cert", certificate, "--key", key]
        context = ssl.create_default_context(cafile=ca)
        with tool.Serve(self.site, *arguments, env=self.env) as server:
            self.assertFalse((self.root / "data").exists(), "no CA of its own is made")
            for name in ("a.test", "b.test", "x.c.test"):
                with context.wrap_socket(server.connect(), server_hostname=name) as peer:
                    peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    self.assertEqual(tool.receive_response(peer)[2], b"<h1>hello</h1>\n")
            with self.assertRaises(ssl.SSLCertVerificationError):
                context.wrap_socket(server.connect(), server_hostname="d.test")

    def test_a_staple_beside_the_certificate_goes_along(self):
        tool.need("openssl")
        ca, ca_key = self.new("ca", "--is-ca", "--name", "The CA")
        leaf, key = self.new("leaf", "--name", "localhost", "--ca", ca, "--ca-key", ca_key)
        chain = self.root / "chain.pem"
        chain.write_text(leaf.read_text() + ca.read_text())
        staple = self.root / "chain.pem.ocsp"
        serial = subprocess.run(["openssl", "x509", "-in", leaf, "-noout", "-serial"], capture_output=True, text=True,
                                check=True).stdout.strip().removeprefix("serial=")

        def respond(status):
            (self.root / "index").write_text(f"{status}\t{serial}\tunknown\t/CN=localhost\n")
            subprocess.run(["openssl", "ocsp", "-index", self.root / "index", "-CA", ca, "-rsigner", ca, "-rkey", ca_key, "-issuer",
                            ca, "-cert", leaf, "-ndays", "1", "-no_nonce", "-respout", staple], capture_output=True, check=True)

        respond("V\t401231235959Z\t")
        with tool.Serve(self.site, "--cert", chain, "--key", key, env=self.env) as server:
            host, port = "localhost", server.port
            peer = subprocess.run(["openssl", "s_client", "-connect", f"{server.host}:{port}", "-servername", host, "-CAfile", ca,
                                   "-status"], input="", capture_output=True, text=True)
            self.assertIn("OCSP Response Status: successful", peer.stdout)
            self.assertIn("Cert Status: good", peer.stdout)
            got = tool.run("get", f"https://{host}:{port}/", "--resolve", f"{host}:{port}:{server.host}", "--ca", ca)
            self.assertEqual((got.returncode, got.stdout), (0, "<h1>hello</h1>\n"), got.stderr)
        # A response that will not do is told and left out: a renewed certificate must not fail for the old one's.
        respond("R\t401231235959Z\t260102030405Z")
        self.serves_without(chain, key, ca, "it does not say that the certificate is good")
        staple.write_text("no response")
        self.serves_without(chain, key, ca, "cannot staple the OCSP response in")

    def serves_without(self, certificate, key, ca, why):
        with tool.Serve(self.site, "--cert", certificate, "--key", key, env=self.env) as server:
            self.assertIn(why, server.stderr())
            peer = subprocess.run(["openssl", "s_client", "-connect", f"{server.host}:{server.port}", "-CAfile", ca, "-status"], input="",
                                  capture_output=True, text=True)
            self.assertIn("OCSP response: no response sent", peer.stdout)

    def test_alpn(self):
        certificate, key = self.new("a", "--name", "a.test")
        with tool.Serve(self.site, "--cert", certificate, "--key", key, "--alpn", "x-own", "--alpn", "http/1.1") as server:
            context = ssl.create_default_context(cafile=certificate)
            for offered, chosen in ((["http/1.1"], "http/1.1"), (["http/1.1", "x-own"], "x-own"), ([], None)):
                context.set_alpn_protocols(offered)
                with context.wrap_socket(server.connect(), server_hostname="a.test") as peer:
                    self.assertEqual(peer.selected_alpn_protocol(), chosen)
            context.set_alpn_protocols(["h2"])
            with self.assertRaisesRegex(ssl.SSLError, "(?i)no.application.protocol"):
                context.wrap_socket(server.connect(), server_hostname="a.test")

    def test_every_suite_and_group_of_openssl(self):
        tool.need("openssl")
        certificate, key = self.new("a", "--name", "localhost")
        with tool.Serve(self.site, "--cert", certificate, "--key", key) as server:
            for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
                for group, report in (("X25519", "X25519"), ("P-256", "ECDH, prime256v1")):
                    result = subprocess.run(
                        ["openssl", "s_client", "-connect", f"{server.host}:{server.port}", "-CAfile", certificate,
                         "-verify_return_error", "-ciphersuites", suite, "-groups", group, "-ign_eof"],
                        input="GET / HTTP/1.0\r\n\r\n", capture_output=True, text=True, timeout=20)
                    self.assertEqual(result.returncode, 0, result.stderr)
                    self.assertIn(f"New, TLSv1.3, Cipher is {suite}", result.stdout)
                    self.assertIn(f"Server Temp Key: {report}", result.stdout)
                    self.assertIn("Verification: OK", result.stdout)
                    self.assertIn("<h1>hello</h1>", result.stdout)

    def test_a_client_without_tls_13_is_told_and_so_is_the_operator(self):
        certificate, key = self.new("a", "--name", "localhost")
        with tool.Serve(self.site, "--cert", certificate, "--key", key) as server:
            context = ssl.create_default_context(cafile=certificate)
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            with self.assertRaisesRegex(ssl.SSLError, "(?i)protocol.version"):
                context.wrap_socket(server.connect(), server_hostname="localhost")
            self.assertTrue(tool.eventually(lambda: server.stderr() != ""))
            self.assertRegex(server.stderr(), r"\Alimpid: TLS with [\d.]+:\d+ failed: [^\n]*\(tls13_not_offered\)\n\Z")

    def test_keep_alive_and_64_mib(self):
        certificate, key = self.new("a", "--name", "localhost")
        content = os.urandom(1 << 20) * 64
        (self.site / "big").write_bytes(content)
        with tool.Serve(self.site, "--cert", certificate, "--key", key) as server:
            with server.connect_tls() as peer:
                for path, expected in ((b"/", b"<h1>hello</h1>\n"), (b"/big", content), (b"/", b"<h1>hello</h1>\n")):
                    peer.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
                    self.assertTrue(tool.receive_response(peer)[2] == expected)

    def test_sigterm_finishes_the_download(self):
        certificate, key = self.new("a", "--name", "localhost")
        content = os.urandom(1 << 20) * 16
        (self.site / "big").write_bytes(content)
        with tool.Serve(self.site, "--cert", certificate, "--key", key) as server:
            with server.connect_tls(receive_buffer=65536) as peer:
                peer.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
                first = peer.recv(1000)
                server.process.terminate()
                time.sleep(0.3)
                body = tool.receive_response(peer, first)[2]
                self.assertEqual(peer.recv(1), b"")
            self.assertTrue(body == content)
            self.assertEqual(server.process.wait(10), 0)


if __name__ == "__main__":
    tool.main()
