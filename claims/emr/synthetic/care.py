"""Made-up care for synthetic encounters: illnesses, medicines, services, supplies; plausible prices."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Drug:
    """A medicine as a facility's list has it."""

    code: str
    name: str
    strength: str
    unit: str
    form: str
    route: str
    price: str
    per_day: int = 2
    pay_percent: int = 100


@dataclass(frozen=True, slots=True)
class Measured:
    """One index of a laboratory service, with the range in which values are made up."""

    index: str
    name: str
    unit: str
    low: float
    high: float
    decimals: int = 1


@dataclass(frozen=True, slots=True)
class Act:
    """A service as a facility's list has it."""

    kind: str
    code: str
    name: str
    price: str
    measures: tuple[Measured, ...] = ()
    description: str | None = None
    conclusion: str | None = None


@dataclass(frozen=True, slots=True)
class Illness:
    """Why somebody comes, and what is usually done about it (keys of the lists below)."""

    code: str
    name: str
    reason: str
    drugs: tuple[str, ...]
    acts: tuple[str, ...] = ()
    ages: tuple[float, float] = (18, 88)
    sex: str | None = None
    surgery: str | None = None
    companions: tuple[str, ...] = ()


_ORAL, _INJECTED, _INFUSED, _INHALED, _TOPICAL = "1.01", "2.10", "2.15", "5.01", "3.05"

