"""Ask a public service for known vulnerabilities of everything that is locked: `make audit`.

The question is pip-audit's. It passes over packages that the service does not know, with success; here
that counts as no answer.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements-build.lock", "requirements-test.lock", "requirements-tools.lock")
FINE, FOUND, UNANSWERED = 0, 1, 2


def verdict(report: str) -> tuple[int, list[str]]:
    """Tell what pip-audit's JSON says.

    Args:
        report: what it printed; empty where the service could not be asked.

    Returns:
        FINE, FOUND or UNANSWERED, and the sentences that say so.
    """
    try:
        listed = json.loads(report)["dependencies"]
        packages = list({(one["name"], one.get("version")): one for one in listed}.values())
    except (ValueError, KeyError, TypeError):
        return UNANSWERED, [
            "The service for known vulnerabilities does not answer; nothing is known."
        ]
    silent = [package["name"] for package in packages if "vulns" not in package]
    sentences = [
        f"{package['name']} {package['version']}: {weakness['id']}, "
        + (
            f"mended in {', '.join(weakness['fix_versions'])}"
            if weakness["fix_versions"]
            else "open"
        )
        for package in packages
        for weakness in package.get("vulns", ())
    ]
    status = FOUND if sentences else UNANSWERED if silent or not packages else FINE
    if silent or not packages:
        sentences.append(
            f"The service says nothing of {len(silent)} of {len(packages)} packages; nothing is known "
            f"of these: {', '.join(silent[:8])}{' …' if len(silent) > 8 else ''}"
        )
    if not sentences:
        sentences.append(f"No vulnerability is known of {len(packages)} packages.")
    return status, sentences


def main() -> int:
    """Ask, and tell."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--service", choices=("pypi", "osv"), default="pypi")
    command = [
        sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--format=json",
        "--progress-spinner=off", f"--vulnerability-service={arguments.parse_args().service}",
        *(part for lock in LOCKS for part in ("--requirement", lock)),
    ]  # fmt: skip
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    status, sentences = verdict(asked.stdout)
    if not asked.stdout:
        sentences += asked.stderr.strip().splitlines()[-1:]
    sys.stdout.write("\n".join(sentences) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
