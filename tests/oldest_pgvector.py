"""A pytest plugin: the tests on the oldest pgvector that the shop works with.

Loaded with `-p` behind tests.environment and before Django, by `make test-old-pgvector`.
"""

import atexit
import os

import pytest

from tests.stand_ins.old_pgvector import OLDEST, OldServer

if "OLD_PGVECTOR" not in os.environ:  # pytest-xdist's workers share the server
    server = OldServer(OLDEST)
    atexit.register(server.stop)
    os.environ["OLD_PGVECTOR"] = str(server.port)
os.environ.update(OldServer.environment_of(os.environ["OLD_PGVECTOR"]))

# The wheels with this pgvector have PostgreSQL 16, which takes no index for an order by
# distance and id (products.W015), so tests of plans and of what an index misses fail.
OF_PLANS = {
    "test_all_are_read_where_the_index_gives_too_few",
    "test_the_index_is_measured_against_the_exact_scan",
    "test_recall_falls_where_neighbours_are_missed",
    "test_each_setting_is_in_force_while_it_is_measured",
    "test_the_command_tells_and_draws",
    "test_the_json_has_the_keys_of_the_help",
    "test_the_index_is_used_unless_the_plan_is_exact",
    "test_the_index_is_taken_at_every_size",
    "test_without_the_planner_a_filter_loses_most_products",
    "test_the_pages_queries_use_their_indexes",
    "test_half_precision_is_compared_and_then_used",
    "test_each_request_asks_on_where_the_time_ended_before",
    "test_the_exact_answers_are_remembered",
    "test_measuring_leaves_no_setting_behind",
}
# PostgreSQL 16 has no pg_column_toast_chunk_id().
OF_STORAGE = {"test_a_vector_is_stored_in_the_row_however_long_its_text"}
# With this pgvector a build takes no second process (products.W013).
OF_WORKERS = {"test_a_build_uses_the_options_of_its_session_only"}


def pytest_collection_modifyitems(items):
    for item in items:
        name = getattr(item, "originalname", item.name)
        if name in OF_PLANS:
            item.add_marker(pytest.mark.skip("PostgreSQL 16 never reads the index"))
        elif name in OF_STORAGE:
            item.add_marker(
                pytest.mark.skip("PostgreSQL 16 does not say where a value is stored")
            )
        elif name in OF_WORKERS:
            item.add_marker(pytest.mark.skip("pgvector 0.8.0 builds with one process"))
