"""Tests of what pages are made of, without a browser."""
