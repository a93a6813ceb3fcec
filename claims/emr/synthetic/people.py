"""Made-up people for synthetic encounters: names as frequent as in life, addresses, cards. Nobody real."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final

_FAMILY_NAMES: Final = {
    "NGUYỄN": 31.5, "TRẦN": 10.9, "LÊ": 8.9, "PHẠM": 5.9, "HOÀNG": 3.4, "HUỲNH": 3.1, "PHAN": 2.8,
    "VŨ": 2.5, "VÕ": 2.4, "ĐẶNG": 2.1, "BÙI": 2.0, "ĐỖ": 1.9, "HỒ": 1.7, "NGÔ": 1.7, "DƯƠNG": 1.4,
    "LÝ": 1.0, "ĐINH": 0.9, "LƯƠNG": 0.7, "TRỊNH": 0.7, "MAI": 0.6, "CAO": 0.6, "LÂM": 0.6, "HÀ": 0.6,
    "TRƯƠNG": 1.6, "ĐOÀN": 0.8, "TẠ": 0.4, "CHÂU": 0.3, "QUÁCH": 0.2, "THẠCH": 0.2, "VÀNG": 0.2, "GIÀNG": 0.2,
}  # fmt: skip
_MIDDLE_NAMES: Final = {
    "male": {"VĂN": 38, "HỮU": 7, "ĐỨC": 7, "MINH": 9, "QUỐC": 6, "THANH": 7, "CÔNG": 4, "NGỌC": 4,
             "XUÂN": 4, "ĐÌNH": 5, "QUANG": 5, "GIA": 3, "": 1},
    "female": {"THỊ": 46, "NGỌC": 9, "THỊ NGỌC": 4, "THỊ THU": 4, "THU": 5, "THANH": 6, "MINH": 5,
               "KIM": 5, "HỒNG": 4, "THỊ KIM": 3, "BẢO": 3, "PHƯƠNG": 4, "MỸ": 2},
}  # fmt: skip
_GIVEN_NAMES: Final = {
    "male": ("AN", "BÌNH", "CƯỜNG", "DŨNG", "DUY", "ĐẠT", "ĐỨC", "GIANG", "HẢI", "HIẾU", "HÒA", "HÙNG", "HUY",
             "KHANG", "KHOA", "KIÊN", "LÂM", "LONG", "LỘC", "MINH", "NAM", "NGHĨA", "NHÂN", "PHÁT", "PHONG",
             "PHÚC", "QUÂN", "SƠN", "TÀI", "TÂM", "THÀNH", "THẮNG", "THỊNH", "TIẾN", "TOÀN", "TRUNG", "TUẤN",
             "TÙNG", "VINH", "VŨ"),
    "female": ("AN", "ANH", "BÍCH", "CHI", "CÚC", "DIỄM", "DUNG", "DUYÊN", "GIANG", "HÀ", "HẠNH", "HẰNG",
    "HIỀN",
               "HOA", "HƯƠNG", "HUYỀN", "KHÁNH", "LAN", "LIÊN", "LINH", "LOAN", "LY", "MAI", "NGA", "NGÂN",
               "NGỌC", "NHI", "NHUNG", "NHƯ", "OANH", "PHƯƠNG", "QUỲNH", "TÂM", "THẢO", "THỦY", "THƯ",
               "TRANG",
               "TRINH", "UYÊN", "YẾN"),
}  # fmt: skip
_PROVINCES: Final = {
    "01": "Hà Nội", "04": "Cao Bằng", "08": "Tuyên Quang", "11": "Điện Biên", "12": "Lai Châu",
    "14": "Sơn La",
    "15": "Lào Cai", "19": "Thái Nguyên", "20": "Lạng Sơn", "22": "Quảng Ninh", "24": "Bắc Ninh",
    "25": "Phú Thọ", "31": "Hải Phòng", "33": "Hưng Yên", "37": "Ninh Bình", "38": "Thanh Hóa",
    "40": "Nghệ An", "42": "Hà Tĩnh", "44": "Quảng Trị", "46": "Huế", "48": "Đà Nẵng", "51": "Quảng Ngãi",
    "52": "Gia Lai", "56": "Khánh Hòa", "66": "Đắk Lắk", "68": "Lâm Đồng", "75": "Đồng Nai",
    "79": "Thành phố Hồ Chí Minh", "80": "Tây Ninh", "82": "Đồng Tháp", "86": "Vĩnh Long", "91": "An Giang",
    "92": "Cần Thơ", "96": "Cà Mau",
}  # fmt: skip
_STREETS: Final = (
    "Lê Lợi", "Trần Hưng Đạo", "Nguyễn Huệ", "Lý Thường Kiệt", "Hai Bà Trưng", "Quang Trung", "Phan Bội Châu",
    "Nguyễn Trãi", "Hùng Vương", "Điện Biên Phủ", "Võ Thị Sáu", "Ngô Quyền", "Bạch Đằng", "Lê Hồng Phong",
)  # fmt: skip
_WARDS: Final = (
    "Tân Bình", "Hòa Bình", "Phú Mỹ", "Long Thạnh", "An Phú", "Bình Minh", "Thành Công", "Vĩnh Hòa",
    "Đông Sơn",
)  # fmt: skip
# Letters and benefit digit of a card, for grown-ups.
_ADULT_CARDS: Final = {"GD4": 34, "DN4": 27, "HT3": 12, "HN2": 7, "BT2": 5, "KC2": 2, "TC3": 3, "HC4": 7,
                       "DT2": 2, "QN5": 1}  # fmt: skip
_TODDLER_YEARS, _SCHOOL_YEARS, _ADULT_YEARS, _PENSION_YEARS = 6, 18, 18, 60
_YEAR_DAYS: Final = 365.25
_BIRTH_YEAR_ONLY_SHARE: Final = 0.03
_NEIGHBOR_SHARE: Final = 0.12
_COPAY_EXEMPT_SHARE: Final = 0.04


@dataclass(frozen=True, slots=True)
class Person:
    """A made-up patient, as the document has it, with what the rest of the encounter depends on."""

    document: dict[str, object]
    card: dict[str, object]
    age_years: float
    sex: str
    weight_kg: str


def pick(random: Random, weights: Mapping[str, float]) -> str:
    """Pick a key by its weight."""
    return random.choices(tuple(weights), tuple(weights.values()))[0]


def happens(random: Random, share: float) -> bool:
    """Say whether something happens that happens in a share of cases."""
    return random.random() < share


def make_person(
    random: Random, *, facility: str, on: date, ages: tuple[float, float], sex: str | None = None
) -> Person:
    """Make up a patient within an age range and the card that such a patient carries."""
    age_years = random.uniform(*ages)
    born = on - timedelta(days=round(age_years * _YEAR_DAYS))
    sex = sex or random.choice(("male", "female"))
    home = _home(random, facility)
    weight_kg = _weight(random, age_years)
    document: dict[str, object] = {
        "id": f"BN{random.randrange(10**8):08d}",
        "name": make_name(random, sex),
        "national_id": _citizen_number(random, home, born, sex) if age_years >= _TODDLER_YEARS else None,
        "birth": _birth(random, born, age_years),
        "sex": sex,
        "blood_group": random.choice(("A+", "B+", "O+", "AB+", None, None, None, None)),
        "nationality": "000",
        "ethnicity": pick(random, {"01": 86, "02": 2, "03": 2, "05": 2, "06": 1.5, "08": 1.4, "04": 0.8}),
        "occupation": "00000",
        "address": _address(random, home),
        "phone": f"09{random.randrange(10**8):08d}" if age_years >= _ADULT_YEARS else None,
    }
    card = _card(random, facility=facility, home=home, on=on, age_years=age_years)
    return Person(document, card, age_years, sex, weight_kg)


def _citizen_number(random: Random, home: str, born: date, sex: str) -> str:
    """Make up a number as Circular 59/2021/TT-BCA, art. 4, has it: place, century and sex, year, digits."""
    century_and_sex = (born.year // 100 - 19) * 2 + (sex == "female")
    return f"0{home}{century_and_sex}{born.year % 100:02d}{random.randrange(10**9) % 10**6:06d}"


def _home(random: Random, facility: str) -> str:
    province = facility[:2]
    if province in _PROVINCES and not happens(random, _NEIGHBOR_SHARE):
        return province
    return random.choice(tuple(_PROVINCES))


def make_name(random: Random, sex: str) -> str:
    """Make up a name, family first."""
    parts = (pick(random, _FAMILY_NAMES), pick(random, _MIDDLE_NAMES[sex]), random.choice(_GIVEN_NAMES[sex]))
    return " ".join(part for part in parts if part)


def _birth(random: Random, born: date, age_years: float) -> str:
    if age_years < 1:
        return f"{born.isoformat()}T{random.randrange(24):02d}:{random.randrange(60):02d}"
    if age_years >= _PENSION_YEARS and happens(random, _BIRTH_YEAR_ONLY_SHARE):
        return str(born.year)
    return born.isoformat()


def _address(random: Random, home: str) -> dict[str, object]:
    street, ward = random.choice(_STREETS), random.choice(_WARDS)
    return {
        "text": f"Số {random.randrange(1, 400)} đường {street}, phường {ward}, {_PROVINCES[home]}",
        "province": home,
        "ward": f"{random.randrange(1, 32000):05d}",
    }


def _card(random: Random, *, facility: str, home: str, on: date, age_years: float) -> dict[str, object]:
    if age_years < _TODDLER_YEARS:
        group = "TE1"
    elif age_years < _SCHOOL_YEARS:
        group = "HS4"
    else:
        group = pick(random, _ADULT_CARDS)
    # Long before any stay of ours begins, and at most a year before it ends.
    valid_from = on - timedelta(days=random.randrange(60, 360))
    long_insured = age_years > _SCHOOL_YEARS and happens(random, 0.5)
    paid_enough = long_insured and happens(random, _COPAY_EXEMPT_SHARE)
    return {
        "card": f"{group}{home}{random.randrange(10**10):010d}",
        "registered_at": facility,
        "from": valid_from.isoformat(),
        "to": (valid_from + timedelta(days=364)).isoformat(),
        "percent": None,
        "area": None,
        "five_years_from": f"{on.year - random.randrange(1, 6)}-01-01" if long_insured else None,
        "copay_exempt_from": f"{on.year}-01-02" if paid_enough else None,
    }


def _weight(random: Random, age_years: float) -> str:
    if age_years < 1:
        return f"{3.3 + age_years * 6 + random.uniform(-0.4, 0.6):.1f}"
    if age_years < _ADULT_YEARS:
        return f"{8 + age_years * 2.6 + random.uniform(-1, 3):.1f}"
    return str(random.randrange(42, 82))
