"""Tests of the clinic: examinations, records, the hospital's network."""
