"""The papers that go with a claim, XML6 to XML15: what each holds, and when it belongs to a visit."""
