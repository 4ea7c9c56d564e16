"""Summaries: counters, the kind of statement, the database, plans and timings."""

import unittest

from sheaf import SheafTest


class Summaries(SheafTest):
    def counters(self, text, **parameters):
        """Gives the counters that are not zero."""
        counters = self.run_query(text, parameters).summary.counters
        names = [
            "nodes_created", "nodes_deleted", "relationships_created", "relationships_deleted", "properties_set",
            "labels_added", "labels_removed", "indexes_added", "indexes_removed", "constraints_added",
            "constraints_removed", "system_updates",
        ]
        found = {name: getattr(counters, name) for name in names if getattr(counters, name)}
        self.assertEqual(counters.contains_updates, any(name != "system_updates" for name in found))
        return found

    def test_writes_are_counted(self):
        self.assertEqual(
            self.counters("CREATE (:A:B {x: 1, y: 2})-[:R {z: 3}]->(:C)"),
            {"nodes_created": 2, "relationships_created": 1, "properties_set": 3, "labels_added": 3},
        )
        self.assertEqual(self.counters("MATCH (a:A) SET a:D, a.x = 5 REMOVE a:B"),
                         {"labels_added": 1, "labels_removed": 1, "properties_set": 1})
        self.assertEqual(self.counters("MATCH (a:A) DETACH DELETE a"), {"nodes_deleted": 1, "relationships_deleted": 1})
        self.assertEqual(self.counters("MATCH (n) RETURN n"), {})

    def test_merge_counts_only_what_it_makes(self):
        self.assertEqual(self.counters("MERGE (:M {k: 1})"), {"nodes_created": 1, "properties_set": 1, "labels_added": 1})
        self.assertEqual(self.counters("MERGE (:M {k: 1})"), {})

    def test_schema_changes_are_counted(self):
        self.assertEqual(self.counters("CREATE INDEX by_k FOR (m:M) ON (m.k)"), {"indexes_added": 1})
        self.assertEqual(self.counters("DROP INDEX by_k"), {"indexes_removed": 1})

    def test_the_kind_of_statement(self):
        for text, kind in [
            ("RETURN 1", "r"),
            ("CREATE (n:T)", "w"),
            ("CREATE (n:T) RETURN n", "rw"),
        ]:
            with self.subTest(text=text):
                self.assertEqual(self.run_query(text).summary.query_type, kind)

    def test_the_database_and_the_text(self):
        summary = self.run_query("RETURN $x AS x", {"x": 1}).summary
        self.assertEqual(summary.database, self.database)
        self.assertEqual(summary.query, "RETURN $x AS x")
        self.assertEqual(summary.parameters, {"x": 1})
        self.assertGreaterEqual(summary.result_available_after, 0)
        self.assertGreaterEqual(summary.result_consumed_after, 0)

    def test_explain_plans_and_runs_nothing(self):
        summary = self.run_query("EXPLAIN CREATE (:Never)").summary
        self.assertIn("operatorType", summary.plan)
        self.assertEqual(self.single("MATCH (n:Never) RETURN count(n)"), 0)

    def test_profile_runs_and_counts_rows(self):
        records, summary, _ = self.run_query("PROFILE UNWIND range(1, 5) AS n RETURN n")
        self.assertEqual(len(records), 5)
        self.assertEqual(summary.profile["rows"], 5)


if __name__ == "__main__":
    unittest.main()
