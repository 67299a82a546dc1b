"""Stock Faust, event by event."""

from typing import Any

from load.peers.event_job import EventJob
from load.peers.means import Record
from load.peers.tools.faust_app import alerts, app, transactions

job = EventJob.of_this_process()


@app.agent(transactions)
async def decide(stream: Any) -> None:
    async for event in stream.events():
        message = event.message
        for alert in job.do(Record(message.partition, message.offset, event.value)):
            await alerts.send(key=alert.key, value=alert.value)


if __name__ == "__main__":
    app.main()
