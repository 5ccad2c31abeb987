"""What runs in a CI: the shell of the Action, of the comment and of the GitLab job, as a runner does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import smaudit
from smaudit import ci, hook

yaml = pytest.importorskip("yaml")
ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32" or not shutil.which("bash"), reason="needs bash")


class Runner:
    """A runner's environment, which runs the `run` of steps."""

    def __init__(self, folder: Path, work: Path) -> None:
        self.work = work
        self.temp = folder / "runner"
        (self.temp / "smaudit").mkdir(parents=True)
        (self.temp / "smaudit" / "smaudit").symlink_to(Path(smaudit.__file__).parent)
        self.bin = folder / "bin"
        self.bin.mkdir()
        (self.bin / "python3").symlink_to(sys.executable)
        for name in ("output", "summary"):
            (folder / name).touch()
        self.output, self.summary = folder / "output", folder / "summary"
        self.environment = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "HOME": str(folder),
            "SMAUDIT_BINARY": smaudit.find_binary(),
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_REPOSITORY": "owner/models",
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "RUNNER_TEMP": str(self.temp),
        }

    def run(self, script: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script],
            cwd=self.work, env={**self.environment, **environment}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def outputs(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.output.read_text().splitlines())

    def action(self, step: str, base: str = "", **inputs: str) -> subprocess.CompletedProcess[str]:
        """Runs a step of action.yml as the runner does, with its inputs in `env`."""
        action = yaml.safe_load((ROOT / "action.yml").read_text())
        values = {name: given.get("default", "") for name, given in action["inputs"].items()}
        values |= {name.replace("_", "-"): value for name, value in inputs.items()}
        (found,) = [each for each in action["runs"]["steps"] if each["name"] == step]
        assert "${{" not in found["run"], "inputs reach the shell through env only"
        environment = {}
        for name, expression in found["env"].items():
            if match := re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", expression):
                environment[name] = values[match[1]]
            else:
                assert "github.event" in expression
                environment[name] = base
        return self.run(found["run"], environment)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    folder = tmp_path / "runner's"
    folder.mkdir()
    return Runner(folder, tmp_path)


def test_the_action_passes_a_model_that_keeps_to_its_limits(runner, healthy):
    done = runner.action("Audit", path="healthy", max_avoidable="5%", max_size="1MB\nvariables=50kB\n")
    assert done.returncode == 0, done.stderr
    assert runner.outputs() == {
        "exit-code": "0", "report": f"{runner.temp}/smaudit-report.json", "avoidable-bytes": "0"
    }  # fmt: skip
    report = smaudit.Report.from_json(Path(runner.outputs()["report"]).read_text())
    assert len(report.gate.rules) == 3 and report.model.path == "healthy"
    assert "healthy" in runner.summary.read_text()


def test_the_action_fails_a_model_that_does_not_and_says_so_once(runner, bloated):
    done = runner.action("Audit", path="bloated", max_avoidable="5%")
    assert done.returncode == 1
    assert done.stderr.count("::error") == 1
    assert runner.outputs()["exit-code"] == "1" and runner.outputs()["avoidable-bytes"] == "79779"
    assert "constant-in-every-metagraph" in runner.summary.read_text()


def test_a_broken_rule_may_be_shown_only_but_a_model_that_is_not_whole_is_an_error_all_the_same(runner, bloated, half):
    assert runner.action("Audit", path="bloated", max_size="1kB", fail="false").returncode == 0
    assert runner.outputs()["exit-code"] == "1"
    runner.output.write_text("")
    done = runner.action("Audit", path="half", max_size="1MB", fail="false")
    assert done.returncode == 3 and runner.outputs()["exit-code"] == "3"
    assert runner.outputs()["report"] and runner.outputs()["avoidable-bytes"] == "0"


def test_a_missing_model_and_wrong_usage_have_exit_codes_of_their_own(runner, healthy):
    done = runner.action("Audit", path="nowhere")
    assert done.returncode == 3 and "nowhere" in done.stderr
    runner.output.write_text("")
    done = runner.action("Audit", path="healthy", max_size="a lot")
    assert done.returncode == 2
    assert runner.outputs() == {"exit-code": "2", "report": "", "avoidable-bytes": ""}


def test_no_input_of_the_action_is_a_command_or_an_option(runner, healthy):
    evil = "$(touch pwned); touch pwned `touch pwned` --output=pwned"
    for inputs in ({"path": evil}, {"max_size": evil}, {"config": evil}, {"baseline": evil}, {"max_growth": evil}):
        runner.action("Audit", **{"path": "healthy", **inputs})
    runner.action("Audit", path="--output=pwned")
    runner.action("The model at the merge base", base="0" * 40, path=evil)
    runner.action("Install smaudit", version="1.0; touch pwned")
    assert not list(runner.work.rglob("pwned"))


