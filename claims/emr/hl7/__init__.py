"""HL7 v2 messages, versions 2.3 to 2.5.1 and kin, folded into one `Encounter` for each visit.

`reading.read_hl7` is the way in; `options.Hl7Options` says what a hospital's systems are called.
"""
