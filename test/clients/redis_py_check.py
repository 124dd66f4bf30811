"""Checks of redis-py against a server: python3 redis_py_check.py PORT UNIX_SOCKET

Each test starts with an empty database. Run by redis_py.test.ts.
"""

import sys
import threading
import time
import unittest

import redis

PORT = int(sys.argv[1])
UNIX_SOCKET = sys.argv[2]


class RedisPyCheck(unittest.TestCase):
    def setUp(self):
        self.r = self.connect()
        self.r.flushall()

    def connect(self, **options):
        client = redis.Redis(host="127.0.0.1", port=PORT, **options)
        self.addCleanup(client.close)
        return client

    def test_connects_with_name_and_database(self):
        client = self.connect(client_name="a-name", db=2)
        self.assertEqual(client.client_getname(), "a-name")
        self.assertEqual(client.client_info()["db"], 2)
        self.assertTrue(client.ping())

    def test_connects_to_a_unix_socket(self):
        client = redis.Redis(unix_socket_path=UNIX_SOCKET)
        self.addCleanup(client.close)
        self.assertEqual(client.echo("hello"), b"hello")

    def test_connects_by_url(self):
        client = redis.from_url(f"redis://127.0.0.1:{PORT}/1", decode_responses=True)
        self.addCleanup(client.close)
        client.set("k", "ä")
        self.assertEqual(client.get("k"), "ä")
        self.assertIsNone(self.r.get("k"))

    def test_set_options(self):
        r = self.r
        self.assertTrue(r.set("k", "one", ex=100, nx=True))
        self.assertIsNone(r.set("k", "two", nx=True))
        self.assertEqual(r.set("k", "three", keepttl=True, get=True), b"one")
        self.assertGreater(r.ttl("k"), 90)
        self.assertEqual(r.getex("k", persist=True), b"three")
        self.assertEqual(r.ttl("k"), -1)
        self.assertEqual(r.getdel("k"), b"three")
        self.assertEqual(r.ttl("k"), -2)

    def test_strings(self):
        r = self.r
        data = bytes(range(256)) * 4
        r.set("bytes", data)
        self.assertEqual(r.get("bytes"), data)
        self.assertEqual(r.getrange("bytes", 254, 257), b"\xfe\xff\x00\x01")
        self.assertEqual(r.setrange("bytes", 1024, "x"), 1025)
        self.assertEqual(r.append("bytes", "y"), 1026)
        self.assertTrue(r.mset({"a": 1, "b": ""}))
        self.assertEqual(r.mget("a", "none", "b"), [b"1", None, b""])
        self.assertFalse(r.msetnx({"a": 2, "c": 3}))
        self.assertEqual(r.incr("a", 41), 42)
        self.assertEqual(r.decr("a"), 41)
        self.assertEqual(r.incrbyfloat("a", 0.5), 41.5)
        self.assertEqual(r.strlen("none"), 0)
        self.assertEqual(r.lcs("bytes", "bytes", len=True), 1026)

    def test_keys(self):
        r = self.r
        r.mset({"a": 1, "b": 2})
        self.assertEqual(r.exists("a", "b", "c", "a"), 3)
        self.assertEqual(r.type("a"), b"string")
        self.assertTrue(r.rename("a", "c"))
        self.assertTrue(r.copy("c", "d"))
        self.assertEqual(sorted(r.keys("*")), [b"b", b"c", b"d"])
        self.assertIn(r.randomkey(), [b"b", b"c", b"d"])
        self.assertTrue(r.move("d", 1))
        self.assertEqual(r.touch("b", "d"), 1)
        self.assertEqual(r.unlink("b", "c", "d"), 2)
        self.assertEqual(r.dbsize(), 0)

    def test_expiry(self):
        r = self.r
        r.set("k", "v")
        self.assertTrue(r.expire("k", 100))
        self.assertFalse(r.expire("k", 50, gt=True))
        self.assertTrue(r.expireat("k", int(time.time()) + 1000, xx=True))
        self.assertGreater(r.expiretime("k"), time.time())
        self.assertTrue(r.pexpire("k", 1))
        deadline = time.time() + 10
        while r.exists("k") and time.time() < deadline:
            time.sleep(0.002)
        self.assertIsNone(r.get("k"))

    def test_scan(self):
        keys = {f"a:{index}".encode() for index in range(1500)}
        self.r.mset({key: "v" for key in keys})
        self.r.set("other", "v")
        self.assertEqual(set(self.r.scan_iter(match="a:*", count=100)), keys)
        self.assertEqual(len(set(self.r.scan_iter(_type="STRING"))), 1501)

    def test_bits(self):
        r = self.r
        self.assertEqual(r.setbit("bits", 7, 1), 0)
        self.assertEqual(r.getbit("bits", 7), 1)
        self.assertEqual(r.bitcount("bits", 0, 7, "BIT"), 1)
        self.assertEqual(r.bitpos("bits", 1), 7)
        self.assertEqual(r.bitop("NOT", "inverse", "bits"), 1)
        self.assertEqual(r.get("inverse"), b"\xfe")
        field = r.bitfield("bits").set("u8", "#1", 255).overflow("SAT").incrby("u8", "#1", 9)
        self.assertEqual(field.execute(), [0, 255])

    def test_pipeline_without_transaction(self):
        pipe = self.r.pipeline(transaction=False)
        pipe.set("text", "x")
        for _ in range(2000):
            pipe.incr("n")
        pipe.incr("text").get("n")
        replies = pipe.execute(raise_on_error=False)
        self.assertEqual(replies[1:2001], list(range(1, 2001)))
        self.assertIsInstance(replies[2001], redis.ResponseError)
        self.assertEqual(replies[2002], b"2000")

    def test_errors(self):
        self.r.set("k", "x")
        with self.assertRaisesRegex(redis.ResponseError, "value is not an integer or out of range"):
            self.r.incr("k")
        with self.assertRaisesRegex(redis.ResponseError, "unknown command 'NOSUCH'"):
            self.r.execute_command("NOSUCH", "a")
        with self.assertRaises(redis.ResponseError):
            self.connect(db=9999).ping()

    def test_large_value(self):
        value = b"abcdefg" * 1_000_000
        self.r.set("large", value)
        self.assertEqual(self.r.get("large"), value)

    def test_threads_share_a_pool(self):
        def work():
            for _ in range(100):
                self.r.incr("shared")

        threads = [threading.Thread(target=work) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.r.get("shared"), b"2000")

    def test_connects_again(self):
        client = self.connect(retry_on_error=[redis.ConnectionError])
        client.set("k", "v")
        self.r.client_kill_filter(_id=client.client_id())
        self.assertEqual(client.get("k"), b"v")

    def test_server_replies_are_parsed(self):
        r = self.r
        r.set("k", "x" * 1000)
        info = r.info()
        self.assertEqual(info["db0"]["keys"], 1)
        self.assertEqual(info["tcp_port"], PORT)
        self.assertGreater(info["used_memory"], 1000)
        self.assertIn("cmdstat_set", r.info("commandstats"))
        self.assertEqual(r.config_get("maxclients"), {"maxclients": "10000"})
        self.assertTrue(r.config_set("slowlog-log-slower-than", 0))
        r.get("k")
        entries = r.slowlog_get(10)
        self.assertTrue(any(entry["command"] == b"GET k" for entry in entries))
        r.config_set("slowlog-log-slower-than", 10000)
        self.assertTrue(r.slowlog_reset())
        self.assertIn(r.client_id(), [int(one["id"]) for one in r.client_list()])
        self.assertGreater(r.memory_usage("k"), 1000)
        self.assertEqual(r.object("encoding", "k"), b"raw")
        self.assertGreater(r.time()[0], 1_600_000_000)
        self.assertIn("get", r.command())
        self.assertEqual(r.command_getkeys("MSET", "a", "1", "b", "2"), ["a", "b"])
        self.assertGreater(r.command_count(), 50)
        self.assertTrue(r.swapdb(0, 1))
        self.assertEqual(r.dbsize(), 0)

    def test_monitor(self):
        with self.r.monitor() as monitor:
            self.connect().set("k", 'a "b"')
            for seen in monitor.listen():
                if seen["command"].startswith("SET"):
                    break
        self.assertEqual(seen["command"], 'SET k a "b"')
        self.assertEqual(seen["client_type"], "tcp")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
