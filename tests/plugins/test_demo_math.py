"""demo_math, run as its users run it."""

import unittest

import support


class Calculate(support.PluginCase, unittest.TestCase):
    plugin = "demo_math"

    def test_results(self):
        cases = [
            (["2 * (3 + 4) ** 2"], 98),
            (["7 // 2 + 7 % 4 - 1"], 5),
            (["1 / 8"], 0.125),
            (["1 / 3", "--precision", "3"], 0.333),
            (["--", "-2 + 5"], 3),
            (["--", "-(-3)"], 3),
            (["2 ** -2"], 0.25),
            (["sqrt(x) + y", "--let", "x=16", "--let", "y=-0.5"], 3.5),
            (["factorial(20) // factorial(18)"], 380),
            (["max(1, min(5, 3), round(2.6))"], 3),
            (["floor(pi) + ceil(e)"], 6),
            (["1_000 + 0x10"], 1016),
        ]
        for words, expected in cases:
            with self.subTest(words=words):
                result = self.success("calculate", *words)
                self.assertEqual((result["result"], type(result["result"])), (expected, type(expected)))
                self.assertEqual(result["type"], "integer" if isinstance(expected, int) else "number")

    def test_integers_are_exact(self):
        self.assertEqual(self.success("calculate", "2 ** 100")["text"], "1267650600228229401496703205376")

    def test_refusals(self):
        cases = [
            (["1 / 0"], "division by zero"),
            (["9 ** 9 ** 9"], "bits"),
            (["2 ** 4095 * 2"], "bits"),
            (["1e308 * 10"], "too large"),
            (["2.0 ** 5000"], "too large"),
            (["(-8) ** 0.5"], "not a real number"),
            (["factorial(100000)"], "factorial"),
            (["sqrt(-1)"], "cannot be computed"),
            (["sqrt()"], "cannot be computed"),
            (["2 +"], "not a complete expression"),
            (["2 ^ 3"], "**"),
            (["'a' * 3"], "not a number"),
            (["True + 1"], "not a number"),
            (["__import__('os').getcwd()"], "unknown function"),
            (["(1).__class__"], "Attribute"),
            (["[1, 2]"], "List"),
            (["x + 1"], "unknown name 'x'"),
            (["1", "--let", "x"], "NAME=NUMBER"),
            (["1", "--let", "x=nan"], "undefined"),
            (["1", "--precision", "99"], "--precision"),
            (["1 + " * 400 + "1"], "characters"),
            (["--", "-" * 300 + "1"], "nested"),
            (["(" * 300 + "1" + ")" * 300], None),
        ]
        for words, expected in cases:
            with self.subTest(words=words):
                self.assertIn(expected or "", self.failure("calculate", *words))


class FormatBytes(support.PluginCase, unittest.TestCase):
    plugin = "demo_math"

    def test_results(self):
        cases = [
            ([0], "0 B"),
            ([1023], "1023 B"),
            ([1024], "1.0 KiB"),
            ([1536, "--precision", 2], "1.50 KiB"),
            ([1048575], "1.0 MiB"),
            ([1500000, "--units", "decimal"], "1.5 MB"),
            ([999, "--units", "decimal"], "999 B"),
            ([5 * 1024 ** 8], "5.0 YiB"),
        ]
        for words, expected in cases:
            with self.subTest(words=words):
                self.assertEqual(self.success("format_bytes", *words)["formatted"], expected)

    def test_refusals(self):
        for words, expected in [(["--", -1], "value"), ([1024 ** 9], "value"), ([1, "--precision", 16], "--precision")]:
            with self.subTest(words=words):
                self.assertIn(expected, self.failure("format_bytes", *words))


class CoinFlip(support.PluginCase, unittest.TestCase):
    plugin = "demo_math"

    def test_counts_add_up(self):
        result = self.success("coin_flip", "--count", 50)
        self.assertEqual((len(result["flips"]), sum(result["totals"].values())), (50, 50))
        self.assertLessEqual(set(result["flips"]), {"heads", "tails"})

    def test_a_seed_repeats(self):
        words = ["coin_flip", "-n", 20, "--seed", 7]
        self.assertEqual(self.success(*words), self.success(*words))
        self.assertNotEqual(self.success(*words), self.success("coin_flip", "-n", 20, "--seed", 8))

    def test_bias_labels_and_summary(self):
        result = self.success("coin_flip", "-n", 9, "--bias", 1, "--labels", "yes", "no", "--summary-only")
        self.assertEqual(result, {"count": 9, "totals": {"yes": 9, "no": 0}})

    def test_refusals(self):
        for words, expected in [
            (["-n", 0], "--count"),
            (["-n", 10001], "--count"),
            (["--bias", "nan"], "--bias"),
            (["--labels", "a", "a"], "--labels"),
        ]:
            with self.subTest(words=words):
                self.assertIn(expected, self.failure("coin_flip", *words))


if __name__ == "__main__":
    unittest.main()
