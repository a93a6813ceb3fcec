"""eHoSo: build, sign, check, deliver and review Vietnamese health insurance claims."""

__version__ = "0.1.0"
