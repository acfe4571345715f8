"""Transcript files: every dialect that is read, and every one that is written."""

from mina_api.transcripts.formats.dialects import EXPORTS, IMPORTS, Export, export, parse

__all__ = ["EXPORTS", "IMPORTS", "Export", "export", "parse"]