DRUGS: Final = {
    "paracetamol": Drug("40.48", "Paracetamol", "500mg", "Viên", "Viên nén", _ORAL, "480", 3),
    "paracetamol-syrup": Drug("40.48", "Paracetamol", "150mg", "Gói", "Bột pha uống", _ORAL, "1890", 3),
    "ibuprofen": Drug("40.37", "Ibuprofen", "400mg", "Viên", "Viên nén bao phim", _ORAL, "780"),
    "meloxicam": Drug("40.43", "Meloxicam", "7,5mg", "Viên", "Viên nén", _ORAL, "525", 1),
    "amlodipine": Drug("40.491", "Amlodipin", "5mg", "Viên", "Viên nén", _ORAL, "399", 1),
    "losartan": Drug("40.513", "Losartan", "50mg", "Viên", "Viên nén bao phim", _ORAL, "1260", 1),
    "perindopril": Drug("40.519", "Perindopril", "5mg", "Viên", "Viên nén", _ORAL, "3450.5", 1),
    "atorvastatin": Drug("40.549", "Atorvastatin", "20mg", "Viên", "Viên nén bao phim", _ORAL, "1449", 1),
    "metformin": Drug("40.807", "Metformin", "850mg", "Viên", "Viên nén bao phim", _ORAL, "693"),
    "gliclazide": Drug("40.799", "Gliclazid", "30mg", "Viên", "Viên giải phóng có kiểm soát", _ORAL,
                       "2564.5", 1),
    "insulin": Drug("40.804", "Insulin trộn", "100IU/ml x 10ml", "Lọ", "Hỗn dịch tiêm", _INJECTED, "58000",
                    1),
    "omeprazole": Drug("40.677", "Omeprazol", "20mg", "Viên", "Viên nang", _ORAL, "275", 1),
    "esomeprazole": Drug("40.678", "Esomeprazol", "40mg", "Lọ", "Bột pha tiêm", _INJECTED, "10794", 1, 50),
    "amoxicillin": Drug("40.154", "Amoxicilin", "500mg", "Viên", "Viên nang", _ORAL, "1070", 3),
    "amoxiclav": Drug("40.155", "Amoxicilin + acid clavulanic", "875mg + 125mg", "Viên", "Viên nén", _ORAL,
                      "4180"),
    "cefuroxime": Drug("40.184", "Cefuroxim", "500mg", "Viên", "Viên nén bao phim", _ORAL, "2499"),
    "ceftriaxone": Drug("40.179", "Ceftriaxon", "1g", "Lọ", "Bột pha tiêm", _INJECTED, "7098"),
    "azithromycin": Drug("40.219", "Azithromycin", "250mg", "Viên", "Viên nang", _ORAL, "2750", 1),
    "ciprofloxacin": Drug("40.227", "Ciprofloxacin", "500mg", "Viên", "Viên nén", _ORAL, "1130"),
    "loratadine": Drug("40.84", "Loratadin", "10mg", "Viên", "Viên nén", _ORAL, "320", 1),
    "salbutamol": Drug("40.980", "Salbutamol", "5mg/2,5ml", "Ống", "Dung dịch khí dung", _INHALED, "8400", 3),
    "prednisolone": Drug("40.775", "Prednisolon", "5mg", "Viên", "Viên nén", _ORAL, "149", 4),
    "acetylcysteine": Drug("40.998", "N-acetylcystein", "200mg", "Gói", "Bột pha uống", _ORAL, "1560", 3),
    "oresol": Drug("40.1011", "Natri clorid + kali clorid + glucose", "4,1g", "Gói", "Bột pha uống", _ORAL,
                   "1785", 4),
    "saline": Drug("40.1021", "Natri clorid", "0,9% x 500ml", "Chai", "Dung dịch truyền", _INFUSED, "6489",
                   2),
    "ringer": Drug("40.1026", "Ringer lactat", "500ml", "Chai", "Dung dịch truyền", _INFUSED, "6825", 2),
    "furosemide": Drug("40.659", "Furosemid", "40mg", "Viên", "Viên nén", _ORAL, "126", 1),
    "enoxaparin": Drug("40.445", "Enoxaparin", "40mg/0,4ml", "Bơm tiêm", "Dung dịch tiêm", _INJECTED,
                       "70000", 1),
    "eye-drops": Drug("40.876", "Tobramycin", "0,3% x 5ml", "Lọ", "Thuốc nhỏ mắt", "6.01", "2719", 1),
    "cream": Drug("40.628", "Betamethason", "0,05% x 15g", "Tuýp", "Kem bôi da", _TOPICAL, "8925", 1),
    "glucosamine": Drug("40.64", "Glucosamin", "500mg", "Viên", "Viên nang", _ORAL, "1350", 2, 50),
    "oxytocin": Drug("40.728", "Oxytocin", "5UI/1ml", "Ống", "Dung dịch tiêm", _INJECTED, "6489", 2),
    "progesterone": Drug("40.762", "Progesteron", "100mg", "Viên", "Viên nang mềm", _ORAL, "7150", 2),
    "arv": Drug("40.267", "Tenofovir + lamivudin + dolutegravir", "300mg + 300mg + 50mg", "Viên",
                "Viên nén bao phim", _ORAL, "3720", 1),
    "anti-tuberculosis": Drug("40.333", "Rifampicin + isoniazid", "150mg + 75mg", "Viên",
                              "Viên nén bao phim", _ORAL, "1739", 3),
    "tramadol": Drug("40.55", "Tramadol", "100mg/2ml", "Ống", "Dung dịch tiêm", _INJECTED, "6993", 2),
}  # fmt: skip

_SCAN_NORMAL: Final = "Không thấy hình ảnh bất thường."

