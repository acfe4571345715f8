"""A response cache that is never older than the last acknowledged write; usable in any asyncio program.

The core imports no web framework, no driver and nothing else of Mina; `redis_tier` alone knows Redis and
`fastapi` alone knows FastAPI.
"""
