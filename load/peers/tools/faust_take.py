"""Stock Faust, in batches: `take`, in the form that tells partitions and offsets."""

from typing import Any

from load.peers.batch_job import BatchJob
from load.peers.means import Record
from load.peers.tools.faust_app import alerts, app, transactions

BATCH = 500
WITHIN_S = 0.05
job = BatchJob.of_this_process()


@app.agent(transactions)
async def decide(stream: Any) -> None:
    async for events in stream.take_events(BATCH, within=WITHIN_S):
        records = [Record(each.message.partition, each.message.offset, each.value) for each in events]
        for alert in job.do(records):
            await alerts.send(key=alert.key, value=alert.value)


if __name__ == "__main__":
    app.main()
