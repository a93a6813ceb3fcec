"""Writes the reference pages that follow from the code; ``--check`` says whether they are current."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import pairwise
from pathlib import Path

from claims.api.problems import every_kind
from claims.bundle.codes import list_codes
from claims.bundle.findings import Severity
from claims.bundle.messages import find_message, load_messages, unfilled
from claims.catalogues.columns import MAPS_FOLDER, WITHOUT_MAP, list_specs, map_spec
from claims.catalogues.items import Kind
from claims.catalogues.problems import load_sentences
from claims.catalogues.template import describe_columns
from claims.checking.rules.book import load_rules
from claims.checking.rules.rule import Group, Rule
from claims.emr.schema import encounter_schema
from claims.exchange.access.places import PlaceKind
from claims.exchange.access.policy import About, Policy, Role
from claims.exchange.access.policy import load_policy as load_rights
from claims.exchange.lifecycle import HAND_IN_AGAIN_WITHIN, PENDING, REPLAYABLE, TRANSITIONS, Level, State
from claims.runtime.settings import PREFIX, Settings
from tests.unit.signing.attacks.all import FAMILIES
from xsd.catalog import Field, TableSchema, default_catalog

_LONGEST_CHANGE = 80
FOLDER = Path(__file__).parent / "reference"
NOTE = "<!-- Written by docs/generate.py; change the code instead. -->\n"


def problems() -> str:
    """Return the page of every problem the API answers."""
    lines = [
        "# Problems\n",
        NOTE,
        "Every answer that is not a success is an RFC 9457 document of type `application/problem+json`. `code` is stable; "
        "`title` and `detail` are for people and may change. `request_id` finds the request in the service's log. When "
        "`retryable` is true, the same request may succeed later, and `Retry-After` says when to try.\n",
        "| code | status | title | retryable |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f'| <a id="{kind.code}"></a>`{kind.code}` | {kind.status} | {kind.title} '
        f"| {'yes' if kind.retryable else 'no'} |"
        for kind in every_kind()
    ]
    return "\n".join(lines) + "\n"


def lifecycle() -> str:
    """Return the page that draws the life cycle."""
    arrows = [
        f"    {current.value} --> {target.value}"
        + (" : replay" if current in REPLAYABLE and target in PENDING else "")
        + (" : the same bytes again" if current is State.WITHDRAWN else "")
        for current in State
        for target in sorted(TRANSITIONS[current])
    ]
    resting = [
        f"    {state.value} --> [*]" for state in State if state not in PENDING and state not in REPLAYABLE
    ]
    return (
        "\n".join(
            [
                "# The life of a submission\n",
                NOTE,
                "```mermaid",
                "stateDiagram-v2",
                "    [*] --> received",
                *arrows,
                *resting,
                "```\n",
                "* **received** (L1): the bytes are durable; a check is due.",
                "* **checked** (L2): signature, schema and cross-checks passed; sending is due, now or at `next_attempt_at`.",
                "* **rejected**: a check found something that blocks; `cause` is the gravest finding's code.",
                "* **sending**: a worker holds a lease and talks to the gateway. A lease that runs out leads to outcome_unknown.",
                "* **outcome_unknown**: the gateway may have taken it. It is asked by SHA-256 before anything is sent again.",
                "* **acknowledged** (L3): the gateway gave its transaction number. Final; a replay is refused.",
                "* **refused**: the gateway's own verdict; trying again does not help until somebody acts.",
                "* **failed**: attempts are used up, or the check took its worker down three times.",
                "* **superseded**: a later version of its claims passed its check before the gateway took this one.",
                "* **withdrawn**: its facility took it back (`POST /v1/submissions/{id}/withdrawal`, `claims withdraw`). "
                "Until the gateway has it nothing is final: handing in the same bytes again within "
                f"{HAND_IN_AGAIN_WITHIN.days} days takes the withdrawal back ([decision "
                "23](../decisions/0023-withdrawn-bytes-come-again.md)).\n",
                "## Versions of a claim\n",
                "The same `MA_LK` of the same facility with other content is a later version. Once it has passed its check, earlier "
                "versions that the gateway does not have are superseded and never sent; one that the gateway may have is waited for, "
                "so that versions reach it in the order of receipt; one that it has stays acknowledged and names, when the later one "
                "is acknowledged too, what took its place (`superseded_by`). A bundle of several claims gives way only to one that "
                "has them all.\n",
                "What may follow depends on whether the gateway has the claim:\n",
                "| the gateway | resend | replace | take back |",
                "| --- | --- | --- | --- |",
                "| surely does not have it (received, checked, rejected, refused, failed) | replay | a later version | withdraw |",
                "| may have it (sending, outcome_unknown, failed after doubt) | by itself, after asking | a later version, "
                "which waits | not before it is known |",
                "| has it (acknowledged) | never | a later version | a later version with `MA_DOITUONG_KCB` 8 |",
                "| will not get it (superseded) | never: the same bytes are the same submission | another bundle | – |",
                f"| will not get it (withdrawn) | the same bytes, handed in again within {HAND_IN_AGAIN_WITHIN.days} days "
                "| a later version | – |\n",
                "`GET /v1/submissions/{id}/options` says it of one submission, with the last day in time: seven working days after "
                "discharge and before the 5th of the next month (Circular 48/2017), two working days after a refusal (Circular "
                "12/2026). A correction of what the gateway has, after its day, wants a reason (`needs_reason`): the header "
                "`Correction-Reason`, kept in the history of the later version; without it its check finds `VERSION.LATE`, "
                "which the [check policy](../guides/checking.md) may make a rejection.\n",
                "Every change writes an event in the same transaction: `GET /v1/submissions/{id}/events`.\n",
                "## Acknowledgement levels\n",
                "Beside its state a submission has a level, which only rises: "
                + ", ".join(f"**{level.value}** (L{number})" for number, level in enumerate(Level, start=1))
                + ". The delivery ends with acknowledged; what the gateway says afterwards changes the level, never the "
                "state, and writes its event in the same transaction too:\n",
                "| event | when | what it leaves |",
                "| --- | --- | --- |",
                "| `reception_faults` | the gateway found something within 6, 24 or 48 hours | findings `GATEWAY.…` of the "
                "submission; `cause` is the first one's code. The claim is corrected by a later version |",
                "| `assessed` | the assessment of a claim was read, or has changed | the assessment, per line where the "
                "gateway says so; the level is assessed once every claim in the submission has one |\n",
                "`GET /v1/submissions/{id}/assessment` shows both. How long they are looked for: "
                "[the gateway](gateway.md#reading-results-back).",
            ]
        )
        + "\n"
    )


_PLACES = {PlaceKind.FACILITY: "F", PlaceKind.PROVINCE: "P", PlaceKind.NATION: "N"}


def access() -> str:
    """Return the page of who may do what, and where."""
    policy = load_rights()
    people = [role for role in policy.roles.values() if not role.is_machine]
    machines = [role for role in policy.roles.values() if role.is_machine]
    return "\n".join(
        [
            "# Who may do what\n",
            NOTE,
            "The table is `claims/exchange/access/policy.toml`; what it does not name is refused. Letters say for which places a "
            "role may be given, and there the right counts: **F** a facility, **P** a province (the first two characters of a "
            "facility's code), **N** the nation. A right to do something in a facility's *own* name counts only for a role given for that facility, one *of the service* for a role given for the nation, one to "
            "*oneself* wherever the role was given.\n",
            "## People\n",
            *_rights(policy, people),
            "\n## Machines\n",
            "What a scope of an API key or an OAuth client opens. A key is a facility's own, or the service's own (N).\n",
            *_rights(policy, machines),
            "\n## Protected classes of records\n",
            "A claim belongs to a class by its tables or by its diagnoses (beginnings of ICD-10 codes). Whoever may read claims sees "
            "those of a class only with its right, or after breaking the glass: for a reason, for a limited time, and with "
            "notice to the facility.\n",
            "| class | | right | tables | diagnoses | protected by |",
            "| --- | --- | --- | --- | --- | --- |",
            *(
                f"| {one.name} | {one.sentence['vi']} · {one.sentence['en']} | `{one.right}` | {', '.join(sorted(one.tables))} "
                f"| {', '.join(one.diagnoses)} | {one.source} |"
                for one in policy.classes.values()
            ),
            "",
        ]
    )


def _rights(policy: Policy, roles: Sequence[Role]) -> Sequence[str]:
    names = " | ".join(f"`{role.name}`" for role in roles)
    meanings = [f"* `{role.name}`: {role.sentence['vi']} · {role.sentence['en']}" for role in roles]
    rows = [
        f"| `{action.name}` | {action.about.value} | {action.sentence['en']} | "
        + " | ".join(_letters(role, action.about) if action.name in role.may else "" for role in roles)
        + " |"
        for action in policy.actions.values()
        if any(action.name in role.may for role in roles)
    ]
    return [
        *meanings,
        "",
        f"| action | about | | {names} |",
        f"| --- | --- | --- |{' --- |' * len(roles)}",
        *rows,
    ]


def _letters(role: Role, about: About) -> str:
    counting = {About.SERVICE: [PlaceKind.NATION], About.OWN: [PlaceKind.FACILITY]}
    places = counting.get(about, role.places)
    return " ".join(_PLACES[place] for place in role.places if place in places)


def settings() -> str:
    """Return the page of every setting."""
    lines = [
        "# Settings\n",
        NOTE,
        f"Read once at start from the environment. A variable that begins with `{PREFIX}` and is not listed here stops "
        "start-up, and so does a value that makes no sense. An empty value leaves open what has no default.\n",
        "| variable | default | meaning |",
        "| --- | --- | --- |",
    ]
    for name, field in Settings.model_fields.items():
        default = {"data_dir": "~/.local/share/ehoso", "check_processes": "one per core"}.get(
            name, field.default
        )
        shown = "" if default is None else f"`{default}`"
        lines.append(f"| `{PREFIX}{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(lines) + "\n"


def findings() -> str:
    """Return the page of every finding a check can have."""
    lines = [
        "# Findings\n",
        NOTE,
        "A finding's `code` is stable; sentences may change. `*` stands for a table and field: "
        "`XML2.SO_LUONG.format` is the quantity of a medicine row in the wrong form.\n",
        "| code | tiếng Việt | English |",
        "| --- | --- | --- |",
    ]
    for code, sentences in sorted(load_messages().items()):
        vietnamese, english = (unfilled(sentences[language]).replace("|", "\\|") for language in ("vi", "en"))
        lines.append(f"| `{code}` | {vietnamese} | {english} |")
    return "\n".join(lines) + "\n"


def tables() -> str:
    """Return the page of the Decisions, with links to every table."""
    catalog = default_catalog()
    lines = [
        "# Tables\n",
        NOTE,
        "The day an episode ends (`NGAY_RA`) decides under which Decision its tables are written and checked. "
        "`claims schema list` and `claims schema show TABLE` print the same on the screen. [A later Decision](../guides/later-decision.md) "
        "is added as a folder of data, without code.\n",
        "| Decision | first day | last day | title |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {one.name} | {one.valid_from} | {one.valid_to or ''} | {one.label_vi}<br>{one.label_en} |"
        for one in catalog.editions
    ]
    numbers = " | ".join(one.name for one in catalog.editions)
    lines += [
        "\nHow many fields each table has:\n",
        f"| table | tiếng Việt | English | {numbers} |",
        "| --- | --- | --- |" + " --- |" * len(catalog.editions),
    ]
    for table in _table_names():
        latest = _of_table(table)[-1]
        counts = [len(one.tables[table].fields) if table in one.tables else "–" for one in catalog.editions]
        lines.append(
            f"| [{table}](tables/{table}.md) | {latest.label_vi} | {latest.label_en} "
            f"| {' | '.join(map(str, counts))} |"
        )
    return "\n".join(lines) + "\n"


def table_page(table: str) -> str:
    """Return the page of one table: its fields under every Decision, side by side."""
    schemas = _of_table(table)
    latest = schemas[-1]
    elements = " > ".join(
        f"`{one}`" for one in (latest.root, latest.list_element, latest.row_element) if one is not None
    )
    lines = [
        f"# {table}: {latest.label_vi}\n",
        NOTE,
        f"{latest.label_en}. Elements: {elements}; "
        + ("one row.\n" if latest.row_element is None else "one or more rows.\n"),
        "A cell holds the type and the greatest length (n: none). ● a value is required, ○ under conditions. "
        "An empty cell: the Decision does not have the field.\n",
        f"| field | tiếng Việt | English | {' | '.join(map(_number_of, schemas))} | codes | note |",
        "| --- | --- | --- |" + " --- |" * len(schemas) + " --- | --- |",
    ]
    for name in _field_names(schemas):
        field = next(one.field_by_name[name] for one in reversed(schemas) if name in one.field_by_name)
        cells = " | ".join(_cell(one.field_by_name.get(name)) for one in schemas)
        codes = f"[{field.code_list}](../codes.md#{field.code_list})" if field.code_list else ""
        note = (field.notes or "").replace("|", "\\|").replace("<", "&lt;")
        lines.append(f"| `{name}` | {field.label_vi} | {field.label_en} | {cells} | {codes} | {note} |")
    changes = [
        f"* **{_number_of(after)}**, from {after.valid_from}: {changed}"
        for before, after in pairwise(schemas)
        if (changed := _changes(before, after))
    ]
    lines += ["\n## What changed\n", *changes] if changes else []
    return "\n".join(lines) + "\n"


def codes() -> str:
    """Return the page of every code list that a field names."""
    users: dict[str, list[str]] = {}
    for table in _table_names():
        for schema in _of_table(table):
            for field in schema.fields:
                name = f"{table}.{field.name}"
                if field.code_list is not None and name not in users.setdefault(field.code_list, []):
                    users[field.code_list].append(name)
    lines = [
        "# Code lists\n",
        NOTE,
        "Codes count on the days between first and last day. A code that is *weak* rests on one source, or on none that "
        "is official: it helps a reader and never blocks a claim.\n",
    ]
    for name, fields in sorted(users.items()):
        lines += [
            f'## <a id="{name}"></a>{name}\n',
            f"Used by {', '.join(f'`{field}`' for field in fields)}.\n",
            "| code | tiếng Việt | English | first day | last day | confidence |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        lines += [
            f"| `{one.code}` | {one.label_vi} | {one.label_en} | {_day(one.valid_from)} | {_day(one.valid_to)} "
            f"| {one.confidence.value} |"
            for one in list_codes(name)
        ]
        lines.append("")
    return "\n".join(lines)


def _table_names() -> list[str]:
    names = {schema.table for schema in default_catalog().schemas}
    return sorted(names, key=lambda name: int(name.removeprefix("XML")) if name[3:].isdigit() else 99)


def _of_table(table: str) -> list[TableSchema]:
    return [schema for schema in default_catalog().schemas if schema.table == table]


def _field_names(schemas: list[TableSchema]) -> list[str]:
    """Put the fields of every Decision in one order: the latest one's, with those it dropped where they stood."""
    names = [field.name for field in schemas[-1].fields]
    for schema in reversed(schemas):
        before = -1
        for field in schema.fields:
            if field.name not in names:
                names.insert(before + 1, field.name)
            before = names.index(field.name)
    return names


