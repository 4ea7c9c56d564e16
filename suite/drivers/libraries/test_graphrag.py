"""neo4j-graphrag: indexes, vectors, the retrievers, and a graph written by its pipeline."""

import asyncio
import unittest

from neo4j_graphrag.components.kg_writer import Neo4jWriter
from neo4j_graphrag.components.resolver import SinglePropertyExactMatchResolver
from neo4j_graphrag.components.types import Neo4jGraph, Neo4jNode, Neo4jRelationship
from neo4j_graphrag.embeddings import Embedder
from neo4j_graphrag.generation import GraphRAG
from neo4j_graphrag.indexes import (
    create_fulltext_index,
    create_vector_index,
    drop_index_if_exists,
    retrieve_fulltext_index_info,
    retrieve_vector_index_info,
    upsert_vectors,
)
from neo4j_graphrag.llm import LLMInterface, LLMResponse
from neo4j_graphrag.retrievers import (
    HybridCypherRetriever,
    HybridRetriever,
    Text2CypherRetriever,
    VectorCypherRetriever,
    VectorRetriever,
)
from neo4j_graphrag.schema import get_schema
from neo4j_graphrag.types import EntityType

from sheaf import DIMENSIONS, LibraryTest, embed

TEXTS = ["apples grow on trees", "boats sail on water", "trees carry apples and pears"]


class Fake(Embedder):
    def embed_query(self, text, **_):
        return embed(text)


class Says(LLMInterface):
    """Says what it was told to say."""

    def __init__(self, text):
        super().__init__("none")
        self.text = text

    def invoke(self, *_, **__):
        return LLMResponse(content=self.text)

    async def ainvoke(self, *_, **__):
        return LLMResponse(content=self.text)


class Indexes(LibraryTest):
    def test_indexes_are_made_once_told_and_dropped(self):
        for _ in range(2):
            create_vector_index(
                self.driver, "vectors", "Chunk", "embedding", DIMENSIONS, "cosine", neo4j_database=self.database
            )
            create_fulltext_index(self.driver, "words", "Chunk", ["text", "title"], neo4j_database=self.database)
        vectors = retrieve_vector_index_info(self.driver, "vectors", "Chunk", "embedding", self.database)
        self.assertEqual((vectors["name"], vectors["labelsOrTypes"], vectors["properties"]), ("vectors", ["Chunk"], ["embedding"]))
        self.assertEqual(vectors["options"]["indexConfig"]["vector.dimensions"], DIMENSIONS)
        words = retrieve_fulltext_index_info(self.driver, "words", "Chunk", ["text", "title"], self.database)
        self.assertEqual(words["name"], "words")
        for _ in range(2):
            drop_index_if_exists(self.driver, "vectors", neo4j_database=self.database)
        self.assertIsNone(retrieve_vector_index_info(self.driver, "vectors", "Chunk", "embedding", self.database))

    def test_vectors_are_set_on_nodes_and_relationships(self):
        ids = self.rows("CREATE (a:A)-[r:R]->(b:B) RETURN elementId(a) AS a, elementId(r) AS r")[0]
        for entity, key in ((EntityType.NODE, "a"), (EntityType.RELATIONSHIP, "r")):
            upsert_vectors(
                self.driver, [ids[key]], "v", [[1.0, 2]], neo4j_database=self.database, entity_type=entity
            )
        self.assertEqual(self.rows("MATCH (a:A)-[r]->() RETURN a.v AS a, r.v AS r"), [{"a": [1.0, 2.0], "r": [1.0, 2.0]}])


