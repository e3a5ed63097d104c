"""What is wrong is said in one line that names it and the remedy; nothing is half-started or half-written."""

import socket
import subprocess

import tool


class BadInput(tool.Folder):
    def refused(self, *arguments, status=1, **options):
        """Runs the tool, which must fail with one line; returns that line."""
        result = tool.run(*arguments, env=self.env, **options)
        self.assertEqual(result.returncode, status, result)
        self.assertEqual(result.stdout, "")
        self.assertRegex(result.stderr, r"\Alimpid: [^\n]+\n\Z")
        return result.stderr.removeprefix("limpid: ").removesuffix("\n")

    def pair(self, name, *arguments):
        """A certificate and key made by the tool in a folder of this name."""
        folder = self.root / name
        made = tool.run("cert", "new", "--name", "localhost", "--out", folder, *arguments)
        self.assertEqual(made.returncode, 0, made.stderr)
        return folder / "cert.pem", folder / "key.pem"

    def serve(self, certificate, key):
        return self.refused("serve", self.site, "--listen", "127.0.0.1:0", "--cert", certificate, "--key", key)


class Serving(BadInput):
    def test_a_folder_that_is_not_there(self):
        self.assertEqual(self.refused("serve", "none", cwd=self.root),
                         "cannot serve 'none': no such file or directory; check the path")

    def test_a_file_instead_of_a_folder(self):
        self.assertEqual(self.refused("serve", "site/index.html", cwd=self.root),
                         "cannot serve 'site/index.html': it is not a folder; name the folder that holds it")

    def test_a_certificate_that_is_not_there(self):
        _, key = self.pair("a")
        self.assertEqual(self.serve("none.pem", key), "cannot read 'none.pem': no such file or directory; check the path")

    def test_a_key_that_is_not_there(self):
        certificate, _ = self.pair("a")
        self.assertEqual(self.serve(certificate, "none.pem"),
                         "cannot read 'none.pem': no such file or directory; check the path")

    def test_a_key_that_may_not_be_read(self):
        certificate, key = self.pair("a")
        key.chmod(0)
        self.root.chmod(0o755)
        result = subprocess.run([*tool.unprivileged(), tool.LIMPID, "serve", self.site, "--listen", "127.0.0.1:0",
                                 "--cert", certificate, "--key", key], capture_output=True, text=True, timeout=10)
        self.assertEqual((result.returncode, result.stderr), (1, f"limpid: cannot read '{key}': permission denied; "
                                                              "change its permissions or run as a user who may\n"))

    def test_a_key_that_would_be_served(self):
        certificate, key = self.pair("site/private")
        self.assertEqual(self.serve(certificate, key), f"the key in '{key}' would be served with '{self.site}'; "
                         "move it elsewhere or serve another folder")
        link = self.root / "link.pem"
        link.symlink_to(key)
        self.assertIn("would be served", self.serve(certificate, link))

    def test_a_local_ca_that_is_damaged_is_not_replaced(self):
        first = tool.run("cert", "new", "--is-ca", "--name", "mine", "--out", self.root / "mine")
        self.assertEqual(first.returncode, 0, first.stderr)
        data = self.root / "data" / "limpid"
        data.mkdir(parents=True, exist_ok=True)
        (data / "ca.pem").write_bytes((self.root / "mine" / "cert.pem").read_bytes())
        (data / "ca-key.pem").write_text("not a key\n")
        line = self.refused("serve", self.site, "--listen", "127.0.0.1:0")
        self.assertIn(f"move '{data}/ca.pem' away, and a new local CA is made", line)
        self.assertEqual((data / "ca-key.pem").read_text(), "not a key\n")
        (data / "ca.pem").write_text("damaged\n")
        self.assertIn(f"'{data}/ca.pem' holds no certificate", self.refused("serve", self.site, "--listen", "127.0.0.1:0"))

    def test_a_key_of_another_certificate(self):
        certificate, _ = self.pair("a")
        _, key = self.pair("b")
        self.assertEqual(self.serve(certificate, key), f"the key in '{key}' is not that of the first certificate in "
                         f"'{certificate}'; name a pair that belongs together")

    def test_a_pem_without_a_certificate(self):
        certificate, key = self.pair("a")
        self.assertEqual(self.serve(key, key), f"'{key}' holds no certificate; "
                         "name a PEM file with a CERTIFICATE block, or one in DER")

    def test_a_pem_without_a_key(self):
        certificate, _ = self.pair("a")
        line = self.serve(certificate, certificate)
        self.assertTrue(line.startswith(f"cannot use the key in '{certificate}': "), line)
        self.assertIn("no private key", line)

    def test_a_key_under_a_passphrase(self):
        tool.need("openssl")
        certificate, key = self.pair("a")
        encrypted = self.root / "encrypted.pem"
        subprocess.run(["openssl", "pkey", "-in", key, "-aes256", "-passout", "pass:right", "-out", encrypted], check=True)
        wrong, missing = self.root / "wrong", self.root / "missing"
        wrong.write_text("wrong\n")
        serve = ["serve", self.site, "--listen", "127.0.0.1:0", "--cert", certificate, "--key", encrypted]
        # Without a terminal nobody can be asked.
        result = subprocess.run(["setsid", "-w", tool.LIMPID, *serve], capture_output=True, text=True, timeout=10)
        self.assertEqual((result.returncode, result.stderr), (1, f"limpid: the key in '{encrypted}' is encrypted; "
                                                                 "name a file that holds its passphrase with --passphrase-file\n"))
        self.assertEqual(self.refused(*serve, "--passphrase-file", wrong),
                         f"cannot use the key in '{encrypted}': the passphrase is not the key's")
        self.assertIn(f"cannot read '{missing}'", self.refused(*serve, "--passphrase-file", missing))
        old = self.root / "old.pem"
        subprocess.run(["openssl", "ec", "-in", key, "-aes128", "-passout", "pass:right", "-out", old], check=True,
                       capture_output=True)
        self.assertIn("openssl pkey -in FILE -aes256", self.serve(certificate, old))

    def test_a_damaged_certificate(self):
        certificate, key = self.pair("a")
        lines = certificate.read_text().splitlines()
        lines[1] = lines[1][:4] + "****" + lines[1][8:]
        certificate.write_text("\n".join(lines) + "\n")
        line = self.serve(certificate, key)
        self.assertTrue(line.startswith(f"cannot use the certificate in '{certificate}': "), line)

    def test_an_expired_certificate(self):
        tool.need("openssl")
        certificate, key = self.root / "c.pem", self.root / "k.pem"
        config = self.root / "ca.cnf"
        config.write_text("[ca]\ndefault_ca=x\n[x]\ndatabase=index\nserial=serial\nnew_certs_dir=.\npolicy=p\n"
                          "default_md=sha256\n[p]\ncommonName=supplied\n")
        (self.root / "index").write_text("")
        (self.root / "serial").write_text("01\n")
        for command in (
            ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "k.pem",
             "-out", "r.pem", "-subj", "/CN=localhost"],
            ["openssl", "ca", "-batch", "-config", "ca.cnf", "-selfsign", "-keyfile", "k.pem", "-in", "r.pem", "-out",
             "c.pem", "-startdate", "20200101000000Z", "-enddate", "20210101000000Z"],
        ):
            subprocess.run(command, cwd=self.root, check=True, capture_output=True)
        self.assertEqual(self.serve(certificate, key),
                         f"the certificate in '{certificate}' expired at 2021-01-01T00:00:00Z; renew it")

    def test_a_busy_port(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            line = self.refused("serve", self.site, "--listen", f"127.0.0.1:{port}")
        self.assertEqual(line, f"cannot listen on 127.0.0.1:{port}: the port is in use; "
                         "stop what uses it or choose another with --listen")
        self.assertFalse((self.root / "data").exists(), "no CA is made for a server that cannot start")

    def test_a_port_that_another_limpid_serves(self):
        with tool.Serve(self.site, "--plain") as first:
            line = self.refused("serve", self.site, "--plain", "--listen", f"127.0.0.1:{first.port}")
            self.assertIn("the port is in use", line)

    def test_an_address_of_another_host(self):
        self.assertEqual(self.refused("serve", self.site, "--listen", "192.0.2.1:8443"),
                         "cannot listen on 192.0.2.1:8443: this host does not have that address; choose one that it has")

    def test_a_port_that_is_not_permitted(self):
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as limit:
            if int(limit.read()) <= 80:
                self.skipTest("this host lets everybody use every port")
        self.root.chmod(0o755)
        result = subprocess.run([*tool.unprivileged(), tool.LIMPID, "serve", self.site, "--plain", "--listen", "127.0.0.1:80"],
                                capture_output=True, text=True, timeout=10)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, "limpid: cannot listen on 127.0.0.1:80: this user may not use ports below 1024; "
                         "choose a higher one with --listen or run as root\n")

    def test_keys_are_never_made_where_they_would_be_served(self):
        data = self.site / "share"
        result = tool.run("serve", self.site, "--listen", "127.0.0.1:0", env={"XDG_DATA_HOME": str(data)})
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, f"limpid: the keys of the local CA in '{data}/limpid' would be served with "
                         f"'{self.site}'; serve another folder, set XDG_DATA_HOME, or name --cert and --key\n")
        self.assertFalse(data.exists())


