"""graphiti-core: its indexes, episodes turned into entities and facts, and every kind of its searches."""

import unittest
from datetime import datetime, timezone

import sheaf  # first: it turns telemetry off
from graphiti_core import Graphiti
from graphiti_core.cross_encoder.client import CrossEncoderClient
from graphiti_core.driver.neo4j_driver import Neo4jDriver
from graphiti_core.edges import EntityEdge
from graphiti_core.embedder.client import EmbedderClient
from graphiti_core.llm_client.client import LLMClient
from graphiti_core.llm_client.config import LLMConfig
from graphiti_core.nodes import EntityNode, EpisodeType, EpisodicNode
from graphiti_core.search.search_config_recipes import (
    COMBINED_HYBRID_SEARCH_RRF,
    EDGE_HYBRID_SEARCH_NODE_DISTANCE,
    NODE_HYBRID_SEARCH_MMR,
)
from graphiti_core.utils.maintenance.graph_data_operations import clear_data

NOW = datetime(2024, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


class Embeds(EmbedderClient):
    async def create(self, input_data):
        return sheaf.embed(input_data if isinstance(input_data, str) else input_data[0])

    async def create_batch(self, input_data_list):
        return [sheaf.embed(text) for text in input_data_list]


class Ranks(CrossEncoderClient):
    async def rank(self, query, passages):
        return [(passage, 1.0 / (at + 1)) for at, passage in enumerate(passages)]


class Says(LLMClient):
    """Finds the same two entities and one fact in every text, and takes nothing for a double."""

    def __init__(self):
        super().__init__(LLMConfig(api_key="none"), cache=False)

    async def _generate_response(self, messages, response_model=None, *_, **__):
        fact = {
            "source_entity_name": "Ada",
            "target_entity_name": "Engine",
            "relation_type": "WROTE_FOR",
            "fact": "Ada wrote for the engine",
            "valid_at": "1843-01-01T00:00:00Z",
            "invalid_at": None,
        }
        answers = {
            "ExtractedEntities": {
                "extracted_entities": [{"name": name, "entity_type_id": 0} for name in ("Ada", "Engine")]
            },
            "ExtractedEdges": {"edges": [fact]},
            "NodeResolutions": {"entity_resolutions": []},
            "EdgeDuplicate": {"duplicate_facts": [], "contradicted_facts": []},
            "SummarizedEntities": {"summaries": []},
            "BatchEdgeTimestamps": {"timestamps": []},
        }
        return answers.get(response_model.__name__ if response_model else "", {})


class GraphitiTest(sheaf.LibraryTest, unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        driver = Neo4jDriver(sheaf.URI, sheaf.USER, sheaf.PASSWORD, database=self.database)
        self.graphiti = Graphiti(
            graph_driver=driver, llm_client=Says(), embedder=Embeds(), cross_encoder=Ranks()
        )
        await driver._init_task
        await self.graphiti.build_indices_and_constraints()

    async def asyncTearDown(self):
        await self.graphiti.close()

    async def test_indexes_are_built_once(self):
        await self.graphiti.build_indices_and_constraints()
        names = {row["name"] for row in self.rows("SHOW INDEXES")}
        self.assertLessEqual({"entity_uuid", "valid_at_edge_index", "node_name_and_summary", "edge_name_and_fact"}, names)

    async def test_an_episode_becomes_entities_and_facts_that_are_found(self):
        result = await self.graphiti.add_episode(
            "first", "Ada wrote for the engine", "a test", NOW, source=EpisodeType.text, group_id="g"
        )
        self.assertEqual({node.name for node in result.nodes}, {"Ada", "Engine"})
        self.assertEqual(self.one("MATCH (:Episodic)-[m:MENTIONS]->(:Entity) RETURN count(m)"), 2)
        self.assertEqual(self.one("MATCH (:Entity {name: 'Ada'})-[r:RELATES_TO]->() RETURN r.fact"), "Ada wrote for the engine")
        [fact] = await self.graphiti.search("who wrote for the engine", group_ids=["g"], num_results=5)
        self.assertEqual(fact.fact, "Ada wrote for the engine")
        found = await self.graphiti.search_("Ada engine", config=COMBINED_HYBRID_SEARCH_RRF, group_ids=["g"])
        self.assertEqual({node.name for node in found.nodes}, {"Ada", "Engine"})
        self.assertEqual([episode.name for episode in found.episodes], ["first"])
        found = await self.graphiti.search_("Ada engine", config=NODE_HYBRID_SEARCH_MMR, group_ids=["g"])
        self.assertEqual(len(found.nodes), 2)
        center = next(node.uuid for node in result.nodes if node.name == "Ada")
        found = await self.graphiti.search_(
            "engine", config=EDGE_HYBRID_SEARCH_NODE_DISTANCE, group_ids=["g"], center_node_uuid=center
        )
        self.assertEqual(len(found.edges), 1)

    async def test_episodes_are_retrieved_and_removed(self):
        result = await self.graphiti.add_episode("first", "Ada", "a test", NOW, source=EpisodeType.text, group_id="g")
        [episode] = await self.graphiti.retrieve_episodes(datetime.now(timezone.utc), 5, group_ids=["g"])
        self.assertEqual((episode.name, episode.valid_at), ("first", NOW))
        both = await self.graphiti.get_nodes_and_edges_by_episode([episode.uuid])
        self.assertEqual((len(both.nodes), len(both.edges)), (2, 1))
        await self.graphiti.remove_episode(result.episode.uuid)
        self.assertEqual(self.one("MATCH (n) RETURN count(n)"), 0)

    async def test_a_fact_is_added_by_hand(self):
        ada = EntityNode(name="Ada", group_id="g", created_at=NOW, labels=["Person"], attributes={"born": 1815})
        engine = EntityNode(name="Engine", group_id="g", created_at=NOW)
        edge = EntityEdge(
            group_id="g", source_node_uuid=ada.uuid, target_node_uuid=engine.uuid, name="USED", fact="Ada used it",
            created_at=NOW,
        )
        await self.graphiti.add_triplet(ada, edge, engine)
        driver = self.graphiti.driver
        [found] = await EntityNode.get_by_group_ids(driver, ["g"], limit=1)
        self.assertIn(found.name, {"Ada", "Engine"})
        [again] = await EntityEdge.get_between_nodes(driver, ada.uuid, engine.uuid)
        self.assertEqual((again.fact, again.created_at), ("Ada used it", NOW))
        await again.load_fact_embedding(driver)
        self.assertEqual(len(again.fact_embedding), sheaf.DIMENSIONS)
        await found.delete(driver)
        self.assertEqual(self.one("MATCH ()-[r:RELATES_TO]->() RETURN count(r)"), 0)

    async def test_nodes_are_saved_read_and_cleared(self):
        episode = EpisodicNode(
            name="e", group_id="h", source=EpisodeType.json, source_description="s", content="{}", created_at=NOW,
            valid_at=NOW,
        )
        await episode.save(self.graphiti.driver)
        self.assertEqual((await EpisodicNode.get_by_uuid(self.graphiti.driver, episode.uuid)).content, "{}")
        await EpisodicNode.delete_by_group_id(self.graphiti.driver, "h")
        await clear_data(self.graphiti.driver)
        self.assertEqual(self.one("MATCH (n) RETURN count(n)"), 0)

    async def test_communities_are_built(self):
        await self.graphiti.add_episode("first", "Ada", "a test", NOW, source=EpisodeType.text, group_id="g")
        clusters = await self.graphiti.driver.graph_ops.get_community_clusters(self.graphiti.driver, ["g"])
        self.assertEqual([len(cluster) for cluster in clusters], [2])


if __name__ == "__main__":
    unittest.main()
