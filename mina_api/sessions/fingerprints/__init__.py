"""Fingerprints of audio: what was heard before is known again, so that it is transcribed once."""
