"""Notifications: what runs and may not be what was meant, and whether the client wants to hear of it."""

import unittest

from neo4j import NotificationCategory, NotificationDisabledCategory, NotificationMinimumSeverity

from sheaf import SheafTest, connect

UNKNOWN = "MATCH (n:Nobody)-[:NOTHING]->(m) WHERE n.nowhere = 1 RETURN m"
PRODUCT = "MATCH (a:Person), (b:Person) RETURN count(*)"


def titles(summary):
    """Names each notification by the last part of its code, in order."""
    return sorted(notification.code.rsplit(".", 1)[1] for notification in summary.summary_notifications or [])


class Notifications(SheafTest):
    def heard(self, text, **options):
        summary = self.run_query(text, **options).summary
        return sorted(found["code"].rsplit(".", 1)[1] for found in summary.notifications or [])

    def test_names_that_nothing_has_are_told_with_their_place(self):
        summary = self.run_query(UNKNOWN).summary
        found = {found["code"].rsplit(".", 1)[1]: found for found in summary.notifications}
        self.assertEqual(
            set(found), {"UnknownLabelWarning", "UnknownRelationshipTypeWarning", "UnknownPropertyKeyWarning"}
        )
        label = found["UnknownLabelWarning"]
        self.assertEqual((label["severity"], label["category"]), ("WARNING", "UNRECOGNIZED"))
        self.assertEqual(label["position"], {"offset": 9, "line": 1, "column": 10})
        self.assertIn("(the missing label name is: Nobody)", label["description"])
        self.assertIs(summary.summary_notifications[0].category, NotificationCategory.UNRECOGNIZED)

    def test_they_are_told_until_somebody_makes_the_names(self):
        text = "MATCH (n:Later {later: 1}) RETURN n"
        for _ in range(2):
            self.assertEqual(self.heard(text), ["UnknownLabelWarning", "UnknownPropertyKeyWarning"])
        self.run_query("CREATE (:Later {later: 2})")
        self.assertEqual(self.heard(text), [])

    def test_what_a_statement_or_its_transaction_makes_is_known(self):
        self.assertEqual(self.heard("CREATE (n:Made {made: 1}) RETURN n.made"), [])
        self.assertEqual(self.heard("MERGE (n:Merged {merged: 1}) RETURN n.merged"), [])
        with self.session() as session, session.begin_transaction() as transaction:
            transaction.run("CREATE (:Within {within: 1})").consume()
            summary = transaction.run("MATCH (n:Within) RETURN n.within").consume()
            self.assertFalse(summary.notifications)

    def test_products_and_old_forms_are_told(self):
        self.run_query("CREATE (:Person {name: 'a'})-[:KNOWS]->(:Person {name: 'b'})")
        self.assertEqual(self.heard(PRODUCT), ["CartesianProduct"])
        self.assertEqual(self.heard("MATCH (a:Person), (b:Person), (a)-->(b) RETURN count(*)"), [])
        self.assertEqual(self.heard("MATCH (a:Person) RETURN id(a)"), ["FeatureDeprecationWarning"])
        old = "MATCH (a:Person) CALL { WITH a RETURN a.name AS name } RETURN name"
        self.assertEqual(self.heard(old), ["FeatureDeprecationWarning"])
        self.assertEqual(self.heard(old.replace("{ WITH a", "").replace("CALL", "CALL (a) {")), [])
        path = "MATCH p = shortestPath((a:Person {name: 'a'})-[*]-(b:Person {name: 'b'})) RETURN length(p)"
        self.assertEqual(self.heard(path.replace("*", "*..5")), [])
        self.assertEqual(self.heard(path), ["UnboundedVariableLengthPattern"])
        self.assertEqual(self.heard(path.replace("*]-(b:Person {name: 'b'}))", "*..5]-(b:Person)), (b)-->(c)")), [])

    def test_a_client_hears_only_what_it_wants(self):
        both = "MATCH (a:Nobody), (b) RETURN count(*)"
        everything = ["CartesianProduct", "UnknownLabelWarning"]
        choices = [
            ({}, everything),
            ({"notifications_min_severity": NotificationMinimumSeverity.WARNING}, ["UnknownLabelWarning"]),
            ({"notifications_min_severity": NotificationMinimumSeverity.OFF}, []),
            (
                {"notifications_disabled_categories": [NotificationDisabledCategory.UNRECOGNIZED]},
                ["CartesianProduct"],
            ),
        ]
        for options, wanted in choices:
            with self.subTest(options=options), connect(**options) as driver:
                summary = driver.execute_query(both, database_=self.database).summary
                self.assertEqual(titles(summary), wanted)
            # What a session says counts more than what its driver says.
            with self.subTest(session=options), connect(notifications_min_severity="OFF") as driver:
                session_options = {"notifications_min_severity": "INFORMATION", **options}
                with driver.session(database=self.database, **session_options) as session:
                    self.assertEqual(titles(session.run(both).consume()), wanted)


if __name__ == "__main__":
    unittest.main()
