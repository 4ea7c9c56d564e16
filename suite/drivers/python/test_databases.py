"""Many databases on one server: made, listed, kept apart, used at once, dropped."""

import threading
import unittest
import uuid

from neo4j.exceptions import ClientError, DatabaseUnavailable

from sheaf import SheafTest, connect

DEFAULT_COLUMNS = [
    "name", "type", "aliases", "access", "address", "role", "writer", "requestedStatus", "currentStatus",
    "statusMessage", "default", "home", "constituents",
]


class Databases(SheafTest):
    def setUp(self):
        self.made = []

    def tearDown(self):
        for name in self.made:
            self.admin(f"DROP DATABASE `{name}` IF EXISTS")
        super().tearDown()

    def admin(self, text, **parameters):
        return self.driver.execute_query(text, parameters, database_="system")

    def make(self, prefix="d"):
        name = f"{prefix}{uuid.uuid4().hex[:12]}"
        self.admin(f"CREATE DATABASE `{name}`")
        self.made.append(name)
        return name

    def count(self, database):
        return self.single("MATCH (n) RETURN count(n)", database_=database)

    def test_what_is_written_to_one_is_not_in_another(self):
        first, second = self.make(), self.make()
        self.run_query("CREATE (:Person {name: 'Ada'})", database_=first)
        self.run_query("CREATE (:Person {name: 'Bob'}), (:Person {name: 'Eve'})", database_=second)
        self.assertEqual((self.count(first), self.count(second)), (1, 2))

    def test_f26_f27_what_use_chooses_is_its_sessions_and_no_others(self):
        name = self.make()

        def where(session):
            return session.run("RETURN db.name()").single().value()

        # `neo4j://` asks for a route first, and a pool of one connection serves every session with it.
        for scheme in ("bolt", "neo4j"):
            for use in (f":USE {name}", f"USE {name}", f"USE DATABASE {name}"):
                with self.subTest(scheme=scheme, use=use), connect(scheme, max_connection_pool_size=1) as driver:
                    with driver.session() as session:
                        home = where(session)
                        session.run(use).consume()
                        self.assertEqual(where(session), name)
                        with self.assertRaises(ClientError):
                            session.run("RETURN nothing").consume()
                        self.assertEqual(where(session), name)
                        self.assertEqual(session.execute_read(lambda tx: tx.run("RETURN db.name()").single().value()), name)
                        self.assertEqual(session.run(":USE").single().value(), name)
                    with driver.session() as session:
                        self.assertEqual(where(session), home)
                        self.assertEqual(session.execute_read(lambda tx: tx.run("RETURN db.name()").single().value()), home)
                    self.assertEqual(driver.execute_query("RETURN db.name()").records[0].value(), home)
        self.assertEqual(self.count(name), 0)

    def test_f42_a_name_is_found_in_every_spelling_with_and_without_routing(self):
        name = self.make()
        self.admin(f"CREATE ALIAS `{name}a` FOR DATABASE `{name}`")
        for scheme in ("bolt", "neo4j"):
            with connect(scheme, max_transaction_retry_time=2) as driver:
                for spelt in (name.upper(), f"{name}A", name.title(), "SYSTEM"):
                    with self.subTest(scheme=scheme, spelt=spelt):
                        text = "SHOW DATABASES YIELD name RETURN count(*) > 0" if spelt == "SYSTEM" else "RETURN true"
                        self.assertTrue(driver.execute_query(text, database_=spelt).records[0].value())
        self.admin(f"DROP ALIAS `{name}a` FOR DATABASE")

    def test_commands_of_one_transaction_are_tried_again_after_somebody_elses(self):
        name, tries = f"t{uuid.uuid4().hex[:12]}", []
        self.made.append(name)

        def work(tx):
            tx.run(f"CREATE DATABASE `{name}`").consume()
            tx.run(f"CREATE ALIAS `{name}a` FOR DATABASE `{name}`").consume()
            if not tries:
                self.admin(f"CREATE ROLE {name}")
            tries.append(1)

        with self.driver.session(database="system") as session:
            session.execute_write(work)
        self.assertEqual((len(tries), self.count(f"{name}a")), (2, 0))

        def undone(tx):
            tx.run(f"DROP ALIAS `{name}a`").consume()
            tx.run(f"DROP ROLE {name}").consume()
            tx.rollback()

        with self.driver.session(database="system") as session:
            undone(session.begin_transaction())
        self.assertEqual(self.count(f"{name}a"), 0)
        self.admin(f"DROP ALIAS `{name}a`")
        self.admin(f"DROP ROLE {name}")

    def test_several_are_written_at_the_same_time(self):
        names = [self.make() for _ in range(4)]
        failures = []

        def fill(database):
            try:
                for n in range(25):
                    self.run_query("CREATE (:N {n: $n})", {"n": n}, database_=database)
            except Exception as failure:
                failures.append(failure)

        threads = [threading.Thread(target=fill, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual([self.count(name) for name in names], [25] * 4)

    def test_two_transactions_are_open_on_two_databases(self):
        first, second = self.make(), self.make()
        with self.session(database=first) as one, self.session(database=second) as two:
            left, right = one.begin_transaction(), two.begin_transaction()
            left.run("CREATE (:Left)").consume()
            right.run("CREATE (:Right)").consume()
            left.commit()
            right.rollback()
        self.assertEqual((self.count(first), self.count(second)), (1, 0))

    def test_use_chooses_the_database_of_a_statement(self):
        name = self.make()
        self.run_query("CREATE (:Here)", database_=name)
        self.assertEqual(self.single(f"USE `{name}` MATCH (n:Here) RETURN count(n)"), 1)

    def test_show_databases_has_the_columns_that_tools_expect(self):
        name = self.make()
        records, _, keys = self.admin("SHOW DATABASES")
        self.assertEqual(keys, DEFAULT_COLUMNS)
        rows = {record["name"]: record for record in records}
        self.assertIn("system", rows)
        self.assertEqual(rows[name]["currentStatus"], "online")
        self.assertEqual(rows[name]["type"], "standard")
        self.assertEqual(rows[name]["access"], "read-write")
        self.assertIs(rows["sheaf"]["default"], True)
        self.assertEqual(rows["sheaf"]["aliases"], ["neo4j"])

    def test_commands_run_from_any_database(self):
        name = f"d{uuid.uuid4().hex[:12]}"
        self.made.append(name)
        summary = self.run_query(f"CREATE DATABASE {name}").summary
        self.assertTrue(summary.counters.contains_system_updates)
        self.assertEqual(self.count(name), 0)

    def test_a_name_is_taken_once(self):
        name = self.make()
        with self.assertRaises(ClientError) as caught:
            self.admin(f"CREATE DATABASE {name}")
        self.assertEqual(caught.exception.code, "Neo.ClientError.Database.ExistingDatabaseFound")
        self.admin(f"CREATE DATABASE {name} IF NOT EXISTS")

    def test_a_dropped_database_is_gone(self):
        name = self.make()
        self.run_query("CREATE (:Gone)", database_=name)
        self.admin(f"DROP DATABASE {name}")
        with self.assertRaises(ClientError) as caught:
            self.count(name)
        self.assertEqual(caught.exception.code, "Neo.ClientError.Database.DatabaseNotFound")
        self.admin(f"CREATE DATABASE {name}")
        self.assertEqual(self.count(name), 0)

    def test_a_stopped_database_is_unavailable_until_it_starts(self):
        name = self.make()
        self.run_query("CREATE (:Kept)", database_=name)
        self.admin(f"STOP DATABASE {name}")
        with self.session(database=name) as session, self.assertRaises(DatabaseUnavailable):
            session.run("RETURN 1").consume()
        self.admin(f"START DATABASE {name}")
        self.assertEqual(self.count(name), 1)

    def test_the_alias_neo4j_reads_and_writes_the_default_database(self):
        label = f"L{uuid.uuid4().hex}"
        self.run_query(f"CREATE (:{label})", database_="neo4j")
        try:
            found = [self.single(f"MATCH (n:{label}) RETURN count(n)", database_=name) for name in ("sheaf", "neo4j")]
            self.assertEqual(found, [1, 1])
        finally:
            self.run_query(f"MATCH (n:{label}) DELETE n", database_="sheaf")

    def test_a_session_in_a_transaction_keeps_its_database(self):
        first, second = self.make(), self.make()
        with self.session(database=first) as session, session.begin_transaction() as transaction:
            transaction.run("CREATE (:Here)").consume()
            with self.assertRaises(ClientError):
                transaction.run(f"USE `{second}` CREATE (:There)").consume()
            transaction.close()
        self.assertEqual((self.count(first), self.count(second)), (0, 0))


if __name__ == "__main__":
    unittest.main()
