"""What programs do that still use the Python driver 4.4: it speaks Bolt 4.4 and nothing newer."""

import os
import unittest
import uuid

import neo4j
from neo4j.exceptions import AuthError, ClientError, CypherSyntaxError
from neo4j.time import Date, DateTime

BOLT = os.environ["SHEAF_BOLT"]
LOCKED_BOLT = os.environ["SHEAF_LOCKED_BOLT"]
PASSWORD = os.environ["SHEAF_PASSWORD"]


class Old(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.driver = neo4j.GraphDatabase.driver(f"bolt://{BOLT}")
        cls.database = f"o{uuid.uuid4().hex}"
        with cls.driver.session(database="system") as session:
            session.run(f"CREATE DATABASE {cls.database} WAIT").consume()

    @classmethod
    def tearDownClass(cls):
        with cls.driver.session(database="system") as session:
            session.run(f"DROP DATABASE {cls.database} WAIT").consume()
        cls.driver.close()

    def tearDown(self):
        self.run_query("MATCH (n) DETACH DELETE n")

    def session(self, **options):
        return self.driver.session(database=self.database, **options)

    def run_query(self, text, **parameters):
        """Runs one statement; gives its rows as lists of values."""
        with self.session() as session:
            return session.run(text, parameters).values()

    def test_the_protocol_is_the_old_one(self):
        with self.session() as session:
            summary = session.run("RETURN 1").consume()
        self.assertEqual(summary.server.protocol_version, (4, 4))
        self.assertTrue(summary.server.agent.startswith("Neo4j/"))
        self.assertEqual(summary.database, self.database)

    def test_routed_drivers_read_and_write(self):
        with neo4j.GraphDatabase.driver(f"neo4j://{BOLT}") as driver:
            driver.verify_connectivity()
            with driver.session(database=self.database) as session:
                session.write_transaction(lambda tx: tx.run("CREATE (:Routed)").consume())
                found = session.read_transaction(lambda tx: tx.run("MATCH (r:Routed) RETURN count(r)").single()[0])
        self.assertEqual(found, 1)

    def test_entities_have_numbers_that_find_them(self):
        [[node, relationship, path]] = self.run_query("CREATE p = (a:A {x: 1})-[r:R {y: 2}]->(:B) RETURN a, r, p")
        self.assertEqual((set(node.labels), dict(node)), ({"A"}, {"x": 1}))
        self.assertEqual((relationship.type, dict(relationship)), ("R", {"y": 2}))
        self.assertEqual(relationship.start_node.id, node.id)
        self.assertEqual([set(n.labels) for n in path.nodes], [{"A"}, {"B"}])
        self.assertEqual(self.run_query("MATCH (n) WHERE id(n) = $id RETURN labels(n)", id=node.id), [[["A"]]])

    def test_moments_cross_in_the_old_way(self):
        # Until Bolt 5 a moment with a zone was sent by the wall's clock, not by universal time.
        text = "RETURN datetime('2020-07-01T10:00:00[Europe/Berlin]'), datetime('2020-01-01T10:00:00+05:30'), $given"
        [[zoned, shifted, given]] = self.run_query(text, given=DateTime(2020, 1, 2, 3, 4, 5))
        self.assertEqual(zoned.iso_format(), "2020-07-01T10:00:00.000000000+02:00")
        self.assertEqual(shifted.iso_format(), "2020-01-01T10:00:00.000000000+05:30")
        self.assertEqual(given, DateTime(2020, 1, 2, 3, 4, 5))
        self.assertEqual(self.run_query("RETURN $zoned = datetime('2020-07-01T10:00:00[Europe/Berlin]')", zoned=zoned), [[True]])
        self.assertEqual(self.run_query("RETURN $day", day=Date(2024, 2, 29)), [[Date(2024, 2, 29)]])

    def test_results_of_one_transaction_are_read_side_by_side(self):
        with self.session(fetch_size=3) as session, session.begin_transaction() as transaction:
            first = transaction.run("UNWIND range(1, 10) AS n RETURN n")
            second = transaction.run("UNWIND range(11, 20) AS n RETURN n")
            taken = [(a["n"], b["n"]) for a, b in zip(first, second)]
        self.assertEqual(taken, [(n, n + 10) for n in range(1, 11)])

    def test_rollback_and_failures(self):
        with self.session() as session:
            transaction = session.begin_transaction()
            transaction.run("CREATE (:Forgotten)").consume()
            transaction.rollback()
            with self.assertRaises(CypherSyntaxError) as caught:
                session.run("RETRUN 1").consume()
            self.assertEqual(caught.exception.code, "Neo.ClientError.Statement.SyntaxError")
            with self.assertRaises(ClientError) as caught:
                session.run("RETURN 1 / 0").consume()
            self.assertEqual(caught.exception.code, "Neo.ClientError.Statement.ArithmeticError")
            counters = session.run("CREATE (:A)-[:R]->(:B)").consume().counters
        self.assertEqual((counters.nodes_created, counters.relationships_created, counters.labels_added), (2, 1, 2))
        self.assertEqual(self.run_query("MATCH (n) RETURN count(n)"), [[2]])

    def test_passwords(self):
        with neo4j.GraphDatabase.driver(f"bolt://{LOCKED_BOLT}", auth=("admin", PASSWORD)) as driver:
            driver.verify_connectivity()
        with neo4j.GraphDatabase.driver(f"bolt://{LOCKED_BOLT}", auth=("admin", "wrong")) as driver:
            with self.assertRaises(AuthError) as caught:
                driver.verify_connectivity()
        self.assertEqual(caught.exception.code, "Neo.ClientError.Security.Unauthorized")


if __name__ == "__main__":
    unittest.main()