def test_several_models_and_names_with_spaces_are_one_a_line(runner, healthy, bloated):
    healthy.rename(healthy.parent / "my model")
    done = runner.action("Audit", path="my model\n\nbloated\n")
    assert done.returncode == 0, done.stderr
    report = smaudit.Report.from_json((runner.temp / "smaudit-report.json").read_text())
    assert [model.path for model in report.models] == ["my model", "bloated"]


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(runner, healthy) -> str:
    """A repository in which main has a model, and a branch makes it larger; gives main's commit."""
    git(runner.work, "init", "-q")
    git(runner.work, "add", "healthy")
    git(runner.work, "commit", "-qm", "a model")
    base = git(runner.work, "rev-parse", "HEAD")
    git(runner.work, "checkout", "-qb", "larger")
    (healthy / "assets.extra").mkdir()
    (healthy / "assets.extra" / "more").write_bytes(bytes(range(256)) * 40)
    git(runner.work, "add", "healthy")
    git(runner.work, "commit", "-qm", "a larger model")
    return base


def test_growth_is_measured_from_the_model_at_the_merge_base(runner, repository):
    assert runner.action("The model at the merge base", base=repository, path="./healthy/").returncode == 0
    done = runner.action("Audit", path="healthy", baseline="merge-base", max_growth="1%")
    assert done.returncode == 1 and "growth" in done.stderr
    done = runner.action("Audit", path="healthy", baseline="merge-base", max_growth="20kB")
    assert done.returncode == 0, done.stderr


def test_a_new_model_has_no_growth_but_other_limits(runner, repository, bloated):
    done = runner.action("The model at the merge base", base=repository, path="bloated")
    assert done.returncode == 0 and "the model is new" in done.stdout
    assert runner.action("Audit", path="bloated", baseline="merge-base", max_growth="0").returncode == 0
    assert runner.action("Audit", path="bloated", baseline="merge-base", max_avoidable="5%").returncode == 1


def test_the_commit_of_the_event_is_fetched_where_the_clone_is_shallow(runner, repository, tmp_path):
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth=1", "--branch=larger", f"file://{runner.work}", str(clone))
    git(runner.work, "config", "uploadpack.allowAnySHA1InWant", "true")
    runner.work = clone
    done = runner.action("The model at the merge base", base=repository, path="healthy")
    assert done.returncode == 0, done.stderr
    assert runner.action("Audit", path="healthy", baseline="merge-base", max_growth="1%").returncode == 1


def test_an_event_without_a_base_and_a_baseline_that_is_missing_are_wrong_usage(runner, healthy):
    done = runner.action("The model at the merge base", base="", path="healthy")
    assert done.returncode == 2 and "needs an event" in done.stdout
    assert runner.action("Audit", path="healthy", baseline="nowhere.json", max_growth="1%").returncode == 2
    assert runner.action("Audit", path="healthy", max_growth="1%").returncode == 2


def test_the_action_installs_the_wheel_of_its_own_version_and_nothing_else(runner):
    (runner.bin / "python3").unlink()
    (runner.bin / "python3").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (runner.bin / "python3").chmod(0o755)
    lines = runner.action("Install smaudit").stdout.splitlines()
    version = re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    assert version and lines[-1] == f"smaudit=={version[1]}"
    assert {"--no-deps", "--only-binary", f"{runner.temp}/smaudit"} <= set(lines)


GH = """#!/usr/bin/env bash
printf '%s\\n' "$*" >>"$GH_LOG"
case "$*" in
  *--method\\ GET*) [[ $HEAD_BRANCH == gone ]] || echo 7 ;;
  *--paginate*) [[ ! -e $GH_LOG.old ]] || printf '41\\n42\\n' ;;
  *body=@*) for last; do :; done; cp "${last#body=@}" "$GH_LOG.body" ;;
esac
"""


@pytest.fixture
def comments(runner):
    """Runs the step that comments, with a `gh` and a `pip` that only note what they are asked."""
    workflow = yaml.safe_load((ROOT / "docs/ci/model-size-comment.yml").read_text())
    (runner.bin / "gh").write_text(GH)
    (runner.bin / "gh").chmod(0o755)
    (runner.bin / "python3").unlink()
    (runner.bin / "python3").write_text(f'#!/bin/sh\n[ "$2" = pip ] || exec {sys.executable} "$@"\n')
    (runner.bin / "python3").chmod(0o755)
    log = runner.temp / "gh"
    log.touch()
    (runner.temp / "report").mkdir()

    def run(report: str, branch: str = "larger") -> tuple[subprocess.CompletedProcess[str], list[str]]:
        (runner.temp / "report" / "smaudit-report.json").write_text(report)
        environment = {"GH_LOG": str(log), "HEAD_OWNER": "fork", "HEAD_BRANCH": branch, "HEAD_SHA": "ab" * 20}
        step = workflow["jobs"]["comment"]["steps"][-1]
        assert "${{" not in step["run"] and set(environment) - {"GH_LOG"} == set(step["env"]) - {"GH_TOKEN"}
        return runner.run(step["run"], environment), log.read_text().splitlines()

    return run


