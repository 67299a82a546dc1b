"""The faults, by name."""

from load.chaos.faults import kafka, postgres, records, redis, rules, workers
from load.chaos.faults.fault import Act, Fault, Harm

__all__ = ["FAULTS", "Act", "Fault", "Harm"]

FAULTS = (
    Fault("kill_worker", (1,), workers.kill_worker),
    Fault("kill_all_workers", (2,), workers.kill_all_workers),
    Fault("stop_worker", (3,), workers.stop_worker),
    Fault("terminate_worker", (4,), workers.terminate_worker),
    Fault("starve_worker", (26,), workers.starve_worker),
    Fault("add_worker", (27,), workers.add_worker),
    Fault("storm_rebalances", (27,), workers.storm_rebalances),
    Fault("kill_kafka", (6,), kafka.kill_kafka),
    Fault("stop_kafka", (5,), kafka.stop_kafka),
    Fault("starve_kafka", (5,), kafka.starve_kafka),
    Fault("restart_kafka", (6,), kafka.restart_kafka),
    Fault("kill_redis", (8,), redis.kill_redis),
    Fault("stop_redis", (11,), redis.stop_redis),
    Fault("starve_redis", (11,), redis.starve_redis),
    Fault("restart_redis", (8,), redis.restart_redis),
    Fault("wipe_redis", (10,), redis.wipe_redis),
    Fault("cut_redis", (9,), redis.cut_redis),
    Fault("fill_redis", (12,), redis.fill_redis),
    Fault("kill_postgres", (13,), postgres.kill_postgres),
    Fault("stop_postgres", (13,), postgres.stop_postgres),
    Fault("starve_postgres", (13,), postgres.starve_postgres),
    Fault("restart_postgres", (13,), postgres.restart_postgres),
    Fault("refuse_writes", (15,), postgres.refuse_writes),
    Fault("lock_progress", (16,), postgres.lock_progress),
    Fault("end_sessions", (14,), postgres.end_sessions),
    Fault("cut_postgres", (14, 32), postgres.cut_postgres),
    Fault("delay_postgres", (32,), postgres.delay_postgres),
    Fault("silence_postgres", (32,), postgres.silence_postgres),
    Fault("throttle_postgres", (32,), postgres.throttle_postgres),
    Fault("cut_redis_connections", (32,), redis.cut_redis_connections),
    Fault("silence_redis", (32,), redis.silence_redis),
    Fault("change_split", (19,), rules.change_split),
    Fault("change_policy", (19,), rules.change_policy),
    Fault("send_poison", (20, 22), records.send_poison),
    Fault("flood_poison", (21,), records.flood_poison),
    Fault("send_oversized", (28,), records.send_oversized),
    Fault("send_again", (24,), records.send_again),
    Fault("send_conflicts", (25,), records.send_conflicts),
)
