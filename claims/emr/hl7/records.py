"""Everything that the messages of one visit say about it as a whole, as one record with configured places."""

from claims.emr.encounter import Coding
from claims.emr.hl7.lines import Context
from claims.emr.hl7.message import Message, Segment
from claims.emr.hl7.places import Fields, Found
from claims.emr.hl7.results import latest_observations
from claims.emr.hl7.values import NO_CODE, Coded
from claims.emr.hl7.visits import VisitMessages, facility_code


class Record:
    """The segments of one visit, in which an admission message (ADT) has the word over any other.

    Attributes:
        visit: The messages as they were sorted.
        context: Options and notes.
        admissions: The admission messages, in order of time.
        messages: All messages: the others first, so that the last word is an admission's.
        fields: Every segment, the last of a name deciding.
    """

    __slots__ = ("_observations", "admissions", "context", "fields", "messages", "visit")

    def __init__(self, visit: VisitMessages, context: Context) -> None:
        self.visit = visit
        self.context = context
        self.admissions = visit.admissions
        others = [message for message in visit.messages if not message.is_admission]
        self.messages: list[Message] = [*others, *self.admissions]
        self.fields = Fields(segment for message in self.messages for segment in message.segments)
        self._observations = latest_observations(self.messages)

    def observed(self, name: str) -> Segment | None:
        """Return the latest observation of the visit that the options call by a name, such as its weight."""
        codes = self.context.options.observations.get(name, ())
        return next((found for code in codes if (found := self._observations.get(code))), None)

    def place(self, name: str) -> Found:
        """Return what stands at a configured place."""
        return self.fields.find(self.context.options.places.get(name, ()))

    def text(self, name: str) -> str | None:
        """Return the text at a configured place, or None."""
        return self.place(name).text or None

    def facility(self, text: str) -> Coded:
        """Return the facility that a text names; a code that the options do not know has to be mapped."""
        if known := facility_code(text, self.context.options):
            return Coded(known, "", ())
        return Coded(text, "", (Coding(code=text),)) if text else NO_CODE
