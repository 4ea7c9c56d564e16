"""Streaming: rows come while they are asked for, and no more than are asked for."""

import time
import unittest

from sheaf import SheafTest


class Streaming(SheafTest):
    def test_a_long_result_comes_whole_and_in_order(self):
        with self.session(fetch_size=1000) as session:
            numbers = [record["n"] for record in session.run("UNWIND range(1, 50000) AS n RETURN n")]
        self.assertEqual(numbers, list(range(1, 50_001)))

    def test_every_fetch_size_gives_the_same_rows(self):
        for fetch_size in (1, 7, 100, -1):
            with self.subTest(fetch_size=fetch_size), self.session(fetch_size=fetch_size) as session:
                result = session.run("UNWIND range(1, 100) AS n RETURN n, n * n AS square")
                self.assertEqual(result.keys(), ["n", "square"])
                self.assertEqual([record["square"] for record in result], [n * n for n in range(1, 101)])

    def test_the_first_rows_do_not_wait_for_the_last(self):
        with self.session(fetch_size=10) as session:
            began = time.monotonic()
            result = session.run("UNWIND range(1, 100000000) AS n RETURN n")
            self.assertEqual([record["n"] for record in result.fetch(10)], list(range(1, 11)))
            result.consume()
            self.assertLess(time.monotonic() - began, 10)
            self.assertEqual(session.run("RETURN 1 AS n").single()["n"], 1)

    def test_peek_and_single(self):
        with self.session() as session:
            result = session.run("UNWIND [1, 2] AS n RETURN n")
            self.assertEqual(result.peek()["n"], 1)
            self.assertEqual(len(list(result)), 2)
            self.assertIsNone(session.run("UNWIND [] AS n RETURN n").single())

    def test_a_result_without_rows_still_has_keys(self):
        with self.session() as session:
            result = session.run("MATCH (n:Nobody) RETURN n.name AS name, n")
            self.assertEqual(result.keys(), ["name", "n"])
            self.assertEqual(list(result), [])

    def test_large_rows_pass_chunk_borders(self):
        for length in (65_535, 65_536, 1_000_000):
            with self.subTest(length=length):
                text = self.single("RETURN $text", {"text": "x" * length})
                self.assertEqual(len(text), length)

    def test_an_unread_result_is_kept_for_later(self):
        with self.session(fetch_size=5) as session:
            first = session.run("UNWIND range(1, 20) AS n RETURN n")
            second = session.run("RETURN 'between' AS text")
            self.assertEqual(second.single()["text"], "between")
            self.assertEqual([record["n"] for record in first], list(range(1, 21)))


if __name__ == "__main__":
    unittest.main()