class Retrievers(LibraryTest):
    def setUp(self):
        create_vector_index(self.driver, "vectors", "Chunk", "embedding", DIMENSIONS, "cosine", neo4j_database=self.database)
        create_fulltext_index(self.driver, "words", "Chunk", ["text"], neo4j_database=self.database)
        self.rows(
            "UNWIND range(0, size($texts) - 1) AS n CREATE (:Chunk {n: n, text: $texts[n]})-[:OF]->(:Book {n: n})",
            texts=TEXTS,
        )
        ids = [row["id"] for row in self.rows("MATCH (c:Chunk) RETURN elementId(c) AS id ORDER BY c.n")]
        upsert_vectors(self.driver, ids, "embedding", [embed(text) for text in TEXTS], neo4j_database=self.database)
        self.rows("CALL db.awaitIndexes(30)")

    def test_by_nearness(self):
        retriever = VectorRetriever(self.driver, "vectors", Fake(), return_properties=["text"], neo4j_database=self.database)
        result = retriever.search(query_text=TEXTS[1], top_k=1)
        self.assertIn(TEXTS[1], result.items[0].content)
        self.assertAlmostEqual(result.items[0].metadata["score"], 1.0, places=3)

    def test_by_nearness_with_a_filter(self):
        retriever = VectorRetriever(self.driver, "vectors", Fake(), return_properties=["n"], neo4j_database=self.database)
        result = retriever.search(query_text=TEXTS[1], top_k=3, filters={"n": {"$in": [0, 2]}})
        self.assertEqual(len(result.items), 2)

    def test_by_nearness_then_along_the_graph(self):
        retriever = VectorCypherRetriever(
            self.driver, "vectors", "MATCH (node)-[:OF]->(b:Book) RETURN b.n AS book, score", Fake(),
            neo4j_database=self.database,
        )
        result = retriever.search(query_text=TEXTS[2], top_k=1)
        self.assertIn("book=2", result.items[0].content)

    def test_by_nearness_and_words(self):
        retriever = HybridRetriever(
            self.driver, "vectors", "words", Fake(), return_properties=["text"], neo4j_database=self.database
        )
        for options in ({}, {"ranker": "linear", "alpha": 0.5}):
            result = retriever.search(query_text="boats", top_k=2, **options)
            self.assertIn(TEXTS[1], result.items[0].content)

    def test_by_nearness_and_words_then_along_the_graph(self):
        retriever = HybridCypherRetriever(
            self.driver, "vectors", "words", "MATCH (node)-[:OF]->(b) RETURN b.n AS book", Fake(),
            neo4j_database=self.database,
        )
        self.assertEqual(len(retriever.search(query_text="apples", top_k=2).items), 2)

    def test_by_a_statement_that_a_model_wrote(self):
        says = Says("MATCH (b:Book) RETURN count(b) AS books")
        retriever = Text2CypherRetriever(self.driver, says, neo4j_database=self.database)
        result = retriever.search(query_text="How many books are there?")
        self.assertIn("books=3", result.items[0].content)

    def test_an_answer_over_what_was_found(self):
        retriever = VectorRetriever(self.driver, "vectors", Fake(), neo4j_database=self.database)
        answer = GraphRAG(retriever, Says("Trees.")).search("Where do apples grow?", retriever_config={"top_k": 2})
        self.assertEqual(answer.answer, "Trees.")


class Pipeline(LibraryTest):
    # The writer indexes and cleans up in the default database.
    in_default_database = True

    def graph(self):
        return Neo4jGraph(
            nodes=[
                Neo4jNode(id="1", label="Person", properties={"name": "Ada"}, embedding_properties={"v": [1.0, 0.5]}),
                Neo4jNode(id="2", label="Person", properties={"name": "Ada", "born": 1815}),
                Neo4jNode(id="3", label="Machine", properties={"name": "Engine"}),
            ],
            relationships=[
                Neo4jRelationship(start_node_id="1", end_node_id="3", type="USED", properties={"year": 1843}),
                Neo4jRelationship(start_node_id="2", end_node_id="3", type="USED", properties={"year": 1843}),
            ],
        )

    def test_a_graph_is_written_and_its_doubles_are_joined(self):
        writer = Neo4jWriter(self.driver, neo4j_database=self.database)
        result = asyncio.run(writer.run(self.graph()))
        self.assertEqual(result.status, "SUCCESS", result.metadata)
        self.assertEqual(self.one("MATCH (n:__KGBuilder__) WHERE n.__tmp_internal_id IS NOT NULL RETURN count(n)"), 0)
        self.assertEqual(self.one("MATCH (p:Person) WHERE p.v IS NOT NULL RETURN p.v"), [1.0, 0.5])
        self.assertEqual(self.one("MATCH (:Person)-[r:USED {year: 1843}]->(:Machine) RETURN count(r)"), 2)
        resolver = SinglePropertyExactMatchResolver(self.driver, neo4j_database=self.database)
        stats = asyncio.run(resolver.run())
        self.assertEqual((stats.number_of_nodes_to_resolve, stats.number_of_created_nodes), (3, 2))
        self.assertEqual(
            self.rows("MATCH (p:Person)-[r:USED]->(m) RETURN p.name AS p, p.born AS born, p.v AS v, count(r) AS n"),
            [{"p": "Ada", "born": 1815, "v": [1.0, 0.5], "n": 1}],
        )

    def test_the_schema_as_text(self):
        self.rows("CREATE (:A {x: 1})-[:T {w: 1.5}]->(:B {y: 'b'})")
        text = get_schema(self.driver, database=self.database)
        self.assertIn("A {x: INTEGER}", text)
        self.assertIn("(:A)-[:T]->(:B)", text)
        enhanced = get_schema(self.driver, is_enhanced=True, database=self.database)
        self.assertIn("Available options: ['b']", enhanced)


if __name__ == "__main__":
    unittest.main()
