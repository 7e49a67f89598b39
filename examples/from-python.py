"""Brings a fleet up and takes it down again from Python, with Temporal's own client and nothing of Muster's.

    pip install -r examples/requirements.txt          # or temporalio alone
    python examples/from-python.py [NAME]

Needs Temporal and a worker (`muster sandbox` and `muster worker`, or your own). docs/library.md has what is sent and
what comes back.
"""

import asyncio
import os
import sys

from temporalio.client import Client, WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError

TASK_QUEUE = os.environ.get("MUSTER_TASK_QUEUE", "muster")


def spec_of(name: str) -> dict:
    return {
        "name": name,
        "region": "us-east-1",
        "policy": {"allow": {"actions": ["s3:Get*", "s3:List*"], "resources": "*"}},
        "instances": {"count": 2, "image": "ami-12c6146b", "type": "t3.micro"},
    }


async def up(client: Client, name: str) -> dict:
    # Whoever asks for the same again meets the run that is under way.
    return await client.execute_workflow(
        "fleetFromSpec",
        {"spec": spec_of(name)},
        id=f"up:{name.lower()}",
        task_queue=TASK_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )


async def down(client: Client, fleet: str, region: str) -> dict:
    # All that changes a fleet has this id: Temporal keeps it apart from a run that makes the fleet, or keeps it.
    return await client.execute_workflow(
        "teardownFleet",
        {"fleet": fleet, "region": region},
        id=f"fleet:{fleet.lower()}",
        task_queue=TASK_QUEUE,
    )


async def main(name: str) -> int:
    client = await Client.connect(
        os.environ.get("TEMPORAL_ADDRESS", "localhost:7233"),
        namespace=os.environ.get("TEMPORAL_NAMESPACE", "default"),
    )
    try:
        report = await up(client, name)
    except WorkflowFailureError as failure:
        return tell(failure.cause)
    for instance in report["instances"]:
        print(f"{instance['id']} at {instance['privateIp']} has the role {report['role']['arn']}")
    gone = await down(client, report["fleet"], report["region"])
    print(f"taken down again: {gone['state']}")
    return 0


def tell(cause: BaseException) -> int:
    """What has become of the request: its mistakes, or why there is no fleet and what is left."""
    if not isinstance(cause, ApplicationError):
        print(f"no fleet: {cause}", file=sys.stderr)
        return 1
    if cause.type == "SpecMistakes":
        for mistake in cause.details[0]:
            print(f"{mistake['path']}: {mistake['message']}; {mistake['mend']}", file=sys.stderr)
        return 2
    print(f"{cause.type}: {cause.message}", file=sys.stderr)
    if cause.type == "FleetFailed":
        for left in cause.details[0]["leftovers"]:
            print(f"left: {left['kind']} {left['id']}: {left['command']}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    code = asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "from-python"))
    # The client's threads can abort an interpreter that ends under them (temporalio/sdk-python #300): a script as short as
    # this one leaves without that.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
