"""A process killed at random moments: nothing is lost, nothing is counted twice."""

import multiprocessing
import os
import random
import signal

from tests.support.hosts import crash_app

ROUNDS = 12
DEADLINE_SECONDS = 120


def test_orchestrations_survive_sigkill_at_any_moment(path):
    seed = random.randrange(2**32)
    print("seed", seed)
    moments = random.Random(seed)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.hosts.crash_app"])
    kills = 0
    outputs = None
    while outputs is None:
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=crash_app.run, args=(str(path), sender))
        process.start()
        sender.close()
        assert receiver.poll(DEADLINE_SECONDS), "the engine did not start"
        assert receiver.recv() == process.pid
        patience = moments.uniform(0.0, 0.06) if kills < ROUNDS else DEADLINE_SECONDS
        if receiver.poll(patience):
            outputs = receiver.recv()
        else:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.join(DEADLINE_SECONDS)
        receiver.close()
        assert kills <= ROUNDS, "it did not come to its end"
    print("kills", kills)
    assert kills > 0
    assert outputs == crash_app.EXPECTED
