"""Reading the transcripts of other programs; recognising facts in them is not done here."""

from dreamkeep_server.dream.transcripts.reading import Parsed, read_transcript

__all__ = ["Parsed", "read_transcript"]
