"""Equal words of many events as one object: nearly all that an annotation says, others said before.

Of the memory that an annotation takes, more than a third is such words; what is one object is also compared and looked up
faster.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Final

from msgspec.structs import force_setattr

from streams.events import Annotation, Event

MOST_WORDS: Final = 50_000
MOST_TEXT: Final = 64 << 20
"""With more words than this, or after messages of so many bytes, a `Words` begins anew: so memory stays bounded whatever is
sent."""


class Words:
    """The words of the annotations seen so far.

    >>> from streams.parsing import Parser
    >>> said = b'{"type":"annotation","id":"%s","source":"s","time":"2026-01-05T09:00:00Z","project":"p",'
    >>> said += b'"item":"i","annotator":"ann","label":"yes"}'
    >>> one, other = (Parser().parse_event(said % name) for name in (b"e1", b"e2"))
    >>> one.annotator is other.annotator
    False
    >>> Words().share([one, other], 400)
    >>> one.annotator is other.annotator
    True
    """

    __slots__ = ("_known", "_text")

    def __init__(self) -> None:
        self._known: dict[Hashable, object] = {}
        self._text = 0

    def share(self, events: Iterable[Event], size: int) -> None:
        """Let the annotations among these events, of so many bytes, have one object for equal words; all else stays as it is."""
        self._text += size
        if len(self._known) > MOST_WORDS or self._text > MOST_TEXT:
            self._known.clear()
            self._text = size
        same, put = self._known.setdefault, force_setattr
        for event in events:
            # Field by field: a loop over their names would cost more than is gained.
            if event.__class__ is Annotation:
                word = event.project
                put(event, "project", same(word, word))
                word = event.annotator
                put(event, "annotator", same(word, word))
                word = event.source
                put(event, "source", same(word, word))
                label = event.label
                if label.__class__ is str:
                    put(event, "label", same(label, label))
                named = event.batch
                if named is not None:
                    put(event, "batch", same(named, named))
                named = event.vendor
                if named is not None:
                    put(event, "vendor", same(named, named))
                named = event.guideline
                if named is not None:
                    put(event, "guideline", same(named, named))
                values = event.slice
                if values:
                    # Numbers may be equal and yet be spelled differently.
                    for value in values.values():
                        if value.__class__ is not str:
                            break
                    else:
                        put(event, "slice", same((*values.items(),), values))
