"""`python pipeline.py --form delta --into FOLDER`: a Harvest account copied by dlt.

A pipeline as a competent user writes it with dlt's own `rest_api` source: declared resources, links followed, changes
by `updated_since`, children by their parents. Address and token come from the variables that `harvest-lake` takes,
settings of dlt from those of dlt.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import dlt
from dlt.common.runtime import run_context
from dlt.sources.rest_api import RESTAPIConfig, rest_api_source
from streams import BEGINNING, CHILDREN, LISTINGS

def config(form: str) -> RESTAPIConfig:
    """Declaration of the account. Parquet files can only be appended to or replaced; Delta tables are merged by key."""
    upsert = {"disposition": "merge", "strategy": "upsert"}
    changing = upsert if form == "delta" else "append"
    resources = []
    for name in LISTINGS:
        resources.append({
            "name": name,
            "primary_key": "id",
            "write_disposition": changing,
            "endpoint": {
                "path": name,
                "data_selector": name,
                "params": {"updated_since": "{incremental.start_value}"},
                "incremental": {"cursor_path": "updated_at", "initial_value": BEGINNING},
            },
        })
    for name, parent, path, records in CHILDREN:
        # A user may be the teammate of several managers.
        key = ["_users_id", "id"] if name == "user_teammates" else "id"
        resources.append({
            "name": name,
            "primary_key": key,
            "write_disposition": changing,
            "include_from_parent": ["id"],
            "parallelized": True,
            "endpoint": {
                "path": f"{parent}/{{resources.{parent}.id}}/{path}",
                "data_selector": records,
                # Harvest refuses the teammates of a user who is no manager.
                "response_actions": [{"status_code": 422, "action": "ignore"}],
            },
        })
    resources.append({
        "name": "company",
        "write_disposition": "replace",
        "endpoint": {"path": "company", "data_selector": "$", "paginator": "single_page"},
    })
    resources.append({"name": "roles", "primary_key": "id", "write_disposition": "replace"})
    for resource in resources:
        if form == "delta":
            resource["table_format"] = "delta"
    return {
        "client": {
            "base_url": os.environ["HARVEST_BASE_URL"] + "/",
            "auth": {"type": "bearer", "token": os.environ["HARVEST_ACCESS_TOKEN"]},
            "headers": {
                "Harvest-Account-Id": os.environ["HARVEST_ACCOUNT_ID"],
                "User-Agent": "comparison (owner@example.com)",
            },
            "paginator": {"type": "json_link", "next_url_path": "links.next"},
        },
        "resource_defaults": {"endpoint": {"params": {"per_page": 2000}}},
        "resources": resources,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--form", choices=["delta", "parquet"], required=True)
    parser.add_argument("--into", type=Path, required=True)
    # 0: nested objects and lists stay JSON text in one column. 1 makes columns and tables of them, for a sixth more
    # processor time.
    parser.add_argument("--nesting", type=int, default=0)
    arguments = parser.parse_args()
    # dlt writes an anonymous id below the user's home or /var, even if it sends nothing.
    run_context.active()._global_dir = str(arguments.into / "global")
    pipeline = dlt.pipeline(
        pipeline_name="harvest",
        pipelines_dir=str(arguments.into / "working"),
        destination=dlt.destinations.filesystem(bucket_url=(arguments.into / "tables").resolve().as_uri()),
        dataset_name="harvest",
    )
    source = rest_api_source(
        config(arguments.form), name="harvest", max_table_nesting=arguments.nesting, parallelized=True
    )
    print(pipeline.run(source, loader_file_format="parquet"))


if __name__ == "__main__":
    main()