def _changes(before: TableSchema, after: TableSchema) -> str:
    old, new = before.field_by_name, after.field_by_name
    parts = [f"`{name}` added" for name in new if name not in old]
    parts += [f"`{name}` dropped" for name in old if name not in new]
    parts += [
        f"`{name}` {_cell(old[name])} → {_cell(new[name])}"
        for name in new
        if name in old and _cell(old[name]) != _cell(new[name])
    ]
    return "; ".join(parts)


def _cell(field: Field | None) -> str:
    if field is None:
        return ""
    mark = {"yes": " ●", "conditional": " ○"}.get(field.required, "")
    return f"{field.type} {'n' if field.max_length is None else field.max_length}{mark}"


def _number_of(schema: TableSchema) -> str:
    return schema.amendment or schema.decision


def _day(day: date) -> str:
    return "" if day in {date.min, date.max} else day.isoformat()


def encounter() -> str:
    """Return the JSON Schema of the encounter document."""
    return json.dumps(encounter_schema(), ensure_ascii=False, indent=1) + "\n"


def catalogues() -> str:
    """Return the page of every file of a catalogue, its columns, and what can be wrong with it."""
    lines = [
        "# Catalogues: files, columns, problems\n",
        NOTE,
        "How to make and use a catalogue: [guide](../guides/catalogues.md). A header may be written in any case, with accents and with or without marks between its words (`Mã dịch vụ`, `MaDichVu` is `MA_DICH_VU`), or be what the column is called here in Vietnamese; of several "
        "names of one column the first that is there is read. `*` marks what is required.\n",
    ]
    for spec in (*list_specs().values(), map_spec(Kind.LAB_INDEX)):
        title = f"{MAPS_FOLDER}/KIND.csv" if spec.is_map else spec.file
        lines += [f"## {title}: {spec.labels['vi']} / {spec.labels['en']}\n", *describe_columns(spec), ""]
    kinds = ", ".join(f"`{kind.value}`" for kind in Kind if kind not in WITHOUT_MAP)
    lines += [
        f"`KIND` is one of {kinds}.\n",
        "## Problems\n",
        "| code | tiếng Việt | English |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| `{code}` | {sentences['vi']} | {sentences['en']} |"
        for code, sentences in sorted(load_sentences().items())
    ]
    return "\n".join(lines) + "\n"


