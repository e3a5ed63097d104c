"""The HTTP scripts of the sockets frontend run unchanged over a tap device, and what is said over both is the same."""
# ctest: long 300

import os
import pathlib
import subprocess
import sys

import link
import conversation
import tool

APPS = pathlib.Path(tool.__file__).parent
# What is about sockets, not about HTTP: the reason.
OTHERWISE = {
    "serve_files_test.Files.test_redirect_to_https": "ends with another server at a port of the loopback",
    "serve_plain_test.Plain.test_says_where_it_serves": "another address is said",
    "serve_plain_test.Bounded.test_without_descriptors_idle_connections_make_room_and_it_says_so_once_a_second":
        "connections have no descriptors there",
    "serve_plain_test.Bounded.test_readers_that_stop_reading_hold_little": "what is sent waits in our memory, not in the kernel's",
    "serve_plain_test.Bounded.test_the_memory_ceiling_holds_and_newcomers_are_served": "the same",
    "serve_tls_test.OwnCa.test_files_are_private_and_kept": "the certificate for other addresses lies in another file",
    "serve_tls_test.OwnCa.test_what_no_longer_fits_is_made_anew": "the same",
    "serve_tls_test.OwnCa.test_a_leaf_is_made_anew_before_it_expires": "the same",
}


def setUpModule():
    link.alone()


class Scripts(tool.Folder):
    """tool.Serve, told by the environment, serves over tap devices: the scripts know nothing of it."""

    def run_script(self, name):
        code = f"""
import sys
sys.path[:0] = [{str(pathlib.Path(__file__).parent)!r}, {str(APPS)!r}]
import link, tool, unittest
link.over_tap()
import {name}
for case, why in {[(k.split('.', 1)[1], v) for k, v in OTHERWISE.items() if k.startswith(name + '.')]!r}:
    group, test = case.split('.')
    setattr(getattr({name}, group), test, unittest.skip(why)(getattr(getattr({name}, group), test)))
unittest.main({name}, argv=['{name}'], verbosity=2)
"""
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=280,
                                env={key: value for key, value in os.environ.items() if key != "GTEST_OUTPUT"})
        self.assertEqual(result.returncode, 0, result.stderr)
        print("\n  " + result.stderr.strip().splitlines()[-1] + ": " + name, flush=True)

    def test_serve_files(self):
        self.run_script("serve_files_test")

    def test_serve_plain(self):
        self.run_script("serve_plain_test")

    def test_serve_tls(self):
        self.run_script("serve_tls_test")

    def test_slow_reader(self):
        self.run_script("slow_reader_test")


class SameConversation(link.OnTap):
    def hold(self, server, tls):
        with (server.connect_tls() if tls else server.connect()) as peer:
            return conversation.hold(peer)

    def test_the_same_bytes(self):
        conversation.prepare(self.site)
        for tls in (False, True):
            options = ["--index"] + ([] if tls else ["--plain"])
            with tool.Serve(self.site, *options, env=self.env) as sockets:
                over_sockets = self.hold(sockets, tls)
            with self.serve(*options) as tap:
                over_tap = self.hold(tap, tls)
            self.assertEqual(over_sockets.count(b"HTTP/1.1 "), conversation.ANSWERS)
            self.assertEqual(over_tap, over_sockets)


if __name__ == "__main__":
    link.main()