class CommandLine(BadInput):
    def wrong(self, *arguments):
        return self.refused(*arguments, status=2)

    def test_unknown_things_are_named(self):
        for arguments in (["--nonsense"], ["nonsense"], ["serve", "--nonsense"], [], ["cert"], ["get"],
                          ["serve", ".", "--threads", "none"], ["cert", "show"]):
            self.wrong(*arguments)

    def test_what_is_not_built_is_refused_by_name(self):
        for name in ("--client-ca", "--ticket-keys"):
            self.assertEqual(self.wrong("serve", ".", name, "x"), f"{name} is not yet supported; leave it out")
        self.assertEqual(self.wrong("serve", "--alpn", "http/1.1", "--alpn", "h2"), "--alpn h2 is not yet supported; leave it out")
        self.assertEqual(self.wrong("serve", "--tls-min", "1.2"), "--tls-min 1.2 is not yet supported; leave it out")
        for name in ("--session", "--cert", "--key"):
            self.assertEqual(self.wrong("get", "https://localhost/", name, "x"), f"{name} is not yet supported; leave it out")

    def test_queues_that_make_no_sense(self):
        for queues in ("0", "65", "x", ""):
            self.assertIn(f"queues={queues}: '{queues}' is no number from 1 to 64",
                          self.wrong("serve", "--net", f"tap:tap0,dhcp,queues={queues}"))
        self.assertIn("say queues=2 there", self.wrong("serve", "--net", "tap:tap0,dhcp", "--threads", "2"))
        self.assertIn("leave it out", self.wrong("get", "http://10.9.0.1/", "--net", "tap:tap0,dhcp,queues=2"))

    def test_a_network_that_makes_no_sense(self):
        for net, words in (("bridge", "'bridge' is neither"), ("tap:", "name the tap device"), ("tap:tap0", "would have no address"),
                           ("tap:tap0,ip=10.9.0.2", "is no address with a prefix"), ("tap:tap0,ip=10.9.0.255/24", "is no address"),
                           ("tap:tap0,ip=fd00::1/64", "is no address"), ("tap:tap0,ip6=ff02::1/64", "is no address"),
                           ("tap:tap0,ip=10.9.0.2/33", "is no address"), ("tap:tap0,dhcp,ip=10.9.0.2/24", "exclude each other"),
                           ("tap:tap0,dhcp,gateway=fd00::1", "is no IPv4 address"), ("tap:tap0,dhcp,mac=01:00:00:00:00:01", "no station's"),
                           ("tap:tap0,dhcp,mtu=100", "is no number from 576"), ("tap:tap0,dhcp=yes", "takes no value"),
                           ("tap:tap0,dhcp,color=red", "'color' is no setting")):
            for command in (("serve", "."), ("get", "https://localhost/")):
                self.assertIn(words, self.wrong(*command, "--net", net))
        self.assertIn("name only a port", self.wrong("serve", "--net", "tap:tap0,dhcp", "--listen", "10.0.0.1:443"))
        self.assertIn("use it with --net tap:", self.wrong("serve", ".", "--pcap", "x"))
        self.assertIn("use it with --net tap:", self.wrong("serve", ".", "--test-services"))

    def test_values_that_make_no_sense(self):
        self.assertIn("'8443' is not HOST:PORT", self.wrong("serve", ".", "--listen", "8443"))
        self.assertIn("'12' is not a size", self.wrong("serve", ".", "--memory", "12"))
        self.assertIn("--redirect leads to HTTPS", self.wrong("serve", ".", "--plain", "--redirect", "8080"))
        self.assertIn("--redirect", self.wrong("serve", ".", "--redirect", "65536"))
        self.assertIn("every --cert needs its --key", self.wrong("serve", ".", "--cert", "a"))
        self.assertIn("--plain serves without TLS", self.wrong("serve", ".", "--plain", "--cert", "a", "--key", "b"))
        for url in ("foo", "ftp://a/", "https://", "https:///path", "https://user@a/", "https://a:99999/", "https://a:0/",
                    "https://[::1/", "https://a b/"):
            self.assertIn(f"'{url}' is not a URL", self.wrong("get", url))
        self.assertIn("'a:1' is not HOST:PORT:ADDRESS", self.wrong("get", "https://a/", "--resolve", "a:1"))
        self.assertIn("'nothing' is not 'Name: value'", self.wrong("get", "https://a/", "-H", "nothing"))
        self.assertIn("cert new needs a --name", self.wrong("cert", "new"))
        self.assertIn("'300.1.1.1' is not an IP address", self.wrong("cert", "new", "--ip", "300.1.1.1"))
        self.assertIn("'a b' is not a host name", self.wrong("cert", "new", "--name", "a b"))
        self.assertIn("addresses go with --ip", self.wrong("cert", "new", "--name", "127.0.0.1"))
        self.assertIn("rsa1024 not in", self.wrong("cert", "new", "--name", "a.test", "--key-type", "rsa1024"))
        self.assertIn("leave out --ca", self.wrong("cert", "new", "--name", "a.test", "--csr", "--days", "3"))
        for given, why in ((["--at", "yesterday"], "'yesterday' is not a time"), (["--at", "2026-02-30"], "is not a time"),
                           (["--name", "a b"], "'a b' is not a host name"), (["--name", "::1"], "addresses go with --ip"),
                           (["--ip", "a.test"], "'a.test' is not an IP address"), (["--depth", "15"], "--depth"),
                           (["--name", "a.test", "--ip", "::1"], "exclude each other"), (["--usage", "mail"], "--usage")):
            self.assertIn(why, self.wrong("cert", "verify", "--ca", "a", "b", *given))
        self.assertIn("--ca", self.wrong("cert", "verify", "b"))

    def test_help_and_version_go_to_stdout(self):
        for arguments in (["--help"], ["serve", "--help"], ["get", "--help"], ["cert", "new", "--help"]):
            result = tool.run(*arguments)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(tool.run("--version").stdout, r"\Alimpid \d+\.\d+\.\d+\n\Z")


if __name__ == "__main__":
    tool.main()