def attacks() -> str:
    """Return the page of what is tried on the verifier of signatures, and what it answers."""
    lines = [
        "# Attacks\n",
        NOTE,
        "What is tried on the verifier of signatures, class by class, and what it answers: the reasons of the verdict "
        "(their sentences are on [the page of findings](findings.md), in capitals), or, for bytes that are not even "
        "parsed, why not. Each line is a test. Most of these documents are rightly signed with a trusted key, so a "
        "rule refuses them and not merely a wrong digest. Whether a signature that holds is by the facility that sends "
        "the claim is asked afterwards: `SIGNATURE.FACILITY`, `certificate.other_facility`.\n",
    ]
    for family in FAMILIES:
        lines += [f"\n## {family.title}\n", "| tried | answer |", "| --- | --- |"]
        lines += [
            f"| {_as_cell(attack.tried)} | {', '.join(f'`{answer}`' for answer in attack.answers)} |"
            for attack in family.attacks
        ]
    count = sum(len(family.attacks) for family in FAMILIES)
    lines.insert(2, f"{count} attacks in {len(FAMILIES)} classes.\n")
    return "\n".join(lines) + "\n"


_GROUPS: Mapping[Group, str] = {
    Group.CARD: "cards and eligibility",
    Group.BENEFIT: "benefit",
    Group.SCOPE: "scope",
    Group.PRICE: "prices",
    Group.RATES: "rates",
    Group.FACILITY: "the facility",
    Group.PRACTITIONER: "practitioners",
    Group.INTERVALS: "intervals",
    Group.REASONABLENESS: "reasonableness",
    Group.CONSISTENCY: "consistency of the data",
    Group.QUANTITIES: "quantities and amounts",
}


