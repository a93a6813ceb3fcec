"""A fictitious later Decision, 9999 from 2030-01-01, as a folder of data."""

import shutil
from datetime import date
from pathlib import Path

import xsd
from xsd.catalog import find_schema

FIRST_DAY = date(2030, 1, 1)
HEADING = "code,label_vi,label_en,valid_from,valid_to,confidence"
_OWN = Path(xsd.__file__).parent
_LISTING = """\
decision = "9999"
based_on = "3176"
valid_from = 2030-01-01
label_vi = "Quyết định 9999"
label_en = "Decision 9999"

[tables]
XML1 = "xml1.xsd"
"""
_ADDED_FIELD = """\
      <xs:element name="MA_SO_MOI" minOccurs="0">
        <xs:annotation>
          <xs:documentation xml:lang="vi">Mã số mới</xs:documentation>
          <xs:documentation xml:lang="en">Brand-new code</xs:documentation>
          <xs:appinfo><eh:field required="no" since="9999" codeList="ma_so_moi"/></xs:appinfo>
        </xs:annotation>
        <xs:simpleType>
          <xs:restriction base="list"><xs:maxLength value="20"/></xs:restriction>
        </xs:simpleType>
      </xs:element>
    </xs:sequence>
"""


def write_later_decision(folder: Path) -> Path:
    """Write a Decision with another XML1 (a field more, a shorter one), new codes, salary and formula."""
    shutil.copy(_OWN / "types.xsd", folder)
    (folder / "catalog.toml").write_text(_LISTING, "utf-8")
    (folder / "xml1.xsd").write_text(_summary_table(), "utf-8")
    (folder / "codes").mkdir()
    for name, text in {
        "gioi_tinh": f"{HEADING}\n3,Khác,other,2030-01-01,,strong\n4,Mới,new,2030-01-01,,strong\n",
        "ma_so_moi": f"{HEADING}\nA,Chữ A,letter A,2030-01-01,,strong\n",
        "luong_co_so": "valid_from,valid_to,base_salary_vnd,confidence\n2030-01-01,,3000000,strong\n",
    }.items():
        (folder / "codes" / f"{name}.csv").write_text(text, "utf-8")
    money = '[[service_amount]]\nfrom = 2030-01-01\nvalue = "plain"\n'
    (folder / "money.toml").write_text(money, "utf-8")
    return folder


def _summary_table() -> str:
    table = find_schema("XML1", on=date(2029, 12, 31)).path.read_text("utf-8")
    table = table.replace("../types.xsd", "types.xsd").replace("    </xs:sequence>\n", _ADDED_FIELD)
    before, name, after = table.partition('name="MA_HSBA"')
    return before + name + after.replace('maxLength value="100"', 'maxLength value="10"', 1)
