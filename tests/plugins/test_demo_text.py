"""demo_text, run as its users run it."""

import base64
import hashlib
import unittest

import support


class Echo(support.PluginCase, unittest.TestCase):
    plugin = "demo_text"

    def test_results(self):
        cases = [
            (["hello"], "hello"),
            ([""], ""),
            (["--", "-x"], "-x"),
            (["Hi", "--prefix", "> ", "--upper", "-ee"], "> HI!!"),
            (["Hi", "--lower", "--repeat", 2], "hi\nhi"),
            (["naïve 日本 🙂 \"'\\\n"], "naïve 日本 🙂 \"'\\\n"),
        ]
        for words, expected in cases:
            with self.subTest(words=words):
                self.assertEqual(self.success("echo", *words), {"echo": expected})

    def test_any_locale(self):
        text = "naïve 日本"
        self.assertEqual(self.success("echo", text, LC_ALL="C", PYTHONIOENCODING="ascii"), {"echo": text})

    def test_refusals(self):
        self.assertIn("--repeat", self.failure("echo", "x", "--repeat", 0))
        self.assertIn("--repeat", self.failure("echo", "x" * 50000, "--repeat", 100))
        self.assertEqual(support.run(self.plugin, "echo", "x", "--upper", "--lower").status, 2)


class WordCount(support.PluginCase, unittest.TestCase):
    plugin = "demo_text"

    def test_counts(self):
        result = self.success("word_count", "The cat didn't see the well-known\ndog.")
        self.assertEqual(result, {"words": 7, "unique": 6, "characters": 38, "lines": 2})

    def test_top(self):
        text = "b a b c a B"
        cases = [
            (["--top"], [("b", 3), ("a", 2), ("c", 1)]),
            (["--top", 1], [("b", 3)]),
            (["--top", 2, "--case-sensitive"], [("a", 2), ("b", 2)]),
            (["--top", "--ignore", "B", "c"], [("a", 2)]),
            (["--top", 1, "--ignore"], [("b", 3)]),
        ]
        for words, expected in cases:
            with self.subTest(words=words):
                top = self.success("word_count", *words, "--", text)["top"]
                self.assertEqual([(item["word"], item["count"]) for item in top], expected)

    def test_empty(self):
        self.assertEqual(self.success("word_count", ""), {"words": 0, "unique": 0, "characters": 0, "lines": 0})

    def test_refusal(self):
        self.assertIn("--top", self.failure("word_count", "x", "--top", 0))


class Slugify(support.PluginCase, unittest.TestCase):
    plugin = "demo_text"

    def test_results(self):
        cases = [
            (["Hello, World!"], "hello-world"),
            (["Crème brûlée & Straße"], "creme-brulee-strasse"),
            (["a_b c", "--separator", "_"], "a_b_c"),
            (["a b", "--separator=-"], "a-b"),
            (["one two three", "--max-length", 8], "one-two"),
            (["incomprehensible", "-m", 5], "incom"),
            (["Привет мир", "--keep-unicode"], "привет-мир"),
        ]
        for words, expected in cases:
            with self.subTest(words=words):
                self.assertEqual(self.success("slugify", *words)["slug"], expected)

    def test_refusals(self):
        self.assertIn("--keep-unicode", self.failure("slugify", "Привет"))
        self.assertIn("'!'", self.failure("slugify", "!", "--keep-unicode"))
        self.assertIn("--max-length", self.failure("slugify", "a", "-m", 0))


class HashPreview(support.PluginCase, unittest.TestCase):
    plugin = "demo_text"

    def test_algorithms(self):
        for algorithm in ("blake2b", "md5", "sha1", "sha256", "sha3_256", "sha512"):
            with self.subTest(algorithm=algorithm):
                digest = hashlib.new(algorithm, "é".encode("utf-8")).digest()
                result = self.success("hash_preview", "é", "--algorithm", algorithm, "--length", 20)
                self.assertEqual(result["preview"], digest.hex()[:20])
                self.assertEqual(result["digest_length"], len(digest.hex()))

    def test_whole_digest_as_base64(self):
        expected = base64.b64encode(hashlib.sha256(b"abc").digest()).decode()
        result = self.success("hash_preview", "abc", "--encoding", "base64", "-l", len(expected))
        self.assertEqual((result["preview"], result["complete"]), (expected, True))

    def test_refusals(self):
        self.assertIn("1 to 64", self.failure("hash_preview", "abc", "-l", 65))
        self.assertEqual(support.run(self.plugin, "hash_preview", "abc", "-a", "crc32").status, 2)


if __name__ == "__main__":
    unittest.main()