def rules() -> str:
    """Return the page of every rule of the check, by the groups of the insurer's own assessment."""
    every = load_rules().rules.values()
    lines = [
        "# Rules\n",
        NOTE,
        f"{len(every)} rules, by what the insurer's automatic assessment looks at (Circular 12/2026, article 10.1, points a "
        "to m). `claims explain CODE` shows one with its sentences and what to do. How well a rule is known stands under "
        "*known*; only what is `law` or `strong` blocks by default, and [a policy](../guides/checking.md) may change that. "
        "What breaks and what keeps each rule is tried: [the matrix](mutations.md).\n",
    ]
    for group, title in _GROUPS.items():
        found = [rule for rule in every if rule.group is group]
        if not found:
            continue
        lines += [
            f"\n## {group.value}. {title.capitalize()}\n",
            "| code | asks | tables | weight | known | in force | where it is written |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        lines += [_rule_row(rule) for rule in sorted(found, key=lambda rule: rule.code)]
    return "\n".join(lines) + "\n"


def _rule_row(rule: Rule) -> str:
    sentences = find_message(rule.found_as or rule.code)
    weight = rule.default_severity.value
    if weight != rule.severity.value:
        weight += f" ({rule.severity.value} by its source)"
    days = (
        f"{rule.valid_from or '…'} – {rule.valid_to or '…'}" if rule.valid_from or rule.valid_to else "always"
    )
    found = f" (found as `{rule.found_as}`)" if rule.found_as else ""
    asks = "<br>".join(_as_cell(unfilled(sentences[language])) for language in ("en", "vi"))
    return (
        f'| <a id="{rule.code}"></a>`{rule.code}`{found} | {asks} | {", ".join(rule.tables)} | {weight} '
        f"| {rule.confidence.value} | {days} | {_as_cell(rule.clause)} |"
    )


def mutations() -> str:
    """Return the page of what is changed in valid claims, and what is then found."""
    lines: list[str] = []
    counts: Counter[str] = Counter()
    for rule in load_rules().rules.values():
        for example in rule.examples:
            counts[rule.category.value] += 1
            found = rule.found_as or rule.code
            weight = (
                "blocks"
                if rule.default_severity in {Severity.ERROR, Severity.CRITICAL} and not rule.found_as
                else ""
            )
            changes = "; ".join(f"`{change}`" for change in _shortened(example.breaks))
            kept = "; ".join(f"`{change}`" for change in _shortened(example.keeps)) or "–"
            lines.append(
                f"| {example.sample} | {_as_cell(changes)} | `{found}` {weight} | {_as_cell(kept)} |"
            )
    head = [
        "# Mutations\n",
        NOTE,
        "Samples that break no rule, each changed in one way (with what must follow from it, so that nothing else is wrong), "
        "and the code under which that is found: no other code blocks. The last column is a near miss of which the rule says "
        "nothing. Every line is a test; how a change is written is said in `claims/checking/samples/__init__.py`.\n",
        f"{sum(counts.values())} changes: "
        + ", ".join(f"{count} {category}" for category, count in counts.most_common())
        + ".\n",
        "| sample | change | found | not found |",
        "| --- | --- | --- | --- |",
    ]
    return "\n".join([*head, *lines]) + "\n"


def _shortened(changes: Sequence[str]) -> Sequence[str]:
    """Say once, with a count, what is done several times over, and cut what is long."""
    said = [f"{change} (x {count})" if count > 1 else change for change, count in Counter(changes).items()]
    return [change if len(change) <= _LONGEST_CHANGE else change[:_LONGEST_CHANGE] + "…" for change in said]


def _as_cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


PAGES: Mapping[str, Callable[[], str]] = {
    "access.md": access,
    "attacks.md": attacks,
    "catalogues.md": catalogues,
    "problems.md": problems,
    "rules.md": rules,
    "mutations.md": mutations,
    "findings.md": findings,
    "lifecycle.md": lifecycle,
    "settings.md": settings,
    "encounter.schema.json": encounter,
    "tables.md": tables,
    **{f"tables/{table}.md": partial(table_page, table) for table in _table_names()},
    "codes.md": codes,
}


def main() -> int:
    """Write the pages, or compare them with what is there."""
    stale = [name for name, page in PAGES.items() if not _is_current(FOLDER / name, page())]
    if "--check" in sys.argv:
        for name in stale:
            sys.stderr.write(
                f"docs/reference/{name} is not what the code says: run python docs/generate.py\n"
            )
        return 1 if stale else 0
    for name, page in PAGES.items():
        (FOLDER / name).parent.mkdir(exist_ok=True)
        (FOLDER / name).write_text(page(), "utf-8")
    return 0


def _is_current(path: Path, page: str) -> bool:
    return path.is_file() and path.read_text("utf-8") == page


if __name__ == "__main__":
    sys.exit(main())
