"""`limpid image`: what it packs and writes, and that what is wrong is said in one line."""
# ctest: quick 60

import tool


class Image(tool.Folder):
    def setUp(self):
        super().setUp()
        self.pair = self.root / "pair"
        made = tool.run("cert", "new", "--name", "guest.test", "--out", self.pair)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.identity = ["--cert", self.pair / "cert.pem", "--key", self.pair / "key.pem"]
        self.out = self.root / "out"

    def pack(self, *arguments):
        result = tool.run("image", self.site, *arguments, "--out", self.out)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return (self.out / "main.xl").read_text()

    def refused(self, status, *arguments):
        """The one line that it ends with; nothing is written."""
        result = tool.run("image", *arguments)
        self.assertEqual((result.returncode, result.stdout), (status, ""), result.stderr)
        self.assertRegex(result.stderr, r"\Alimpid: [^\n]+\n\Z")
        self.assertFalse(self.out.exists())
        return result.stderr

    def test_every_option_reaches_the_configuration(self):
        text = self.pack(*self.identity, "--ip", "10.9.0.2/24", "--gateway", "10.9.0.1", "--ip6", "fd00:9::2/64",
                         "--gateway6", "fd00:9::1", "--dns", "10.9.0.1", "--dns", "fd00:9::1", "--dhcp", "--slaac",
                         "--test-services")
        self.assertIn('cmdline = "ip=10.9.0.2/24 gateway=10.9.0.1 ip6=fd00:9::2/64 gateway6=fd00:9::1 dns=10.9.0.1 '
                      'dns=fd00:9::1 dhcp slaac test-services"\n', text)
        self.assertIn('kernel = "limpid.elf"\n', text)
        self.assertEqual((self.out / "site.module").stat().st_mode & 0o777, 0o600)
        self.assertIn(b"<h1>hello</h1>", (self.out / "site.module").read_bytes())

    def test_without_tls(self):
        text = self.pack("--plain", "--dhcp")
        self.assertIn('kernel = "limpid-http.elf"\n', text)
        self.assertIn('cmdline = "dhcp plain"\n', text)

    def test_memory_grows_with_the_site(self):
        (self.site / "large").write_bytes(bytes(10 << 20))
        self.assertIn("memory = 42\n", self.pack("--plain", "--dhcp"))

    def test_wrong_command_lines(self):
        out = ["--out", self.out]
        for words, expected in (
                ([*self.identity], "needs an address to serve at"),
                (["--dhcp"], "needs --cert and --key"),
                (["--dhcp", "--plain", *self.identity], "--plain serves without TLS"),
                ([*self.identity, "--ip", "fd00::1/64"], "--ip: 'fd00::1/64' is not like"),
                ([*self.identity, "--ip", "10.9.0.2"], "--ip: '10.9.0.2' is not like"),
                ([*self.identity, "--ip6", "10.9.0.2/24"], "--ip6: '10.9.0.2/24' is not like"),
                ([*self.identity, "--dhcp", "--gateway", "router"], "--gateway: 'router' is not like"),
                ([*self.identity, "--dhcp", "--gateway6", "10.9.0.1"], "--gateway6: '10.9.0.1' is not like"),
                ([*self.identity, "--dhcp", "--dns", "x"], "--dns: 'x' is not like"),
                ([*self.identity, "--dhcp", *["--dns", "10.9.0.1"] * 5], "--dns: at most 4"),
                ([*self.identity, "--dhcp", "--colour"], "--colour")):
            self.assertIn(expected, self.refused(2, self.site, *words, *out))

    def test_what_cannot_be_packed(self):
        empty = self.root / "empty"
        empty.mkdir()
        whole = [*self.identity, "--dhcp", "--out", self.out]
        self.assertIn("holds no files to serve", self.refused(1, empty, *whole))
        self.assertIn("no such file", self.refused(1, self.root / "none", *whole))
        self.assertIn("no such file", self.refused(1, self.site, "--cert", "none.pem", "--key", self.pair / "key.pem",
                                                   "--dhcp", "--out", self.out))
        self.assertIn("no such file", self.refused(1, self.site, "--cert", self.pair / "cert.pem", "--key", "none.pem",
                                                   "--dhcp", "--out", self.out))

    def test_nothing_secret_is_packed_as_a_page(self):
        self.assertIn("would be served", self.refused(1, self.root, *self.identity, "--dhcp", "--out", self.out))
        # The module holds the key, and would be in the next one.
        inside = self.refused(1, self.site, *self.identity, "--dhcp", "--out", self.site / "guest")
        self.assertIn("would be served with", inside)
        self.assertFalse((self.site / "guest").exists())


if __name__ == "__main__":
    tool.main()
