"""Errors: the class that the driver raises, the code, and the words that people search for."""

import unittest

from neo4j.exceptions import ClientError, ConstraintError, CypherSyntaxError, CypherTypeError

from sheaf import SheafTest


class Errors(SheafTest):
    def test_text_that_is_no_cypher(self):
        error = self.assert_fails(CypherSyntaxError, "ClientError.Statement.SyntaxError", "RETRUN 1")
        self.assertIn("line 1, column 1", error.message)

    def test_an_unknown_variable_is_named(self):
        error = self.assert_fails(CypherSyntaxError, "ClientError.Statement.SyntaxError", "RETURN nobody")
        self.assertIn("nobody", error.message)

    def test_an_unknown_function_is_named(self):
        error = self.assert_fails(CypherSyntaxError, "ClientError.Statement.SyntaxError", "RETURN no.such(1)")
        self.assertIn("no.such", error.message)

    def test_an_unknown_procedure(self):
        self.assert_fails(ClientError, "ClientError.Procedure.ProcedureNotFound", "CALL no.such.procedure()")

    def test_procedures_cannot_be_declared(self):
        # The openCypher tests do so, on a server that is started for them.
        declaration = "CALL tck.registerProcedure('p() :: ()', [])"
        self.assert_fails(ClientError, "ClientError.Procedure.ProcedureNotFound", declaration)

    def test_a_missing_parameter_is_named(self):
        error = self.assert_fails(ClientError, "ClientError.Statement.ParameterMissing", "RETURN $wanted")
        self.assertIn("wanted", error.message)

    def test_a_value_of_the_wrong_type(self):
        self.assert_fails(CypherTypeError, "ClientError.Statement.TypeError", "RETURN $n + date()", {"n": True})

    def test_division_by_zero(self):
        error = self.assert_fails(ClientError, "ClientError.Statement.ArithmeticError", "RETURN 1 / $zero", {"zero": 0})
        self.assertIn("/ by zero", error.message)

    def test_an_argument_that_a_function_refuses(self):
        self.assert_fails(ClientError, "ClientError.Statement.ArgumentError", "RETURN date({year: 2024, month: $m})", {"m": 13})

    def test_what_ends_transactions(self):
        missing = self.assert_fails(ClientError, "ClientError.Statement.SemanticError", "TERMINATE TRANSACTIONS")
        self.assertIn("Missing transaction id to terminate", missing.message)
        self.assert_fails(ClientError, "ClientError.General.InvalidArguments", "TERMINATE TRANSACTION 'foo'")
        alone = "TERMINATE TRANSACTION 'a-transaction-1' WHERE true"
        self.assert_fails(CypherSyntaxError, "ClientError.Statement.SyntaxError", alone)

    def test_a_database_that_is_there_already(self):
        code = "ClientError.Database.ExistingDatabaseFound"
        error = self.assert_fails(ClientError, code, f"CREATE DATABASE {self.database}", database_="system")
        self.assertIn("Database name or alias already exists.", error.message)

    def test_a_transaction_of_a_dropped_database_is_not_tried_again(self):
        name = f"{self.database}x"
        self.run_query(f"CREATE DATABASE {name} WAIT", database_="system")
        tries = []

        def write(transaction):
            tries.append(transaction.run("CREATE (:A)").consume())
            self.run_query(f"DROP DATABASE {name}", database_="system")
            transaction.run("MATCH (n) RETURN n").consume()

        with self.driver.session(database=name) as session, self.assertRaises(ClientError) as caught:
            session.execute_write(write)
        self.assertEqual(caught.exception.code, "Neo.ClientError.Database.DatabaseNotFound")
        self.assertEqual(len(tries), 1)

    def test_a_node_that_still_has_relationships(self):
        self.run_query("CREATE (:A)-[:R]->(:B)")
        error = self.assert_fails(ConstraintError, "ClientError.Schema.ConstraintValidationFailed", "MATCH (a:A) DELETE a")
        self.assertIn("still has relationships", error.message)

    def test_errors_while_rows_are_on_their_way(self):
        with self.session(fetch_size=2) as session:
            result = session.run("UNWIND [1, 1, 1, 1, 0] AS n RETURN 1 / n AS x")
            with self.assertRaises(ClientError) as caught:
                list(result)
        self.assertEqual(caught.exception.code, "Neo.ClientError.Statement.ArithmeticError")

    def test_a_failed_statement_leaves_nothing(self):
        self.assert_fails(
            ClientError, "ClientError.Statement.ArithmeticError", "UNWIND [1, 0] AS n CREATE (:Half {n: 1 / n})"
        )
        self.assertEqual(self.single("MATCH (n:Half) RETURN count(n)"), 0)


if __name__ == "__main__":
    unittest.main()
