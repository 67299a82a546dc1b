"""The view on Redis: histories and watermarks, rebuildable from the ledger."""

from streams.view.redis_view import RedisView

__all__ = ["RedisView"]
