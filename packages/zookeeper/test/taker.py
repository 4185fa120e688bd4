"""A lock of kazoo's, for a test: takes orders in lines and says in lines what came of them.

    python3 taker.py <port> <path> <Lock|WriteLock|ReadLock> [<file to count in>]
"""
import logging
import sys

from kazoo.client import KazooClient

logging.basicConfig(level=logging.CRITICAL)
port, path, kind = sys.argv[1:4]
client = KazooClient(hosts="127.0.0.1:" + port, timeout=5)
client.start()
lock = getattr(client, kind)(path, "python")
print("ready", flush=True)

for line in sys.stdin:
    order, *rest = line.split()
    if order == "acquire":
        lock.acquire()
        print("acquired", flush=True)
    elif order == "try":
        print("acquired" if lock.acquire(blocking=False) else "busy", flush=True)
    elif order == "release":
        lock.release()
        print("released", flush=True)
    elif order == "contenders":
        print("contenders", "|".join(lock.contenders()), flush=True)
    elif order == "count":
        file, turns = rest[0], int(rest[1])
        for _ in range(turns):
            with lock:
                with open(file) as reader:
                    number = int(reader.read())
                with open(file, "w") as writer:
                    writer.write(str(number + 1))
        print("counted", flush=True)
client.stop()
