"""py2neo: objects, matching, merging, transactions, bulk, over Bolt 4.3, at which it stopped."""

import unittest

from py2neo import Graph, Node, Relationship
from py2neo.bulk import create_nodes
from py2neo.errors import ClientError

from sheaf import PASSWORD, ROUTED, URI, USER, LibraryTest


class Py2neo(LibraryTest):
    def setUp(self):
        self.graph = Graph(URI, name=self.database, auth=(USER, PASSWORD))

    def test_objects_are_made_matched_and_merged(self):
        ann, bob = Node("Person", name="Ann", born=1970), Node("Person", name="Bob")
        self.graph.create(Relationship(ann, "KNOWS", bob, since=2001))
        found = self.graph.nodes.match("Person", name="Ann").first()
        self.assertEqual((found["born"], found.labels), (1970, {"Person"}))
        self.assertEqual(self.graph.match((ann,), r_type="KNOWS").first()["since"], 2001)
        self.graph.merge(Node("Person", name="Ann", born=1971), "Person", "name")
        self.assertEqual([[2, 1971]], [list(r.values()) for r in self.rows(
            "MATCH (p:Person) RETURN count(p), max(p.born)")])
        found["born"] = None
        self.graph.push(found)
        self.assertEqual(len(self.graph.nodes.match("Person")), 2)

    def test_transactions_bulk_and_tables(self):
        transaction = self.graph.begin()
        transaction.run("CREATE (:Gone)")
        self.graph.rollback(transaction)
        create_nodes(self.graph.auto(), [{"name": "x"}, {"name": "y"}], labels={"Bulk"})
        table = self.graph.run("MATCH (b:Bulk) RETURN b.name AS name ORDER BY name").to_table()
        self.assertEqual([tuple(row) for row in table], [("x",), ("y",)])
        self.assertEqual(self.graph.run("MATCH (g:Gone) RETURN count(g)").evaluate(), 0)

    def test_paths_schema_and_errors(self):
        self.graph.run("CREATE (:Person)-[:KNOWS]->(:Person)")
        path = self.graph.run("MATCH p = (:Person)-->() RETURN p").evaluate()
        self.assertEqual(len(path.relationships), 1)
        self.assertIn("Person", self.graph.schema.node_labels)
        with self.assertRaises(ClientError):
            self.graph.run("RETURN missing")
        self.assertEqual(Graph(ROUTED, auth=(USER, PASSWORD)).run("RETURN 2").evaluate(), 2)


if __name__ == "__main__":
    unittest.main()
