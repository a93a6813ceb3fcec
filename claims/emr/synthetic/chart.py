"""The chart of a synthetic encounter: what is written down while somebody is treated."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Final

from claims.emr.synthetic.care import ACTS, DRUGS, SUPPLIES, Act, Illness
from claims.emr.synthetic.people import Person, happens

Item = dict[str, object]

#: The numbers below it are those of a facility's doctors.
DOCTORS: Final = 60
_OWN_COST_SHARE: Final = 0.02
_OTHER_SOURCE_SHARE: Final = 0.005


@dataclass(slots=True)
class Chart:
    """An encounter in the making: who is treated by whom, and what has been written down.

    Attributes:
        place: Its place among all encounters; who does what was ordered, and the bed, are its own, so that
            nobody is with two patients at a time.
    """

    random: Random
    place: int
    facility: str
    department: str
    doctor: str
    person: Person
    illness: Illness
    admitted: datetime
    discharged: datetime
    medications: list[Item] = field(default_factory=list)
    services: list[Item] = field(default_factory=list)
    results: list[Item] = field(default_factory=list)
    notes: list[Item] = field(default_factory=list)

    @property
    def performer(self) -> str:
        """The code of whoever does what the doctor ordered."""
        return f"{self.facility}{DOCTORS + self.place % (100_000 - DOCTORS):05d}"

    def within(self, at: datetime) -> datetime:
        """Move a time into the stay."""
        return min(max(at, self.admitted), self.discharged)

    def medicine(self, key: str, ordered: datetime, *, days: int) -> None:
        """Write down a medicine for some days."""
        random, drug = self.random, DRUGS[key]
        is_own_cost = happens(random, _OWN_COST_SHARE)
        is_countable = drug.unit in {"Viên", "Gói", "Ống"}
        quantity = drug.per_day * days if is_countable or days == 1 else 1
        ordered = self.within(ordered)
        self.medications.append(
            {
                "code": drug.code,
                "name": drug.name,
                "unit": drug.unit,
                "strength": drug.strength,
                "form": drug.form,
                "route": drug.route,
                "dose": f"{drug.per_day / 2:g} {drug.unit}/lần * 2 lần/ngày * {days} ngày",
                "how": "Uống sau ăn" if drug.route == "1.01" else None,
                "registration": f"VD-{10000 + sum(map(ord, key)) * 7 % 25000}-{18 + len(key) % 6}",
                "tender": f"{100 + len(drug.name)}/QĐ-SYT;G1;N{1 + len(key) % 4};{self.discharged.year - 1}",
                "quantity": str(quantity),
                "price": drug.price,
                "pay_percent": drug.pay_percent,
                "scope": "2" if is_own_cost else "1",
                "source": "1",
                "other_sources": {random.choice(("nsnn", "vttn", "cl")): "100"}
                if happens(random, _OTHER_SOURCE_SHARE)
                else {},
                "ordered": iso(ordered),
                "given": iso(self.within(ordered + timedelta(minutes=random.randrange(5, 40)))),
                "prescriber": self.doctor,
                "department": self.department,
                "for_service": None,
            }
        )

    def act(self, key: str, ordered: datetime, *, percent: int = 100) -> None:
        """Write down a service with its results; of a second exam in a day only a percent is paid."""
        random, act = self.random, ACTS[key]
        ordered = self._free_minute(act, self.within(ordered))
        performed = self.within(ordered + timedelta(minutes=random.randrange(3, 20)))
        finished = self.within(performed + timedelta(minutes=random.randrange(20, 70)))
        order_id = f"OD{len(self.services) + 1}"
        is_instrumental = act.kind in {"test", "imaging", "function"}
        is_exam = act.kind == "exam"
        self.services.append(
            {
                "kind": act.kind,
                "code": act.code,
                "name": act.name,
                "unit": "Lần",
                "quantity": "1",
                "hospital_price": act.price,
                "insured_price": act.price,
                "service_percent": percent,
                "pay_percent": 100,
                "scope": "1",
                "ordered": iso(ordered),
                "performed": iso(performed),
                "result": iso(performed if is_exam else finished),
                "orderer": self.doctor,
                "performers": [self.doctor if is_exam else self.performer],
                "department": self.department,
                "diagnosis": self.illness.code,
                "anesthesia": "1" if act.kind == "surgery" else None,
                "machine": f"{act.kind[:2].upper()}.1.{self.facility}.{len(key):04d}"
                if is_instrumental
                else None,
                "order_id": order_id,
            }
        )
        if is_instrumental:
            self.results.extend(self._findings(act, order_id=order_id, at=finished))

    def _free_minute(self, act: Act, ordered: datetime) -> datetime:
        """Return the last minute up to a time in which a service was not ordered yet."""
        taken = {one["ordered"] for one in self.services if one["code"] == act.code}
        while iso(ordered) in taken:
            ordered -= timedelta(minutes=1)
        return ordered

    def _findings(self, act: Act, *, order_id: str, at: datetime) -> Iterator[Item]:
        random = self.random
        for index in act.measures:
            value = f"{random.uniform(index.low, index.high):.{index.decimals}f}"
            yield {
                "order_id": order_id,
                "service": act.code,
                "index": index.index,
                "name": index.name,
                "value": value,
                "unit": index.unit,
                "at": iso(at),
                "reader": self.doctor,
            }
        if not act.measures:
            conclusion = act.conclusion or random.choice(("Âm tính", "Dương tính"))
            yield {
                "order_id": order_id,
                "service": act.code,
                "name": act.name,
                "description": act.description or conclusion,
                "conclusion": conclusion,
                "at": iso(at),
                "reader": self.doctor,
            }

    def bed(self, at: datetime, key: str) -> None:
        """Write down a day in a bed."""
        act = ACTS[key]
        at = self.within(at)
        self.services.append(
            {
                "kind": "bed",
                "code": act.code,
                "name": act.name,
                "unit": "Ngày",
                "quantity": "1",
                "hospital_price": act.price,
                "insured_price": act.price,
                "ordered": iso(at),
                "performed": iso(at),
                "result": iso(self.within(at + timedelta(hours=16))),
                "orderer": self.doctor,
                "performers": [self.doctor],
                "department": self.department,
                "bed": f"H{1 + self.place % 999:03d}",
            }
        )

    def supply(self, key: str, at: datetime, *, package: str | None = None) -> None:
        """Write down a supply; goods of one use of a service share its package."""
        goods = SUPPLIES[key]
        at = self.within(at)
        self.services.append(
            {
                "kind": "supply",
                "code": goods.code,
                "name": goods.name,
                "unit": goods.unit,
                "quantity": str(goods.quantity),
                "hospital_price": goods.price,
                "insured_price": goods.price,
                "ceiling": goods.ceiling,
                "ordered": iso(at),
                "performed": iso(at),
                "result": iso(at),
                "orderer": self.doctor,
                "department": self.department,
                "supply": {
                    "package": package,
                    "reused": goods.is_reused,
                    "tender": f"{200 + len(goods.name)}/QĐ-SYT;G1;N{1 + len(key) % 6};{at.year - 1}",
                },
            }
        )

    def note(self, at: datetime, text: str, *, operation: str | None = None) -> None:
        """Write down how the patient is."""
        random = self.random
        pulse, pressure = (
            random.randrange(68, 100),
            f"{random.randrange(100, 150)}/{random.randrange(60, 92)}",
        )
        signs = f"CSST<M{pulse}_T{random.uniform(36.5, 38.5):.1f}_HA{pressure}_NT{random.randrange(16, 24)}>"
        self.notes.append(
            {
                "at": iso(self.within(at)),
                "text": f"{text}. {signs}",
                "operation": operation,
                "author": self.doctor,
            }
        )


def iso(at: datetime) -> str:
    """Write a time as the document does."""
    return at.strftime("%Y-%m-%dT%H:%M")
