"""Transactions: commit, rollback, retries, reading one's own writes, what a failure undoes."""

import threading
import unittest

import neo4j
from neo4j.exceptions import ClientError, ResultConsumedError, TransactionError, TransientError

from sheaf import SheafTest, connect


class Transactions(SheafTest):
    def count(self):
        return self.single("MATCH (n) RETURN count(n)")

    def test_commit_keeps_and_rollback_forgets(self):
        with self.session() as session:
            with session.begin_transaction() as transaction:
                transaction.run("CREATE (:Kept)")
                transaction.commit()
            with session.begin_transaction() as transaction:
                transaction.run("CREATE (:Forgotten)")
                transaction.rollback()
        self.assertEqual(self.count(), 1)

    def test_transactions_are_shown_and_ended_in_one_statement(self):
        with self.session() as session:
            transaction = session.begin_transaction(metadata={"mark": self.database})
            self.assertEqual(transaction.run("CALL tx.getMetaData()").single()["metadata"], {"mark": self.database})
            ended = self.run_query(
                "SHOW TRANSACTIONS YIELD transactionId AS t, metaData AS m WHERE m.mark = $mark "
                "TERMINATE TRANSACTIONS t YIELD message RETURN message",
                {"mark": self.database},
            )
            self.assertEqual([row["message"] for row in ended.records], ["Transaction terminated."])
            with self.assertRaises(ClientError) as caught:
                transaction.run("RETURN 1").consume()
            self.assertEqual(caught.exception.code, "Neo.ClientError.Transaction.Terminated")

    def test_leaving_with_an_error_rolls_back(self):
        with self.assertRaises(ValueError):
            with self.session() as session, session.begin_transaction() as transaction:
                transaction.run("CREATE (:Forgotten)").consume()
                raise ValueError("enough")
        self.assertEqual(self.count(), 0)

    def test_closing_a_session_rolls_back(self):
        with self.session() as session:
            session.begin_transaction().run("CREATE (:Forgotten)").consume()
        self.assertEqual(self.count(), 0)

    def test_closing_the_connection_rolls_back(self):
        driver = connect()
        session = driver.session(database=self.database)
        transaction = session.begin_transaction()
        transaction.run("CREATE (:Forgotten)").consume()
        driver.close()
        self.addCleanup(session.close)
        self.assertEqual(self.count(), 0)

    def test_a_transaction_reads_its_own_writes_and_nobody_else_does(self):
        with self.session() as session, session.begin_transaction() as transaction:
            transaction.run("CREATE (:Mine {n: 1})").consume()
            transaction.run("MATCH (m:Mine) SET m.n = m.n + 1").consume()
            self.assertEqual(transaction.run("MATCH (m:Mine) RETURN m.n AS n").single()["n"], 2)
            self.assertEqual(self.count(), 0)
            transaction.commit()
        self.assertEqual(self.count(), 1)

    def test_a_failure_ends_the_transaction(self):
        with self.session() as session:
            transaction = session.begin_transaction()
            transaction.run("CREATE (:Forgotten)").consume()
            with self.assertRaises(ClientError):
                transaction.run("RETURN 1 / 0").consume()
            with self.assertRaises(TransactionError):
                transaction.run("RETURN 1").consume()
            with self.assertRaises(TransactionError):
                transaction.commit()
        self.assertEqual(self.count(), 0)

    def test_the_session_works_after_a_failure(self):
        with self.session() as session:
            with self.assertRaises(ClientError):
                session.run("THIS IS NOT CYPHER").consume()
            self.assertEqual(session.run("RETURN 1 AS n").single()["n"], 1)

    def test_managed_transactions_return_what_the_work_returns(self):
        with self.session() as session:
            made = session.execute_write(lambda tx: tx.run("CREATE (n:Managed) RETURN 7 AS n").single()["n"])
            read = session.execute_read(lambda tx: tx.run("MATCH (n:Managed) RETURN count(n) AS n").single()["n"])
        self.assertEqual((made, read), (7, 1))

    def test_work_that_raises_is_rolled_back(self):
        def work(transaction):
            transaction.run("CREATE (:Forgotten)").consume()
            raise ValueError("enough")

        with self.session() as session, self.assertRaises(ValueError):
            session.execute_write(work)
        self.assertEqual(self.count(), 0)

    def test_counters_that_many_raise_lose_no_step(self):
        self.run_query("CREATE (:Counter {n: 0})")

        def raise_counter(transaction):
            transaction.run("MATCH (c:Counter) SET c.n = c.n + 1").consume()

        failures = []

        def work():
            try:
                # The driver waits a second and more before it repeats a transaction, so that takes its time.
                with connect(max_transaction_retry_time=60) as driver, driver.session(database=self.database) as session:
                    for _ in range(10):
                        session.execute_write(raise_counter)
            except Exception as failure:
                failures.append(failure)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(self.single("MATCH (c:Counter) RETURN c.n"), 40)

    def test_a_conflict_is_transient(self):
        self.run_query("CREATE (:Counter {n: 0})")
        step = "MATCH (c:Counter) SET c.n = c.n + 1"
        with self.session() as one, self.session() as two:
            first, second = one.begin_transaction(), two.begin_transaction()
            first.run(step).consume()
            second.run(step).consume()
            first.commit()
            with self.assertRaises(TransientError):
                second.commit()
        self.assertEqual(self.single("MATCH (c:Counter) RETURN c.n"), 1)

    def test_a_reading_session_refuses_writes(self):
        with self.session(default_access_mode=neo4j.READ_ACCESS) as session:
            with self.assertRaises(ClientError) as caught:
                session.run("CREATE (:No)").consume()
        self.assertEqual(caught.exception.code, "Neo.ClientError.Statement.AccessMode")
        self.assertEqual(self.count(), 0)

    def test_several_results_are_open_in_one_transaction(self):
        with self.session(fetch_size=2) as session, session.begin_transaction() as transaction:
            first = transaction.run("UNWIND range(1, 10) AS n RETURN n")
            second = transaction.run("UNWIND range(11, 20) AS n RETURN n")
            taken = [(a["n"], b["n"]) for a, b in zip(first, second)]
        self.assertEqual(taken, [(n, n + 10) for n in range(1, 11)])

    def test_a_result_is_gone_with_its_transaction(self):
        with self.session() as session:
            with session.begin_transaction() as transaction:
                result = transaction.run("RETURN 1 AS n")
                transaction.commit()
            with self.assertRaises(ResultConsumedError):
                result.single()

    def test_metadata_is_accepted(self):
        query = neo4j.Query("RETURN 1 AS n", metadata={"who": "test", "when": [1, 2]})
        with self.session() as session:
            self.assertEqual(session.run(query).single()["n"], 1)


if __name__ == "__main__":
    unittest.main()
