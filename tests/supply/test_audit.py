"""Known vulnerabilities are told, and silence is not taken for safety."""

from __future__ import annotations

import json
from collections.abc import Mapping

from supply import audit


def audited(*packages: Mapping[str, object]) -> str:
    """What pip-audit prints."""
    return json.dumps({"dependencies": packages, "fixes": []})


def test_an_audit_without_an_answer_is_no_success() -> None:
    known = {"name": "a", "version": "1", "vulns": []}
    silent = {"name": "b", "skip_reason": "Dependency not found"}
    weak = {"name": "c", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
    assert audit.verdict(audited(known))[0] == audit.FINE
    assert audit.verdict(audited(known, silent))[0] == audit.UNANSWERED
    assert audit.verdict(audited())[0] == audit.verdict("")[0] == audit.UNANSWERED
    status, sentences = audit.verdict(audited(known, silent, weak))
    assert status == audit.FOUND
    assert "c 2: CVE-1, mended in 3" in sentences
    assert "1 of 3" in sentences[-1]
