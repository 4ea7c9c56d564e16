"""llama-index-graph-stores-neo4j: property graphs with vectors, and the older store of triplets."""

import unittest

from llama_index.core.graph_stores.types import ChunkNode, EntityNode, Relation
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters, VectorStoreQuery
from llama_index.graph_stores.neo4j import Neo4jGraphStore, Neo4jPropertyGraphStore

from sheaf import PASSWORD, URI, USER, LibraryTest, embed


class PropertyGraphs(LibraryTest):
    def setUp(self):
        self.store = Neo4jPropertyGraphStore(username=USER, password=PASSWORD, url=URI, database=self.database)
        chunk = ChunkNode(id_="c1", text="Ada wrote for the engine", properties={"page": 1}, embedding=embed("Ada wrote"))
        ada = EntityNode(
            name="Ada", label="Person", properties={"born": 1815, "empty": None, "triplet_source_id": "c1"},
            embedding=embed("Ada"),
        )
        engine = EntityNode(name="Engine", label="Machine", properties={"kind": "x"}, embedding=embed("Engine"))
        self.store.upsert_nodes([chunk, ada, engine])
        self.store.upsert_relations(
            [Relation(label="WROTE_FOR", source_id=ada.id, target_id=engine.id, properties={"year": 1843})]
        )

    def tearDown(self):
        self.store.close()
        super().tearDown()

    def test_nodes_and_relationships_are_written_once(self):
        relation = Relation(label="WROTE_FOR", source_id="Ada", target_id="Engine", properties={"year": 1843})
        self.store.upsert_relations([relation])
        [[source, link, target]] = self.store.get_triplets(entity_names=["Ada"], relation_names=["WROTE_FOR"])
        self.assertEqual((source.name, link.label, link.properties, target.name), ("Ada", "WROTE_FOR", {"year": 1843}, "Engine"))
        self.assertEqual(self.one("MATCH (:Chunk {id: 'c1'})-[:MENTIONS]->(e:__Entity__) RETURN e.name"), "Ada")
        self.assertEqual({node.id for node in self.store.get(ids=["Ada", "c1"])}, {"Ada", "c1"})
        self.assertEqual([node.name for node in self.store.get(properties={"born": 1815})], ["Ada"])
        [[_, link, _]] = self.store.get_rel_map(self.store.get(ids=["Ada"]))
        self.assertEqual(link.label, "WROTE_FOR")

    def test_the_nearest_are_found(self):
        query = VectorStoreQuery(query_embedding=embed("Engine"), similarity_top_k=1)
        self.rows("CALL db.awaitIndexes(30)")
        nodes, scores = self.store.vector_query(query)
        self.assertEqual(nodes[0].properties, {"kind": "x"})
        self.assertAlmostEqual(scores[0], 1.0, places=3)
        query.filters = MetadataFilters(filters=[MetadataFilter(key="born", value=1815)])
        nodes, _ = self.store.vector_query(query)
        self.assertEqual(nodes[0].properties["born"], 1815)

    def test_the_schema_is_told(self):
        self.store.refresh_schema()
        self.assertIn("Person", self.store.get_schema()["node_props"])
        text = self.store.get_schema_str()
        self.assertIn("(:Person)-[:WROTE_FOR]->(:Machine)", text)

    def test_nodes_and_relationships_are_deleted(self):
        self.store.delete(relation_names=["WROTE_FOR"])
        self.assertEqual(self.one("MATCH ()-[r:WROTE_FOR]->() RETURN count(r)"), 0)
        self.store.delete(entity_names=["Ada"])
        self.store.delete(ids=["c1"])
        self.assertEqual(self.one("MATCH (n:__Node__) RETURN n.name"), "Engine")


class Triplets(LibraryTest):
    def test_triplets_are_kept(self):
        store = Neo4jGraphStore(username=USER, password=PASSWORD, url=URI, database=self.database)
        for _ in range(2):
            store.upsert_triplet("Ada", "wrote_for", "Engine")
        self.assertEqual(store.get("Ada"), [["WROTE_FOR", "Engine"]])
        self.assertEqual(store.get_rel_map(["Ada"]), {"Ada": [["WROTE_FOR", "Engine"]]})
        self.assertIn("Entity", store.get_schema(refresh=True))
        store.delete("Ada", "WROTE_FOR", "Engine")
        self.assertEqual(store.get("Ada"), [])


if __name__ == "__main__":
    unittest.main()
