"""Values of every type go to the server as parameters and come back the same."""

import datetime
import math
import unittest

from neo4j.graph import Node, Path, Relationship
from neo4j.spatial import CartesianPoint, WGS84Point
from neo4j.time import Date, DateTime, Duration, Time
import pytz

from sheaf import SheafTest

INTEGERS = [0, -1, -16, -17, 127, 128, -128, -129, 32767, 32768, 2**31 - 1, 2**31, 2**63 - 1, -(2**63)]
FLOATS = [0.0, -0.0, 1.5, -1e-300, 1.7976931348623157e308, 5e-324, math.inf, -math.inf]
TEXTS = ["", "a", "x" * 15, "x" * 16, "y" * 255, "y" * 256, "z" * 70_000, "\u00e5\u4e16\u754c\U0001f600\u0000"]
BYTES = [b"", b"\x00", bytes(range(256)), b"\xff" * 70_000]
MOMENTS = [
    Date(1, 1, 1),
    Date(9999, 12, 31),
    Date(2024, 2, 29),
    Time(0, 0, 0, 1),
    Time(23, 59, 59, 999_999_999),
    Time(12, 31, 14, 645_876_123, tzinfo=pytz.FixedOffset(-90)),
    DateTime(1984, 10, 11, 12, 31, 14, 645_876_123),
    DateTime(1984, 10, 11, 12, 31, 14, 645_876_123, tzinfo=pytz.FixedOffset(60)),
    pytz.timezone("Europe/Stockholm").localize(DateTime(2017, 7, 8, 12, 31, 14, 645_876_123)),
    pytz.timezone("America/New_York").localize(DateTime(1999, 1, 8, 0, 0)),
    Duration(months=14, days=-3, seconds=5, nanoseconds=7),
    Duration(months=-1, days=-2, seconds=-3, nanoseconds=-4),
    Duration(),
]
POINTS = [
    CartesianPoint((1.5, -2.5)),
    CartesianPoint((1.5, -2.5, 3.25)),
    WGS84Point((12.994823, 55.612191)),
    WGS84Point((12.994823, 55.612191, 7.0)),
]


class Values(SheafTest):
    def check(self, value):
        """The same value comes back, as a bare parameter and inside a list and a map."""
        found = self.single("RETURN [$value, [$value], {k: $value}]", {"value": value})
        self.assertEqual(found, [value, [value], {"k": value}])
        self.assertIs(type(found[0]), type(value))

    def test_null_and_booleans(self):
        for value in (None, True, False):
            self.check(value)

    def test_integers(self):
        for value in INTEGERS:
            self.check(value)

    def test_floats(self):
        for value in FLOATS:
            self.check(value)
        self.assertTrue(math.isnan(self.single("RETURN $value", {"value": math.nan})))
        self.assertEqual(math.copysign(1, self.single("RETURN $value", {"value": -0.0})), -1)

    def test_texts(self):
        for value in TEXTS:
            self.check(value)

    def test_bytes(self):
        for value in BYTES:
            self.assertEqual(self.single("RETURN $value", {"value": value}), value)

    def test_lists_and_maps(self):
        for value in ([], list(range(20)), list(range(300)), {}, {"a": {"b": [1, "x", None]}}, [[[]]]):
            self.check(value)
        wide = {f"key{n}": n for n in range(300)}
        self.check(wide)

    def test_moments_and_durations(self):
        for value in MOMENTS:
            with self.subTest(value=value):
                self.check(value)

    def test_native_python_moments(self):
        now = datetime.datetime(2024, 5, 6, 7, 8, 9, 123_456, tzinfo=datetime.timezone.utc)
        self.assertEqual(self.single("RETURN $now", {"now": now}).to_native(), now)
        self.assertEqual(self.single("RETURN $day", {"day": now.date()}).to_native(), now.date())

    def test_points(self):
        for value in POINTS:
            with self.subTest(value=value):
                found = self.single("RETURN $value", {"value": value})
                self.assertEqual(found, value)
                self.assertEqual(found.srid, value.srid)

    def test_properties_keep_every_storable_type(self):
        storable = [True, 2**40, 1.5, "text", b"\x00\x01", *MOMENTS, *POINTS, [1, 2], ["a", "b"], [1.5], [Date(2024, 1, 2)]]
        self.run_query("CREATE (n:Holder) SET n = $properties", {"properties": {f"p{i}": v for i, v in enumerate(storable)}})
        properties = self.single("MATCH (n:Holder) RETURN properties(n)")
        for i, value in enumerate(storable):
            with self.subTest(value=value):
                self.assertEqual(properties[f"p{i}"], value)

    def test_nodes_relationships_and_paths(self):
        path = self.single(
            "CREATE p = (:Person:Author {name: 'Ada'})-[:WROTE {year: 1843}]->(:Note)<-[:READ]-(:Person) RETURN p"
        )
        self.assertIsInstance(path, Path)
        self.assertEqual([set(node.labels) for node in path.nodes], [{"Person", "Author"}, {"Note"}, {"Person"}])
        first, second = path.relationships
        self.assertIsInstance(first, Relationship)
        self.assertEqual((first.type, dict(first)), ("WROTE", {"year": 1843}))
        self.assertEqual(first.start_node.element_id, path.nodes[0].element_id)
        self.assertEqual(second.start_node.element_id, path.nodes[2].element_id)
        self.assertEqual(second.end_node.element_id, path.nodes[1].element_id)
        node = self.single("MATCH (n:Author) RETURN n")
        self.assertIsInstance(node, Node)
        self.assertEqual(node.element_id, path.nodes[0].element_id)
        self.assertEqual(node["name"], "Ada")

    def test_element_ids_find_their_entities(self):
        node = self.single("CREATE (n:Found) RETURN n")
        found = self.single("MATCH (n) WHERE elementId(n) = $id RETURN n", {"id": node.element_id})
        # The driver calls two nodes of different results different, so the ids are compared.
        self.assertEqual((found.element_id, found.labels), (node.element_id, frozenset({"Found"})))


if __name__ == "__main__":
    unittest.main()