def test_a_comment_is_made_once_and_then_changed(runner, comments, bloated):
    report = smaudit.audit(bloated).to_json()
    done, asked = comments(report)
    assert done.returncode == 0, done.stderr
    assert "--method POST repos/owner/models/issues/7/comments" in asked[-1]
    body = (runner.temp / "gh.body").read_text()
    assert (
        body.startswith("<!-- smaudit -->") and "| 118 kB | 79.8 kB | 67.4% | `constant-in-every-metagraph` |" in body
    )
    (runner.temp / "gh.old").touch()
    assert "--method PATCH repos/owner/models/issues/comments/41" in comments(report)[1][-1]


def test_no_comment_is_made_where_no_pull_request_has_the_commit_or_the_report_is_none(comments, bloated):
    done, asked = comments(smaudit.audit(bloated).to_json(), branch="gone")
    assert done.returncode == 0 and len(asked) == 1
    for wrong in ("", "[]", '{"schema_version": 1}', '{"schema_version": 1, "models": [1], "gate": 2}', "[" * 100_000):
        done, asked = comments(wrong)
        assert done.returncode == 3 and len(asked) == 1 and "not a report" in done.stderr


def test_what_a_fork_writes_into_its_report_mentions_nobody_and_links_nowhere(bloated):
    report = json.loads(smaudit.audit(bloated).to_json())
    evil = "x` @everyone <img src=//evil> [a](//evil) | \n# b\u202e"
    report["models"][0]["path"] = evil
    report["models"][0]["findings"][0]["id"] = evil
    report["models"][0]["problems"] = [{"kind": "not-whole", "file": evil, "offset": None, "message": evil}]
    report["gate"]["rules"] = [
        {"status": "fail", "metric": evil, "model": evil, "limit": evil, "actual_bytes": 1, "over_bytes": 1}
    ]
    text = ci.comment(smaudit.Report.from_json(json.dumps(report)))
    outside = re.sub(r"`[^`\n]*`", "", text)
    assert "everyone" in text and not re.search(r"everyone|evil|\u202e", outside)
    report["models"][0]["findings_bytes"] = evil
    with pytest.raises(ValueError, match="invalid literal"):
        ci.comment(smaudit.Report.from_json(json.dumps(report)))


def test_a_comment_is_short_whatever_a_report_has(bloated):
    report = json.loads(smaudit.audit(bloated).to_json())
    report["models"] *= 1000
    for model in report["models"]:
        model["path"] = "m" * 10_000
        model["problems"] = [{"kind": "limit", "file": None, "offset": None, "message": "p" * 10_000}] * 3
    text = ci.comment(smaudit.Report.from_json(json.dumps(report)))
    assert len(text) < 20_000 and "980 more models" in text and "2980 more problems" in text


@pytest.mark.parametrize(
    ("model", "options", "code"),
    [("healthy", "--max-avoidable=5%", 0), ("bloated", "--max-avoidable=5% --max-size=1GB", 1), ("half", "", 3),
     ("nowhere", "", 3), ("healthy", "--max-size=much", 2)],
)  # fmt: skip
def test_the_job_of_gitlab_ends_with_the_exit_code_and_has_its_reports(
    runner, healthy, bloated, half, model, options, code
):
    job = yaml.safe_load((ROOT / "docs/ci/smaudit.gitlab-ci.yml").read_text())["smaudit"]
    script = "\n".join(line for line in job["script"] if " pip " not in line)
    assert len(script.splitlines()) == len(job["script"]) - 1
    (runner.work / ".smaudit").symlink_to(runner.temp / "smaudit")
    done = runner.run(script, {"SMAUDIT_MODELS": model, "SMAUDIT_OPTIONS": options})
    assert done.returncode == code, done.stderr
    if code == 2:
        return
    issues = json.loads((runner.work / "gl-code-quality-report.json").read_text())
    assert bool(issues) is (code != 0)
    assert all({"description", "check_name", "fingerprint", "severity", "location"} == set(issue) for issue in issues)
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    metrics = (runner.work / "metrics.txt").read_text()
    assert metrics.endswith("# EOF\n") and ('smaudit_total_bytes{model="' in metrics) is (model != "nowhere")


