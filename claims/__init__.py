"""eHoSo: build, sign, check, deliver and review Vietnamese health insurance claims."""
