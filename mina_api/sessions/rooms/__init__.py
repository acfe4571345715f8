"""Rooms: every listener of a session hears every final segment once and in order, whichever worker it came to."""

from mina_api.sessions.rooms.listener import Closing, Listener
from mina_api.sessions.rooms.room import Cursor, Room
from mina_api.sessions.rooms.rooms import Rooms

__all__ = ["Closing", "Cursor", "Listener", "Room", "Rooms"]