def test_metrics_add_up_and_names_are_escaped(healthy):
    evil = healthy.parent / 'a "b" \\ c'
    healthy.rename(evil)
    text = ci.metrics(smaudit.audit(evil))
    assert r'a \"b\" \\ c"} 20797' in text
    parts = re.findall(r"smaudit_category_bytes\{.*\} (\d+)", text)
    assert sum(map(int, parts)) == 20797


def test_the_hook_checks_the_models_that_files_belong_to(healthy, bloated, capfd, monkeypatch):
    monkeypatch.chdir(healthy.parent)
    files = ["healthy/variables/variables.index", "healthy/saved_model.pb", "README.md", "gone/saved_model.pb"]
    assert hook.models_of(files) == ["healthy"]
    assert hook.main(["--max-avoidable=5%", *files]) == 0
    assert hook.main(["--max-avoidable=5%", *files, "bloated/saved_model.pb"]) == 1
    assert "bloated" in capfd.readouterr().err
    assert hook.main(["--max-size=1kB"]) == 0
    monkeypatch.chdir(healthy)
    assert hook.models_of(["variables/variables.index"]) == ["."]


def test_the_hook_judges_a_pointer_by_its_size_line(pointer, capfd, monkeypatch):
    monkeypatch.chdir(pointer.parent)
    rest = sum(file.stat().st_size for file in (pointer / "variables").iterdir())
    assert hook.sizes_of("pointer") == (40_000_000 + rest, 1)
    files = ["pointer/saved_model.pb"]
    assert hook.main(["--max-size=50MB", *files]) == 0
    assert capfd.readouterr().out == ""
    assert hook.main(["--max-size=38MiB", "--max-avoidable=5%", "--max-size=graph_def=1MB", *files]) == 1
    said = capfd.readouterr().out
    assert "FAIL: pointer: at most 38MiB; its Git LFS pointers say 40.0 MB" in said
    assert "--max-avoidable, --max-size graph_def=1MB not judged" in said


@pytest.mark.parametrize(
    ("limit", "count"),
    [("10MB", 10_000_000), ("1.5kB", 1500), ("1KiB", 1024), ("5000", 5000), ("7B", 7), ("5%", None), ("a=1MB", None)],
)
def test_limits_of_the_hook_are_those_of_the_command(limit, count):
    assert hook.limit_in_bytes(limit) == count


def test_the_hooks_that_are_offered_match_the_files_of_models():
    hooks = {each["id"]: each for each in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    assert {name: each["language"] for name, each in hooks.items()} == {"smaudit": "python", "smaudit-rust": "rust"}
    fits = re.compile(hooks["smaudit"]["files"]).search
    assert all(
        map(fits, ["saved_model.pb", "a/b/saved_model.cpb", "m/variables/variables.index", "m/assets/vocab.txt"])
    )
    assert not any(map(fits, ["README.md", "my_saved_model.pb", "variables.py"]))


@pytest.mark.parametrize("tool", ["actionlint", "zizmor", "hadolint"])
def test_linters_have_nothing_to_say(tool):
    beside = Path(sys.executable).parent / tool
    found = str(beside) if beside.exists() else shutil.which(tool)
    if not found:
        pytest.skip(f"{tool} is not installed")
    templates = [str(path) for path in sorted((ROOT / "docs/ci").glob("model-size*.yml"))]
    workflows = [str(path) for path in sorted((ROOT / ".github/workflows").glob("*.yml"))]
    commands = {
        "actionlint": [*workflows, *templates],
        "zizmor": ["--quiet", "--offline", "--no-progress", str(ROOT / "action.yml"), *workflows, *templates],
        "hadolint": [str(ROOT / "Dockerfile")],
    }
    done = subprocess.run([found, *commands[tool]], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_release_says_which_repository_it_is_from(tmp_path):
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    (step,) = [step for step in jobs["crates-io"]["steps"] if step.get("name") == "Name the repository"]
    shutil.copy(ROOT / "Cargo.toml", tmp_path)
    environment = {**os.environ, "REPOSITORY": "https://github.com/some-one/smaudit"}
    subprocess.run(["bash", "-euo", "pipefail", "-c", step["run"]], check=True, cwd=tmp_path, env=environment)
    before, after = ((folder / "Cargo.toml").read_text().splitlines() for folder in (ROOT, tmp_path))
    assert [line for line in after if line not in before] == ['repository = "https://github.com/some-one/smaudit"']
    assert len(after) == len(before) + 1 and after.index("[features]") > after.index('license = "Apache-2.0"') + 1


def test_every_action_is_pinned_by_its_hash():
    for path in [*(ROOT / ".github/workflows").glob("*.yml"), *(ROOT / "docs/ci").glob("*.yml"), ROOT / "action.yml"]:
        for uses in re.findall(r"uses: (\S+)", path.read_text()):
            assert uses == "./" or re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", uses), f"{path}: {uses}"
