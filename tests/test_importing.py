"""Threads that load modules at the same time: all get whole ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULE = """
import time
time.sleep(0.3)  # the other thread comes in from the other end
import ring.{other}
name = "{own}"
def neighbour(): return ring.{other}.name
"""
TWO_ENDS = """
import importlib, sys, threading
from vmcore.importing import import_in_turn
import_in_turn()
import_in_turn()  # once more changes nothing
sys.path.insert(0, sys.argv[1])
found = {}
def load(own):
    found[own] = importlib.import_module(f"ring.{own}").neighbour()
threads = [threading.Thread(target=load, args=(own,)) for own in ("one", "two")]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sorted(found.items()))
"""
WITHOUT_GARBAGE = """
import gc, os, sys, threading, time
from vmcore.importing import import_in_turn
import_in_turn()
sys.path.insert(0, sys.argv[1])
looks = lambda: "looked" if gc.isenabled() else "waits"
import collected
print(collected.within, looks())
threading.Thread(target=lambda: __import__("slow")).start()
time.sleep(0.5)  # it is in the middle of that
child = os.fork()
if child == 0:
    os._exit(7 if gc.isenabled() else 8)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
try:
    import damaged
except SyntaxError:
    print(looks())
gc.disable()
import colorsys
print(looks())
"""
COLLECTED = """
import gc, json.tool
within = "looked" if gc.isenabled() else "waits"
"""
FORKED = """
import os, sys, threading, time
from vmcore.importing import import_in_turn
import_in_turn()
sys.path.insert(0, sys.argv[1])
threading.Thread(target=lambda: __import__("slow")).start()
time.sleep(0.5)  # it is in the middle of that
child = os.fork()
if child == 0:
    import colorsys
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
FORKS = """
import os
child = os.fork()
if child:
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""
FORKED_WITHIN = """
import os, sys
from vmcore.importing import import_in_turn
import_in_turn()
sys.path.insert(0, sys.argv[1])
import forks
if not forks.child:
    import colorsys
    os._exit(7)
print(forks.status)
"""
WAITS_FOR_ITSELF = """
import threading
def load():
    for number in range(5):
        __import__(f"small{number}")
thread = threading.Thread(target=load)
thread.start()
thread.join()
"""
WAITED = """
import logging, sys, time
from vmcore import importing
importing._WAIT_S = 1.0
importing.import_in_turn()
sys.path.insert(0, sys.argv[1])
start = time.monotonic()
import waits_for_itself
print(1 <= time.monotonic() - start < 4, {f"small{number}" for number in range(5)} <= set(sys.modules))
"""
ONE_PAGE_LOADS = """
import sys
from pages.parts import new_run, run_view, study_view
print(sorted({"torch", "timm", "sklearn"} & set(sys.modules)))
"""


def said(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_modules_that_import_each_other_are_whole_for_threads_from_both_ends(
    tmp_path: Path,
) -> None:
    (tmp_path / "ring").mkdir()
    (tmp_path / "ring/__init__.py").touch()
    for own, other in (("one", "two"), ("two", "one")):
        (tmp_path / f"ring/{own}.py").write_text(MODULE.format(own=own, other=other))
    assert said(TWO_ENDS, str(tmp_path)) == "[('one', 'two'), ('two', 'one')]"


def test_a_forked_process_does_not_wait_for_a_thread_that_it_has_not(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time; time.sleep(3)")
    assert said(FORKED, str(tmp_path)) == "7"


def test_nothing_looks_for_garbage_until_a_module_and_what_it_loads_are_there(
    tmp_path: Path,
) -> None:
    (tmp_path / "collected.py").write_text(COLLECTED)
    (tmp_path / "slow.py").write_text("import time; time.sleep(3)")
    (tmp_path / "damaged.py").write_text("def:")
    assert said(WITHOUT_GARBAGE, str(tmp_path)).splitlines() == [
        "waits looked", "7", "looked", "waits",  # who had it wait before is asked
    ]  # fmt: skip


def test_a_module_that_forks_is_loaded_in_both_processes(tmp_path: Path) -> None:
    (tmp_path / "forks.py").write_text(FORKS)
    assert said(FORKED_WITHIN, str(tmp_path)) == "7"


def test_a_module_that_waits_for_its_own_thread_is_held_up_once(tmp_path: Path) -> None:
    (tmp_path / "waits_for_itself.py").write_text(WAITS_FOR_ITSELF)
    for number in range(5):
        (tmp_path / f"small{number}.py").touch()
    assert said(WAITED, str(tmp_path)) == "True True"


def test_the_training_page_loads_nothing_that_trains() -> None:
    assert said(ONE_PAGE_LOADS) == "[]"
