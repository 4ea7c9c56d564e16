"""/metrics, read by the parser of Prometheus's own client."""

import base64
import unittest
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from sheaf import HTTP, LOCKED_HTTP, PASSWORD, SheafTest


def families(address, password=None):
    """Fetches the metrics of a server; gives their families in order."""
    headers = {}
    if password is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(f"admin:{password}".encode()).decode()
    request = urllib.request.Request(f"http://{address}/metrics", headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"), answer.headers["Content-Type"]
        return list(text_string_to_metric_families(answer.read().decode()))


class Metrics(SheafTest):
    def check(self, found):
        names = [family.name for family in found]
        self.assertEqual(sorted(names), sorted(set(names)), "each family comes once")
        seen = set()
        for family in found:
            self.assertTrue(family.documentation, f"{family.name} has HELP")
            self.assertIn(family.type, ("counter", "gauge", "histogram"), f"{family.name} has TYPE")
            self.assertTrue(family.name.startswith("sheaf_"), family.name)
            for sample in family.samples:
                series = (sample.name, tuple(sorted(sample.labels.items())))
                self.assertNotIn(series, seen, "each series comes once")
                seen.add(series)
                self.assertEqual(sample.name.endswith("_total"), family.type == "counter", sample.name)
                self.assertGreaterEqual(sample.value, 0, sample.name)
        for family in found:
            if family.type == "histogram":
                self.check_histogram(family)

    def check_histogram(self, family):
        buckets, counts = {}, {}
        for sample in family.samples:
            rest = tuple(sorted((key, value) for key, value in sample.labels.items() if key != "le"))
            if sample.name.endswith("_bucket"):
                buckets.setdefault(rest, []).append((float(sample.labels["le"]), sample.value))
            elif sample.name.endswith("_count"):
                counts[rest] = sample.value
        self.assertEqual(buckets.keys(), counts.keys(), family.name)
        for rest, found in buckets.items():
            self.assertEqual(found, sorted(found), "bounds and counts grow")
            self.assertEqual(found[-1], (float("inf"), counts[rest]), "the last one holds all")

    def test_f61_f207_everything_is_what_prometheus_reads(self):
        self.run_query("CREATE (:Web)")
        with self.assertRaises(Exception):
            self.run_query("RETURN 1 / 0")
        found = families(HTTP)
        self.check(found)
        statements = next(family for family in found if family.name == "sheaf_database_statements")
        of_this = [sample.value for sample in statements.samples if sample.labels.get("database") == self.database]
        self.assertEqual(len(of_this), 1)
        self.assertGreaterEqual(of_this[0], 2)

    def test_f207_with_and_without_a_password(self):
        self.check(families(LOCKED_HTTP))
        self.check(families(LOCKED_HTTP, PASSWORD))


if __name__ == "__main__":
    unittest.main()
