"""What sessions stated and the memory does not say, the same statement of several as one."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from dreamkeep_server.dream import words
from dreamkeep_server.dream.candidate import Candidate, Repeated, Stated
from dreamkeep_server.dream.said import Said
from dreamkeep_server.dream.statements import Statement, find_statements
from dreamkeep_store.models import Material, Transcript


def find_stated(material: Material, said: Sequence[Said]) -> Iterator[Candidate]:
    """Yield what sessions stated and the memory does not say, the same statement of several as one."""
    if not material.transcripts:
        return
    live = {words.same_words(one.as_one.content) for one in said}
    found: defaultdict[str, dict[str, tuple[Statement, Transcript]]] = defaultdict(dict)
    for transcript in sorted(material.transcripts, key=lambda transcript: transcript.session.session_id):
        for statement in find_statements(transcript):
            key = words.same_words(statement.content)
            if key and key not in live:
                found[key].setdefault(transcript.session.session_id, (statement, transcript))
    for key in sorted(found):
        by_time = sorted(found[key].values(), key=lambda stated: (stated[0].asserted_at, stated[1].session.session_id))
        if len(by_time) > 1:
            yield Repeated(
                statements=tuple(statement for statement, _ in by_time),
                transcripts=tuple(transcript for _, transcript in by_time),
            )
        else:
            yield Stated(statement=by_time[0][0], transcript=by_time[0][1])
