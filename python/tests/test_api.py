"""The functions: what they report, and which error stands for what."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import smaudit


def test_an_audit_reports_every_byte_that_is_on_the_disk(bloated):
    report = smaudit.audit(bloated)
    model = report.model
    assert model.total_bytes == sum(file.stat().st_size for file in bloated.rglob("*") if file.is_file())
    assert sum(model.categories.values()) == model.total_bytes
    assert sum(row.bytes for row in model.breakdown.rows) == model.total_bytes
    assert [finding.id for finding in model.findings] == ["constant-in-every-metagraph", "extra-metagraph"]
    assert model.meta_graphs[1].tags == ("serve",)


def test_what_is_asked_for_is_what_the_breakdown_has(bloated):
    by_op = smaudit.audit(bloated, by=["category", "op"]).model.breakdown
    assert by_op.by == ("category", "op") and by_op.rows[0].children[0].name == "Const"
    constants = smaudit.audit(str(bloated), by="node", only={"op": "Const"}).model.breakdown
    assert [(each.dimension, each.glob) for each in constants.only] == [("op", "Const")]
    assert sum(row.bytes for row in constants.rows) < sum(row.bytes for row in by_op.rows)
    both = smaudit.audit(bloated, by="node", only=[("op", "C*"), ("op", "Cast")]).model.breakdown
    assert {row.count for row in both.rows} == {1}


def test_verify_reads_every_tensor_and_min_duplicate_decides_what_is_compared(bloated):
    verified = smaudit.audit(bloated, verify=True).model.checkpoint
    assert verified is not None and verified.verified is not None and verified.verified.tensors == 1
    few = smaudit.audit(bloated, min_duplicate="1MB").model.duplicates
    many = smaudit.audit(bloated, min_duplicate=16).model.duplicates
    assert few.redundant_bytes < many.redundant_bytes


def test_a_report_is_immutable_compares_by_value_and_crosses_processes(bloated):
    report = smaudit.audit(bloated)
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.model.total_bytes = 0  # type: ignore[misc]
    assert report == smaudit.audit(bloated)
    assert pickle.loads(pickle.dumps(report)) == report
    assert dataclasses.asdict(report)["models"][0]["total_bytes"] == report.model.total_bytes


def test_a_report_is_read_again_from_the_json_that_it_gives(bloated, tmp_path):
    report = smaudit.audit(bloated)
    assert smaudit.Report.from_json(report.to_json()) == report
    assert json.loads(report.to_json())["totals"]["bytes"] == report.totals.bytes
    with pytest.raises(ValueError, match="schema_version"):
        smaudit.Report.from_json("{}")


def test_a_report_is_a_line_in_a_prompt(bloated):
    report = smaudit.audit(bloated)
    assert repr(report) == "<Report models=1 bytes=118316 findings_bytes=79779 rules passed>"
    assert repr(report.model) == f"<ModelReport {str(bloated)!r} total_bytes=118316 findings_bytes=79779>"


def test_keys_of_a_newer_tool_are_kept_and_no_error(bloated):
    fields = json.loads(smaudit.audit(bloated).to_json())
    fields["models"][0]["colour"] = "green"
    assert smaudit.Report.from_json(json.dumps(fields)).model.colour == "green"


def test_a_tree_is_a_report_of_several_models():
    report = smaudit.audit("fixtures")
    assert len(report.models) == report.totals.models > 1
    with pytest.raises(ValueError, match="models"):
        _ = report.model


def test_a_limit_that_holds_gives_the_report_and_one_that_does_not_names_the_rule(healthy, bloated):
    assert smaudit.check(healthy, max_avoidable=0, max_duplication="0%", max_size="1MB").gate.passed
    with pytest.raises(smaudit.RuleBroken, match="at most 5%") as caught:
        smaudit.check(bloated, max_avoidable="5%", max_size={"total": "1GB", "graph_def": 1000})
    broken = caught.value
    assert [rule.metric for rule in broken.rules] == ["avoidable", "graph_def"]
    assert broken.exit_code == 1 and broken.report.model.path == str(bloated)
    assert len(broken.report.gate.rules) == 3


def test_growth_is_measured_from_a_model(healthy, bloated):
    assert smaudit.check(healthy, baseline=healthy, max_growth=0).gate.passed
    with pytest.raises(smaudit.RuleBroken, match="growth"):
        smaudit.check(bloated, baseline=healthy, max_growth="10%")


def test_rules_of_a_file_are_an_error_of_check_and_a_part_of_the_report_of_audit(bloated, tmp_path):
    config = tmp_path / "rules.toml"
    config.write_text('[[rule]]\nmetric = "total"\nlimit = 1\n')
    assert not smaudit.audit(bloated, config=config).gate.passed
    with pytest.raises(smaudit.RuleBroken):
        smaudit.check(bloated, config=config)


def test_a_model_that_no_loader_restores_is_not_whole_and_what_could_be_read_is_there(half, pointer):
    for model, word in ((half, "variables"), (pointer, "Git LFS")):
        with pytest.raises(smaudit.NotWhole, match=word) as caught:
            smaudit.check(model, max_size="1TB")
        report = caught.value.report
        assert report is not None and report.model.problems[0].kind == "not-whole"


def test_a_path_without_a_model_is_unreadable(tmp_path):
    with pytest.raises(smaudit.UnreadableModel, match="cannot be read") as caught:
        smaudit.audit(tmp_path / "nowhere")
    assert not isinstance(caught.value, smaudit.NotWhole)
    assert caught.value.exit_code == 3 and caught.value.report is not None
    assert caught.value.report.unreadable[0].path.endswith("nowhere")


def test_wrong_usage_says_what_the_tool_says(healthy):
    for call, word in (
        (lambda: smaudit.check(healthy, max_size="0.05"), "0.05"),
        (lambda: smaudit.audit(healthy, by="colour"), "colour"),  # type: ignore[arg-type]
        (lambda: smaudit.audit(healthy, config="nowhere.toml"), "nowhere.toml"),
        (lambda: smaudit.explain("layer-trace"), "layer-traces"),
        (lambda: smaudit.check(healthy, baseline="nowhere.json", max_growth=1), "nowhere.json"),
    ):
        with pytest.raises(smaudit.UsageError, match=word):
            call()


def test_errors_cross_processes_with_what_they_hold(bloated):
    with pytest.raises(smaudit.RuleBroken) as caught:
        smaudit.check(bloated, max_size=1)
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is smaudit.RuleBroken and str(again) == str(caught.value)
    assert again.rules == caught.value.rules and again.report == caught.value.report


def test_a_mistake_of_the_tool_and_a_signal_are_said(stand_in, healthy):
    stand_in("import sys; print('smaudit: the books do not balance', file=sys.stderr); sys.exit(70)")
    with pytest.raises(smaudit.InternalError, match=r"^the books do not balance$"):
        smaudit.audit(healthy)
    stand_in("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(smaudit.SmauditError, match="SIGKILL") as caught:
        smaudit.audit(healthy)
    assert caught.value.exit_code == -9
    stand_in("print('no json')")
    with pytest.raises(smaudit.SmauditError, match="cannot be read"):
        smaudit.audit(healthy)


def test_a_path_is_never_an_option_nor_standard_input(tmp_path, monkeypatch, healthy):
    monkeypatch.chdir(tmp_path)
    healthy.rename(tmp_path / "--help")
    assert smaudit.audit("--help").model.total_bytes == 20797
    (tmp_path / "--help").rename(tmp_path / "-")
    assert smaudit.audit(Path("-")).model.total_bytes == 20797


@pytest.mark.skipif(sys.platform != "linux", reason="file systems of others take no such names")
def test_names_that_are_no_utf_8_are_paths_too(healthy):
    name = os.fsencode(healthy) + b"-\xff"
    os.rename(healthy, name)
    assert smaudit.audit(os.fsdecode(name)).model.total_bytes == 20797


def test_nothing_is_printed_whatever_happens(bloated, half, capfd, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    smaudit.audit(bloated)
    with pytest.raises(smaudit.RuleBroken) as caught:
        smaudit.check(bloated, max_size=1)
    assert "::" not in str(caught.value)
    with pytest.raises(smaudit.NotWhole):
        smaudit.audit(half)
    assert capfd.readouterr() == ("", "")


def test_a_smaller_model_is_written_beside_and_saves_what_is_said(healthy, tmp_path):
    (healthy / "variables" / "variables.data-00007-of-00009").write_bytes(bytes(5000))
    tried = smaudit.slim(healthy, tmp_path / "smaller", dry_run=True)
    assert not (tmp_path / "smaller").exists() and not tried.written
    report = smaudit.slim(str(healthy), tmp_path / "smaller")
    assert report.written and report.saved_bytes == tried.saved_bytes == 5000
    assert sum(step.saved_bytes for step in report.steps) == 5000
    assert smaudit.audit(tmp_path / "smaller").model.total_bytes == report.new_bytes == 20797
    with pytest.raises(smaudit.UsageError, match="smaller"):
        smaudit.slim(healthy, tmp_path / "smaller")
    with pytest.raises(smaudit.NothingWritten, match="nothing to gain") as caught:
        smaudit.slim(healthy, tmp_path / "none", skip=["stale-files"])
    assert not caught.value.report.written and not (tmp_path / "none").exists()
    packed = smaudit.slim([healthy, tmp_path / "smaller"], tmp_path / "both.tar.gz", skip=["alias"])
    assert packed.packed_bytes == (tmp_path / "both.tar.gz").stat().st_size


def test_a_model_with_problems_is_not_slimmed(half, tmp_path):
    with pytest.raises(smaudit.NotWhole, match="variables"):
        smaudit.slim(half, tmp_path / "smaller")
    with pytest.raises(smaudit.UnreadableModel):
        smaudit.slim(tmp_path / "nowhere", tmp_path / "smaller")
    with pytest.raises(smaudit.UsageError):
        smaudit.slim(half, tmp_path / "smaller", level="all")


def test_a_diff_adds_up_is_its_own_opposite_and_takes_reports(healthy, bloated, half, tmp_path):
    changed = smaudit.diff(healthy, str(bloated))
    assert changed.delta_bytes == changed.new.total_bytes - changed.old.total_bytes == 118316 - 20797
    assert sum(change.delta for change in changed.categories.values()) == changed.delta_bytes
    assert smaudit.diff(bloated, healthy).delta_bytes == -changed.delta_bytes
    assert smaudit.diff(healthy, healthy).delta_bytes == 0
    reports = smaudit.diff(smaudit.audit(healthy), smaudit.audit(bloated))
    assert reports.delta_bytes == changed.delta_bytes
    assert "+97,519 bytes" in changed._repr_html_() and "delta_bytes=97519" in repr(changed)
    assert smaudit.diff(healthy, bloated, by="op").breakdown.by == ("op",)
    with pytest.raises(smaudit.NotWhole):
        smaudit.diff(healthy, half)
    with pytest.raises(smaudit.UnreadableModel):
        smaudit.diff(healthy, tmp_path / "nowhere")
    with pytest.raises(smaudit.UsageError):
        smaudit.diff(healthy, bloated, by="colour")  # type: ignore[arg-type]


def test_threads_audit_at_the_same_time(healthy, bloated):
    paths = [healthy, bloated] * 16
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        sizes = [report.model.total_bytes for report in pool.map(smaudit.audit, paths)]
    assert sizes == [20797, 118316] * 16


@pytest.mark.skipif(sys.platform == "win32", reason="a signal to one process only")
def test_an_interrupt_ends_the_binary(stand_in, tmp_path):
    started = tmp_path / "started"
    stand_in(
        "import os, pathlib, time\n"
        f"part = pathlib.Path({str(tmp_path / 'part')!r}); part.write_text(str(os.getpid()))\n"
        f"part.rename({str(started)!r})\n"
        "time.sleep(600)"
    )
    # Who runs the tests in the background may have told them to ignore interrupts.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{heed}\nimport smaudit\ntry:\n smaudit.audit('x')\nexcept KeyboardInterrupt:\n print('interrupted')"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        while not started.exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert output == "interrupted\n"
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)


def test_importing_costs_no_other_package_and_audits_start_none():
    code = (
        "import sys; before = set(sys.modules); import smaudit; dir(smaudit)\n"
        "print(sorted(set(sys.modules) - before - {'smaudit'}))\n"
        "smaudit.audit('fixtures/partitioned')\n"
        "print([name for name in ('tensorflow', 'keras', 'pandas', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n[]\n"


def test_everything_that_is_offered_is_there():
    for name in smaudit.__all__:
        assert getattr(smaudit, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = smaudit.nothing  # type: ignore[attr-defined]


def test_a_guard_checks_what_the_block_wrote(healthy, bloated, tmp_path):
    with smaudit.guard(tmp_path / "later", max_avoidable="5%") as guarded:
        healthy.rename(tmp_path / "later")
    assert guarded.report.model.total_bytes == 20797
    with pytest.raises(smaudit.RuleBroken), smaudit.guard(bloated, max_avoidable="5%"):
        pass
    assert bloated.exists()
    with pytest.raises(smaudit.UnreadableModel), smaudit.guard(tmp_path / "nothing written"):
        pass


def test_a_guard_leaves_the_error_of_the_block_alone(tmp_path):
    with pytest.raises(ZeroDivisionError), smaudit.guard(tmp_path / "nothing"):
        _ = 1 / 0


def test_the_main_thread_is_not_needed(bloated):
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(smaudit.audit(bloated).totals.bytes))
    thread.start()
    thread.join()
    assert found == [118316]
