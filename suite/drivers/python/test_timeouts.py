"""Time limits and cancellation: a long statement stops, and its session goes on."""

import threading
import time
import unittest

import neo4j
from neo4j.exceptions import ClientError, DriverError, Neo4jError

from sheaf import SheafTest, connect

# Runs for hours unless somebody stops it, and holds almost no memory.
LONG = "UNWIND range(1, 1000000) AS a UNWIND range(1, 1000000) AS b WITH a, b WHERE a + b < 0 RETURN count(*)"


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

    def test_a_client_that_goes_away_stops_its_statement(self):
        driver = connect()
        session = driver.session(database=self.database)
        ended = threading.Event()

        def run():
            try:
                session.run(LONG).consume()
            except (DriverError, Neo4jError, OSError):
                ended.set()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.wait_for_transactions(lambda texts: LONG in texts)
        session.cancel()
        # The socket is closed under the waiting thread: what the server sees is a client that is gone.
        driver.close()
        self.assertTrue(ended.wait(10))
        self.wait_for_transactions(lambda texts: LONG not in texts)

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
        self.run_query("TERMINATE TRANSACTION $id", {"id": running[LONG]})
        thread.join(10)
        self.assertEqual([failure.code for failure in failures], ["Neo.ClientError.Transaction.Terminated"])

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


if __name__ == "__main__":
    unittest.main()
