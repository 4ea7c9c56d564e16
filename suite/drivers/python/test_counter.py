"""One counter that 32 clients raise at the same time: no step is lost, and every client comes to its end."""

import threading
import unittest

from neo4j.exceptions import TransientError

from sheaf import SheafTest, connect

CLIENTS = 32
RAISE = "MATCH (c:Counter) SET c.n = c.n + 1 RETURN c.n AS n"


class Counter(SheafTest):
    def setUp(self):
        self.run_query("CREATE (:Counter {n: 0})")

    def count_up(self, steps, step):
        """Lets each client, with a driver of its own, do `step` some times at once; checks that all steps count."""
        start = threading.Barrier(CLIENTS)
        seen, failures = [], []

        def work():
            try:
                with connect(max_transaction_retry_time=60) as driver:
                    driver.verify_connectivity()
                    start.wait(30)
                    for _ in range(steps):
                        seen.append(step(driver))
            except Exception as failure:
                failures.append(failure)

        threads = [threading.Thread(target=work, daemon=True) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        self.assertEqual(failures, [])
        self.assertFalse(any(thread.is_alive() for thread in threads), "a client does not end")
        # Each client saw a number of its own: none was given twice, none was left out.
        self.assertEqual(sorted(seen), list(range(1, CLIENTS * steps + 1)))
        self.assertEqual(self.single("MATCH (c:Counter) RETURN c.n"), CLIENTS * steps)

    def test_with_execute_query(self):
        self.count_up(5, lambda driver: driver.execute_query(RAISE, database_=self.database).records[0]["n"])

    def test_with_statements_that_commit_by_themselves(self):
        # The driver never repeats these: the server has to bring each to its end.
        def step(driver):
            with driver.session(database=self.database) as session:
                return session.run(RAISE).single(strict=True)["n"]

        self.count_up(20, step)

    def test_with_transactions_that_the_client_repeats(self):
        def step(driver):
            with driver.session(database=self.database) as session:
                while True:
                    transaction = session.begin_transaction()
                    try:
                        number = transaction.run(RAISE).single(strict=True)["n"]
                        transaction.commit()
                        return number
                    except TransientError:
                        transaction.close()

        self.count_up(5, step)


if __name__ == "__main__":
    unittest.main()