ACTS: Final = {
    "exam-internal": Act("exam", "02.1896", "Khám Nội", "50600"),
    "exam-surgical": Act("exam", "10.1896", "Khám Ngoại", "50600"),
    "exam-child": Act("exam", "03.1896", "Khám Nhi", "50600"),
    "exam-emergency": Act("exam", "01.1896", "Khám Cấp cứu", "50600"),
    "glucose": Act("test", "23.0075.1494", "Định lượng Glucose [Máu]", "22400",
                   (Measured("23.0075", "Glucose", "mmol/L", 3.9, 14),)),
    "urea": Act("test", "23.0166.1494", "Định lượng Urê máu [Máu]", "22400",
                (Measured("23.0166", "Urê", "mmol/L", 2.5, 11),)),
    "creatinine": Act("test", "23.0051.1494", "Định lượng Creatinin (máu)", "22400",
                      (Measured("23.0051", "Creatinin", "µmol/L", 45, 160, 0),)),
    "ast": Act("test", "23.0020.1493", "Đo hoạt độ AST (GOT) [Máu]", "22400",
               (Measured("23.0020", "AST (GOT)", "U/L", 12, 90, 0),)),
    "alt": Act("test", "23.0019.1493", "Đo hoạt độ ALT (GPT) [Máu]", "22400",
               (Measured("23.0019", "ALT (GPT)", "U/L", 8, 95, 0),)),
    "lipids": Act("test", "23.0041.1506", "Định lượng Cholesterol toàn phần (máu)", "28000",
                  (Measured("23.0041", "Cholesterol", "mmol/L", 3.2, 7.8, 2),)),
    "hba1c": Act("test", "23.0083.1523", "Định lượng HbA1c [Máu]", "105300",
                 (Measured("23.0083", "HbA1c", "%", 5, 11.5),)),
    "crp": Act("test", "23.0228.1483", "Định lượng CRP (C-Reactive Protein)", "56100",
               (Measured("23.0228", "CRP", "mg/L", 0.5, 140),)),
    "electrolytes": Act("test", "23.0058.1487", "Điện giải đồ (Na, K, Cl) [Máu]", "30200", (
        Measured("23.0058.1", "Natri", "mmol/L", 130, 148, 0),
        Measured("23.0058.2", "Kali", "mmol/L", 3, 5.6),
        Measured("23.0058.3", "Clo", "mmol/L", 94, 110, 0))),
    "blood-count": Act("test", "22.0120.1370", "Tổng phân tích tế bào máu ngoại vi (bằng máy đếm laser)",
                       "49700", (
        Measured("22.0120.1", "Hồng cầu", "T/L", 3.2, 5.8, 2),
        Measured("22.0120.2", "Hemoglobin", "g/L", 85, 170, 0),
        Measured("22.0120.3", "Bạch cầu", "G/L", 3.5, 18, 2),
        Measured("22.0120.4", "Tiểu cầu", "G/L", 60, 420, 0),
        Measured("22.0120.5", "Hematocrit", "L/L", 0.28, 0.5, 2),
        Measured("22.0120.6", "MCV", "fL", 70, 100),
        Measured("22.0120.7", "MCH", "pg", 24, 34),
        Measured("22.0120.8", "Bạch cầu trung tính", "%", 40, 88),
        Measured("22.0120.9", "Bạch cầu lympho", "%", 8, 45))),
    "urine": Act("test", "23.0206.1596", "Tổng phân tích nước tiểu (bằng máy tự động)", "28600", (
        Measured("23.0206.1", "pH", "-", 5, 8),
        Measured("23.0206.2", "Tỷ trọng", "-", 1.005, 1.03, 3),
        Measured("23.0206.3", "Protein", "g/L", 0, 1, 2),
        Measured("23.0206.4", "Glucose", "mmol/L", 0, 15),
        Measured("23.0206.5", "Bạch cầu", "/µL", 0, 120, 0),
        Measured("23.0206.6", "Hồng cầu", "/µL", 0, 80, 0),
        Measured("23.0206.7", "Ceton", "mmol/L", 0, 3))),
    "dengue": Act("test", "24.0187.1637", "Dengue virus NS1Ag test nhanh", "142500"),
    "ultrasound": Act("imaging", "18.0015.0001", "Siêu âm ổ bụng", "58600",
                      description="Gan, mật, tụy, lách, hai thận kích thước bình thường.",
                      conclusion=_SCAN_NORMAL),
    "chest-x-ray": Act("imaging", "18.0119.0028", "Chụp Xquang ngực thẳng", "73300",
                       description="Bóng tim không to, hai phế trường sáng đều.", conclusion=_SCAN_NORMAL),
    "limb-x-ray": Act("imaging", "18.0107.0028", "Chụp Xquang xương cẳng tay thẳng nghiêng", "73300",
                      description="Hình ảnh gãy đầu dưới xương quay.", conclusion="Gãy đầu dưới xương quay."),
    "head-scan": Act("imaging", "18.0149.0040", "Chụp CLVT sọ não không tiêm thuốc cản quang", "550100",
                     description="Nhu mô não hai bán cầu đồng nhất.", conclusion=_SCAN_NORMAL),
    "ecg": Act("function", "02.0085.1778", "Điện tim thường", "39900",
               description="Nhịp xoang đều.", conclusion="Điện tâm đồ trong giới hạn bình thường."),
    "viral-load": Act("test", "24.0172.1719", "HIV đo tải lượng hệ thống tự động", "942000",
                      (Measured("24.0172", "HIV RNA", "copies/mL", 20, 900, 0),)),
    "sputum": Act("test", "24.0017.1714", "AFB trực tiếp nhuộm Ziehl-Neelsen", "70300"),
    "obstetric-ultrasound": Act("imaging", "18.0020.0001", "Siêu âm thai", "58600",
                                description="Một thai trong tử cung, tim thai 145 lần/phút.",
                                conclusion="Một thai sống trong tử cung."),
    "exam-obstetric": Act("exam", "13.1896", "Khám Phụ sản", "50600"),
    "delivery": Act("procedure", "13.0033.0614", "Đỡ đẻ thường ngôi chỏm", "786700"),
    "caesarean": Act("surgery", "13.0007.0671", "Phẫu thuật lấy thai lần đầu", "2592900"),
    "nebulizer": Act("procedure", "02.0032.0898", "Khí dung thuốc giãn phế quản", "27500"),
    "dressing": Act("procedure", "03.3826.0200", "Thay băng, cắt chỉ", "64300"),
    "suture": Act("procedure", "03.3825.0217", "Khâu vết thương phần mềm dài trên 10cm", "269500"),
    "physiotherapy": Act("procedure", "17.0011.0237", "Điều trị bằng tia hồng ngoại", "40900"),
    "appendix": Act("surgery", "27.0187.2039", "Phẫu thuật nội soi cắt ruột thừa", "2818700"),
    "gallbladder": Act("surgery", "27.0273.0473", "Phẫu thuật nội soi cắt túi mật", "3431900"),
    "forearm": Act("surgery", "10.0719.0556", "Phẫu thuật kết hợp xương gãy đầu dưới xương quay", "4102500"),
    "bed": Act("bed", "K03.1917", "Giường Nội khoa loại 2 Hạng II", "212600"),
    "day-bed": Act("bed", "K03.1918", "Giường ban ngày Nội khoa Hạng II", "63780"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Goods:
    """A supply as a facility's list has it."""

    code: str
    name: str
    unit: str
    price: str
    quantity: int = 1
    ceiling: str | None = None
    is_reused: bool = False


SUPPLIES: Final = {
    "syringe": Goods("N03.01.070.0512.175.0001", "Bơm tiêm nhựa dùng một lần 5ml", "Cái", "638", 3),
    "infusion-set": Goods("N03.05.010.0894.216.0002", "Dây truyền dịch có kim", "Bộ", "3675", 1),
    "catheter": Goods("N03.02.060.0332.261.0003", "Kim luồn tĩnh mạch 22G", "Cái", "5880", 1),
    "gauze": Goods("N02.03.020.2080.000.0004", "Gạc phẫu thuật vô trùng 10cm x 10cm", "Miếng", "735.5", 5),
    "bone-plate": Goods("N07.06.040.1177.155.0005", "Nẹp khóa đầu dưới xương quay", "Cái", "6500000", 1,
                        "6000000"),
    "bone-screw": Goods("N07.06.040.1177.155.0006", "Vít khóa 3,5mm", "Cái", "420000", 4),
    "endoscope-sheath": Goods("N08.00.190.0771.155.0007", "Trocar phẫu thuật nội soi 5mm", "Cái", "310000", 1,
                              is_reused=True),
}  # fmt: skip

OUTPATIENT_ILLNESSES: Final = (
    Illness("I10", "Tăng huyết áp vô căn (nguyên phát)", "Đau đầu, chóng mặt",
            ("amlodipine", "losartan", "atorvastatin", "perindopril"), ("ecg", "glucose", "creatinine",
            "lipids"),
            (40, 88), companions=("E78.5", "E11.9")),
    Illness("E11.9", "Bệnh đái tháo đường không phụ thuộc insuline, không có biến chứng",
            "Tái khám đái tháo đường",
            ("metformin", "gliclazide", "insulin", "atorvastatin"), ("glucose", "hba1c", "creatinine",
            "urine"),
            (38, 85), companions=("I10", "E78.5")),
    Illness("J06.9", "Nhiễm trùng đường hô hấp trên cấp, không phân loại", "Ho, sốt",
            ("paracetamol", "amoxicillin", "loratadine", "acetylcysteine"), ("blood-count", "crp"), (12, 75)),
    Illness("J20.9", "Viêm phế quản cấp, không phân loại", "Ho có đờm",
            ("amoxiclav", "acetylcysteine", "prednisolone", "salbutamol"), ("chest-x-ray", "blood-count"),
            (15, 85)),
    Illness("K29.7", "Viêm dạ dày, không đặc hiệu", "Đau thượng vị",
            ("omeprazole", "paracetamol", "oresol"), ("ultrasound", "blood-count"), (18, 75),
            companions=("K21.9",)),
    Illness("M54.5", "Đau vùng thắt lưng", "Đau thắt lưng",
            ("meloxicam", "paracetamol", "omeprazole", "glucosamine"), ("physiotherapy",), (25, 82)),
    Illness("M17.9", "Thoái hóa khớp gối, không đặc hiệu", "Đau khớp gối",
            ("meloxicam", "glucosamine", "omeprazole"), ("blood-count",), (48, 88), companions=("I10",)),
    Illness("N39.0", "Nhiễm trùng hệ tiết niệu, vị trí không xác định", "Tiểu buốt",
            ("ciprofloxacin", "paracetamol"), ("urine", "ultrasound", "creatinine"), (20, 80)),
    Illness("H10.9", "Viêm kết mạc, không đặc hiệu", "Đỏ mắt", ("eye-drops", "loratadine"), (), (6, 75)),
    Illness("L30.9", "Viêm da, không đặc hiệu", "Ngứa da", ("cream", "loratadine"), (), (4, 75)),
)  # fmt: skip
CHILD_ILLNESSES: Final = (
    Illness("J02.9", "Viêm họng cấp, không phân loại", "Sốt, đau họng",
            ("paracetamol-syrup", "amoxicillin", "acetylcysteine"), ("blood-count",), (1, 14)),
    Illness("J21.9", "Viêm tiểu phế quản cấp, không phân loại", "Khò khè",
            ("salbutamol", "paracetamol-syrup", "azithromycin"), ("chest-x-ray", "nebulizer"), (0.25, 2)),
    Illness("A09.9", "Viêm dạ dày - ruột và đại tràng không rõ nguyên nhân", "Tiêu chảy",
            ("oresol", "paracetamol-syrup"), ("blood-count", "electrolytes"), (0.5, 10)),
    Illness("B08.4", "Viêm miệng mụn nước do vi rút đường ruột với phát ban", "Sốt, nổi ban",
            ("paracetamol-syrup", "oresol"), ("blood-count",), (0.6, 6)),
)  # fmt: skip
EMERGENCY_ILLNESSES: Final = (
    Illness("S01.9", "Vết thương hở của đầu, phần không xác định", "Tai nạn sinh hoạt",
            ("amoxiclav", "paracetamol"), ("suture", "head-scan"), (8, 80)),
    Illness("J45.9", "Hen phế quản, không phân loại", "Khó thở",
            ("salbutamol", "prednisolone"), ("nebulizer", "chest-x-ray", "ecg"), (10, 70)),
    Illness("N20.0", "Sỏi thận", "Đau quặn thắt lưng",
            ("tramadol", "saline", "ciprofloxacin"), ("ultrasound", "urine", "creatinine"), (22, 70)),
)  # fmt: skip
INPATIENT_ILLNESSES: Final = (
    Illness("J18.9", "Viêm phổi, không đặc hiệu", "Ho, sốt, khó thở",
            ("ceftriaxone", "salbutamol", "paracetamol", "acetylcysteine", "saline"),
            ("blood-count", "crp", "chest-x-ray", "electrolytes", "creatinine"), (20, 88),
            companions=("I10",)),
    Illness("I50.9", "Suy tim, không đặc hiệu", "Khó thở, phù chân",
            ("furosemide", "perindopril", "enoxaparin", "atorvastatin", "esomeprazole"),
            ("ecg", "chest-x-ray", "electrolytes", "urea", "creatinine"), (50, 88), companions=("I10",
            "E11.9")),
    Illness("I63.9", "Nhồi máu não, không đặc hiệu", "Yếu nửa người",
            ("atorvastatin", "amlodipine", "enoxaparin", "saline", "esomeprazole"),
            ("head-scan", "ecg", "glucose", "lipids", "blood-count"), (48, 88), companions=("I10",)),
    Illness("A97.1", "Sốt xuất huyết Dengue có dấu hiệu cảnh báo", "Sốt cao ngày thứ ba",
            ("paracetamol", "ringer", "oresol"), ("dengue", "blood-count", "ast", "alt", "ultrasound"), (7,
            60)),
    Illness("J44.1", "Bệnh phổi tắc nghẽn mãn tính có đợt cấp, không phân loại", "Khó thở tăng",
            ("ceftriaxone", "salbutamol", "prednisolone", "acetylcysteine"),
            ("chest-x-ray", "blood-count", "crp", "nebulizer"), (50, 85)),
)  # fmt: skip
SURGICAL_ILLNESSES: Final = (
    Illness("K35.8", "Viêm ruột thừa cấp, khác và không xác định", "Đau hố chậu phải",
            ("ceftriaxone", "tramadol", "saline", "paracetamol"), ("ultrasound", "blood-count", "crp"),
            (10, 70), surgery="appendix"),
    Illness("K80.2", "Sỏi túi mật không có viêm túi mật", "Đau hạ sườn phải",
            ("ceftriaxone", "tramadol", "ringer", "esomeprazole"), ("ultrasound", "ast", "alt",
            "blood-count"),
            (28, 75), surgery="gallbladder"),
    Illness("S52.5", "Gãy đầu dưới xương quay", "Ngã chống tay",
            ("cefuroxime", "tramadol", "paracetamol"), ("limb-x-ray", "blood-count"), (16, 70),
            surgery="forearm"),
)  # fmt: skip
PREGNANCY_ILLNESSES: Final = (
    Illness("O20.0", "Dọa sảy thai", "Đau bụng, ra huyết khi mang thai",
            ("progesterone",), ("obstetric-ultrasound", "blood-count"), (19, 40), "female"),
)  # fmt: skip
DELIVERIES: Final = (
    Illness("O80.0", "Đẻ ngôi đỉnh tự nhiên", "Thai đủ tháng, đau bụng từng cơn",
            ("oxytocin", "paracetamol", "saline"),
            ("obstetric-ultrasound", "blood-count", "urine", "delivery"), (19, 42), "female"),
    Illness("O82.0", "Mổ lấy thai chủ động", "Thai đủ tháng, vết mổ cũ",
            ("oxytocin", "ceftriaxone", "saline"), ("obstetric-ultrasound", "blood-count", "urine"),
            (19, 42), "female", surgery="caesarean"),
)  # fmt: skip
HIV_ILLNESSES: Final = (
    Illness("B20.9", "Bệnh do HIV gây ra bệnh nhiễm trùng hoặc ký sinh trùng không xác định",
            "Tái khám, nhận thuốc ARV", ("arv",), ("viral-load", "creatinine", "alt"), (19, 60)),
)  # fmt: skip
TUBERCULOSIS_ILLNESSES: Final = (
    Illness("A15.0", "Lao phổi, xác nhận bằng soi đờm có hoặc không có nuôi cấy", "Ho kéo dài, sốt về chiều",
            ("anti-tuberculosis",), ("sputum", "chest-x-ray", "alt"), (20, 80)),
)  # fmt: skip
