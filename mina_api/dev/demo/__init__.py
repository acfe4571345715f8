"""A workspace worth looking at: a believable year of meetings, the same for the same seed.

Everybody and everything in it is made up; its rhythm (silence, overlap, shares of talk) follows real meetings.
"""

from mina_api.dev.demo.seed import DEMO_EMAIL, DEMO_PASSWORD, Progress, fill, seed_demo

__all__ = ["DEMO_EMAIL", "DEMO_PASSWORD", "Progress", "fill", "seed_demo"]
