"""Consume what `kraken-tui publish` writes into Kafka. Try: python examples/kafka_consumer.py --demo

The demo starts the mock cluster of the Kafka client and a publisher of the simulated exchange. A program in Python may
rather take `KrakenClient(..., kafka="HOST:PORT")`, which proves every book again (docs/KAFKA.md).
"""

import argparse
import json
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import Any

try:
    from confluent_kafka import Consumer, Producer, TopicPartition
except ImportError:
    raise SystemExit("this needs the package confluent-kafka; pip install 'kraken-tui[kafka]'") from None

options = argparse.ArgumentParser(description=__doc__)
options.add_argument("pairs", nargs="*", default=["BTC/USD", "ETH/USD"])
options.add_argument("--demo", action="store_true", help="publish the simulated exchange into a mock cluster")
options.add_argument("--kafka", default="127.0.0.1:9092", help="brokers")
options.add_argument("--count", type=int, default=20, help="stop after so many lines")
options.add_argument("--topics", default="kraken.book,kraken.trade")
chosen = options.parse_args()

with ExitStack() as running:
    brokers = chosen.kafka
    if chosen.demo:
        cluster = Producer({"bootstrap.servers": "x:1", "test.mock.num.brokers": 1, "log_level": 0})
        found = cluster.list_topics(timeout=10).brokers.values()
        brokers = ",".join(f"{broker.host}:{broker.port}" for broker in found)
        command = [sys.executable, "-m", "kraken_tui", "publish", "--demo", "--kafka", brokers, *chosen.pairs]
        publisher = running.enter_context(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        running.callback(publisher.terminate)

    topics, until = chosen.topics.split(","), time.monotonic() + 30
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "kraken-example", "log_level": 0})
    running.callback(consumer.close)
    # Its own assignment of every partition from the beginning; `subscribe` would share them within a group.
    known = consumer.list_topics(timeout=10).topics
    while not all(topic in known and known[topic].partitions for topic in topics):
        if time.monotonic() > until:
            raise SystemExit(f"{brokers} has no topics {', '.join(topics)}; is a publisher running?")
        time.sleep(0.2)
        known = consumer.list_topics(timeout=10).topics
    consumer.assign([TopicPartition(topic, number, 0) for topic in topics for number in known[topic].partitions])

    lines, last, lost = 0, dict[object, int](), 0
    while lines < chosen.count and time.monotonic() < until:
        message = consumer.poll(1.0)
        if message is None or message.error():
            continue
        line, headers = json.loads(message.value() or b""), dict[Any, Any](message.headers() or ())
        # `seq` counts within run, topic and key: a number that is missing is a line that was lost.
        place, seq = (headers["run"], message.topic(), message.key()), int(headers["seq"])
        lost += max(0, seq - last.get(place, seq - 1) - 1)
        last[place] = seq
        if line.get("live") is False:
            continue  # a trade from before the publisher's subscription
        if line["event"] == "book":
            proof = "proven" if headers["verified"] == b"1" else "UNPROVEN"
            print(f"{line['symbol']:<10} book  {line['bids'][0][0]:>12} {line['asks'][0][0]:>12} {proof}")
        elif line["event"] == "trade":
            print(f"{line['symbol']:<10} trade {line['price']:>12} {line['qty']:>14} {line['side']}")
        else:
            continue  # proofs, snapshots fetched again: docs/KAFKA.md lists them
        lines += 1
    print(f"{lines} lines, {lost} lost")
