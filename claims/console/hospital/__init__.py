"""What staff of a facility work with: handing in, checking, deadlines, questions, the first day."""
