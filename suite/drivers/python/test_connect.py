"""Connecting: direct and routed, with the right greeting, and refused where it must be."""

import time
import unittest

import neo4j
from neo4j.exceptions import ClientError

from sheaf import BOLT, SheafTest, connect


class Connect(SheafTest):
    def test_direct_and_routed_drivers_connect(self):
        for scheme in ("bolt", "neo4j"):
            with self.subTest(scheme=scheme), connect(scheme) as driver:
                driver.verify_connectivity()
                info = driver.get_server_info()
                self.assertTrue(info.agent.startswith("Neo4j/"), info.agent)
                self.assertGreaterEqual(info.protocol_version, (5, 0))

    def test_a_routed_driver_reads_and_writes_with_and_without_a_database(self):
        with connect("neo4j") as driver:
            driver.execute_query("CREATE (:Routed {n: 1})", database_=self.database)
            records, _, _ = driver.execute_query(
                "MATCH (r:Routed) RETURN r.n AS n", database_=self.database, routing_=neo4j.RoutingControl.READ
            )
            self.assertEqual([record["n"] for record in records], [1])
            self.assertEqual(driver.execute_query("RETURN 1 AS n").records[0]["n"], 1)

    def test_the_default_database_is_used_when_none_is_named(self):
        with self.driver.session() as session:
            summary = session.run("RETURN 1").consume()
        self.assertEqual(summary.database, "sheaf")

    def test_the_alias_neo4j_names_the_default_database(self):
        with self.driver.session(database="neo4j") as session:
            self.assertEqual(session.run("RETURN 1 AS n").single()["n"], 1)

    def test_an_unknown_database_fails_at_once(self):
        for scheme in ("bolt", "neo4j"):
            with self.subTest(scheme=scheme), connect(scheme) as driver:
                began = time.monotonic()
                with self.assertRaises(ClientError) as caught:
                    driver.execute_query("RETURN 1", database_="nobody")
                self.assertEqual(caught.exception.code, "Neo.ClientError.Database.DatabaseNotFound")
                self.assertLess(time.monotonic() - began, 5)

    def test_many_sessions_share_one_driver(self):
        sessions = [self.session() for _ in range(20)]
        results = [session.run("RETURN $n AS n", n=n) for n, session in enumerate(sessions)]
        self.assertEqual([result.single()["n"] for result in results], list(range(20)))
        for session in sessions:
            session.close()

    def test_bookmarks_carry_over(self):
        manager = neo4j.GraphDatabase.bookmark_manager()
        self.driver.execute_query("CREATE (:Marked)", database_=self.database, bookmark_manager_=manager)
        self.assertTrue(manager.get_bookmarks())
        records, _, _ = self.driver.execute_query(
            "MATCH (m:Marked) RETURN count(m) AS n", database_=self.database, bookmark_manager_=manager
        )
        self.assertEqual(records[0]["n"], 1)

    def test_the_address_is_the_one_that_was_used(self):
        with connect("neo4j") as driver, driver.session(database=self.database) as session:
            summary = session.run("RETURN 1").consume()
            self.assertEqual(f"{summary.server.address[0]}:{summary.server.address[1]}", BOLT)


if __name__ == "__main__":
    unittest.main()
