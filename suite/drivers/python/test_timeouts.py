"""Time limits and cancellation: a long statement stops, and its session goes on."""

import subprocess
import sys
import threading
import time
import unittest

import neo4j
from neo4j.exceptions import ClientError, Neo4jError

from sheaf import BOLT, SheafTest, server_cpu_seconds

# Runs for hours unless somebody stops it, and holds almost no memory.
LONG = "UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b WITH a, b WHERE a + b < 0 RETURN count(*)"

# A process of its own, so that its end is as sudden as that of any program.
CLIENT = """
import sys, neo4j
address, database, text = sys.argv[1:]
neo4j.GraphDatabase.driver(f"bolt://{address}").execute_query(text, database_=database)
"""


class Timeouts(SheafTest):
    def test_a_statement_stops_at_the_clients_limit(self):
        began = time.monotonic()
        with self.session() as session, self.assertRaises(ClientError) as caught:
            session.run(neo4j.Query(LONG, timeout=0.5)).consume()
        self.assertEqual(
            caught.exception.code, "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration"
        )
        self.assertLess(time.monotonic() - began, 5)

    def test_a_transaction_stops_at_the_clients_limit(self):
        with self.session() as session, self.assertRaises(ClientError) as caught:
            with session.begin_transaction(timeout=0.5) as transaction:
                transaction.run("CREATE (:Forgotten)").consume()
                transaction.run(LONG).consume()
        self.assertEqual(
            caught.exception.code, "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration"
        )
        self.assertEqual(self.single("MATCH (n:Forgotten) RETURN count(n)"), 0)

    def test_a_timeout_is_not_retried(self):
        calls = []

        @neo4j.unit_of_work(timeout=0.5)
        def work(transaction):
            calls.append(1)
            transaction.run(LONG).consume()

        with self.session() as session, self.assertRaises(ClientError):
            session.execute_write(work)
        self.assertEqual(len(calls), 1)

    def test_a_limit_of_the_whole_transaction_counts_from_its_begin(self):
        with self.session() as session, self.assertRaises(Neo4jError):
            with session.begin_transaction(timeout=0.5) as transaction:
                time.sleep(1)
                transaction.run("RETURN 1").consume()

    def test_the_session_goes_on_after_a_limit(self):
        with self.session() as session:
            with self.assertRaises(ClientError):
                session.run(neo4j.Query(LONG, timeout=0.2)).consume()
            self.assertEqual(session.run("RETURN 1 AS n").single()["n"], 1)

    def test_a_client_that_dies_stops_its_statement(self):
        self.wait_until_server_is(at_work=False)
        client = subprocess.Popen([sys.executable, "-c", CLIENT, BOLT, self.database, LONG])
        try:
            self.wait_until_server_is(at_work=True)
            self.wait_for_transactions(lambda texts: LONG in texts)
        finally:
            client.kill()
            client.wait()
        self.wait_for_transactions(lambda texts: LONG not in texts)
        self.wait_until_server_is(at_work=False)

    def test_an_operator_ends_a_statement(self):
        failures = []

        def run():
            try:
                self.run_query(LONG)
            except Neo4jError as failure:
                failures.append(failure)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        running = self.wait_for_transactions(lambda texts: LONG in texts)
        listed = self.run_query("TERMINATE TRANSACTION $id", {"id": running[LONG]}).records
        self.assertEqual([record["message"] for record in listed], ["Transaction terminated."])
        thread.join(10)
        self.assertEqual([failure.code for failure in failures], ["Neo.ClientError.Transaction.Terminated"])
        self.wait_for_transactions(lambda texts: LONG not in texts)

    def wait_for_transactions(self, accept):
        """Asks for the running statements until `accept` likes them; gives text to transaction id."""
        deadline = time.monotonic() + 10
        while True:
            records = self.run_query("SHOW TRANSACTIONS YIELD transactionId, currentQuery").records
            running = {record["currentQuery"]: record["transactionId"] for record in records}
            if accept(running):
                return running
            self.assertLess(time.monotonic(), deadline, running)
            time.sleep(0.05)

    def wait_until_server_is(self, at_work):
        """Looks at the processor time that the server takes: hardly any while no statement runs."""
        deadline = time.monotonic() + 10
        while True:
            before = server_cpu_seconds()
            time.sleep(0.3)
            used = server_cpu_seconds() - before
            if used > 0.05 if at_work else used < 0.02:
                return
            self.assertLess(time.monotonic(), deadline, f"{used} s of processor time in 0.3 s")


if __name__ == "__main__":
    unittest.main()
