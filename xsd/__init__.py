"""The schemas of each Decision, with a catalogue. Data plus one reader; knows nothing of claims."""
