"""The command line itself: help, exit statuses, and one line for every refusal."""

import errno
import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from vptbench import cli
from vptbench.cli import COMMANDS, main
from vptbench.cli.options import echo_table, finish, resolve_claims, resolve_device
from vptbench.errors import StoreError, UsageError
from vptbench.leaderboard import read_board
from vptbench.leaderboard.entry import CLAIMS
from vptbench.scorefile import write_scores


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def walk(command, path=()):
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from walk(command.get_command(context, name), (*path, name))


@pytest.mark.parametrize(("path", "command"), list(walk(main)))
def test_every_command_explains_itself(path, command):
    result = run(*path, "--help")
    assert result.exit_code == 0
    assert command.help
    unexplained = [
        parameter.name
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.help
    ]
    assert unexplained == []


HELP = (
    "import sys; from vptbench import cli; cli.main(['-h'], standalone_mode=0); print('torch' in sys.modules)"
)


def test_help_lists_all_commands_and_needs_no_torch():
    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout


def test_unknown_command_is_status_2():
    assert run("scroe").exit_code == 2


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (StoreError("expected a,\n  got b"), "Error: expected a, got b\n"),
        (
            OSError(errno.ENOSPC, "No space left on device", "out/a"),
            "Error: out/a: the system refused: No space left",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "out"),
            "Error: out: the system refused: Permission denied",
        ),
    ],
)
def test_errors_become_one_line_and_status_2(monkeypatch, error, line):
    @click.command()
    def failing():
        raise error

    monkeypatch.setattr(cli.LazyGroup, "get_command", lambda *_: failing)
    result = run("synth")
    assert result.exit_code == 2
    assert result.output.startswith(line)
    assert result.output.count("\n") == 1


def test_a_bug_is_not_hidden(monkeypatch):
    @click.command()
    def failing():
        raise ZeroDivisionError

    monkeypatch.setattr(cli.LazyGroup, "get_command", lambda *_: failing)
    assert isinstance(run("synth").exception, ZeroDivisionError)


def test_check_wants_one_of_our_folders(tmp_path):
    result = run("check", tmp_path)
    assert result.exit_code == 2
    manifests = ("store", "pack", "export", "outputs", "scores", "robustness", "run")
    text = ", ".join(f"{name}.json" for name in manifests) + ", or a leaderboard's CSV, found none"
    assert text in result.output
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "text.txt").write_text("")
    for name in ("folder.csv", "text.txt", "missing.csv"):
        result = run("check", tmp_path / name)
        assert (result.exit_code, text in result.output) == (2, True)


def test_a_board_is_kept_with_claims_and_checked(tmp_path, make_scores):
    write_scores(tmp_path / "scores", make_scores())
    board = tmp_path / "b.csv"
    claims = ("--trained-on", "nothing", "--commit", "abc", "--command", "make frames")
    assert run("leaderboard", "add", tmp_path / "scores", "--board", board, *claims).exit_code == 0
    (entry,) = read_board(board).entries
    assert [entry.facts[name] for name in CLAIMS] == ["nothing", "abc", "make frames"]
    result = run("check", board)
    assert (result.exit_code, result.output) == (0, f"{board}: whole\n")
    board.write_text(board.read_text().replace("make frames", "magic"))
    result = run("check", board)
    assert result.exit_code == 1
    assert "row 'mesh_warp': expected the row as it was added" in result.output
    assert result.output.endswith("1 problems\n")


def test_a_gpu_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert (resolve_device("auto"), resolve_device("cpu")) == ("cpu", "cpu")
    with pytest.raises(UsageError, match="expected a GPU for --device cuda, found none"):
        resolve_device("cuda")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert (resolve_device("auto"), resolve_device("cuda"), resolve_device("cpu")) == ("cuda", "cuda", "cpu")


def test_failed_clips_are_listed_with_status_1(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        finish("2 clips done", ["a"], {"b": "no frames"}, tmp_path)
    assert stop.value.code == 1
    assert (
        capsys.readouterr().out
        == f"{tmp_path}: 2 clips done, 1 were there already, 1 failed:\n  b: no frames\n"
    )
    with pytest.raises(SystemExit) as stop:
        finish("2 clips done", [], {}, tmp_path)
    assert stop.value.code == 0


def test_claims_are_pairs():
    assert resolve_claims(["model = mine", "note=a=b"]) == {"model": "mine", "note": "a=b"}
    with pytest.raises(UsageError, match="expected a claim such as model=NAME, got 'model'"):
        resolve_claims(["model"])


def test_tables_are_aligned_or_json(capsys):
    rows = [{"id": "a", "n": 10}, {"id": "long", "n": 2}]
    echo_table(rows, as_json=False)
    assert capsys.readouterr().out == "id    n\na     10\nlong  2\n"
    echo_table(rows, as_json=True)
    assert json.loads(capsys.readouterr().out) == rows
    echo_table([], as_json=False)
    assert capsys.readouterr().out == ""


def test_weights_and_doctor_say_what_is_missing(tmp_path):
    (tmp_path / "i3d_torchscript.pt").write_bytes(b"another file")
    rows = json.loads(run("weights", "list", "--json", "--weights-dir", tmp_path).output)
    states = dict.fromkeys(["alexnet", "vgg16", "inception-fid", "inception-torchvision"], "missing")
    states["i3d-kinetics400"] = "damaged"
    states["vgg19"] = "missing"
    assert {row["network"]: row["state"] for row in rows} == states
    result = run("weights", "verify", "--weights-dir", tmp_path)
    assert result.exit_code == 2
    assert [line.partition(":")[0] for line in result.output.splitlines()] == [*states, "Error"]
    assert "vptbench weights fetch" in result.output
    assert f"expected all 6 networks, could not have {', '.join(states)}" in result.output
    findings = json.loads(run("doctor", "--json", "--weights-dir", tmp_path).output)
    assert {row["what"]: row["state"] for row in findings}["alexnet"] == "missing"
    assert {row["what"] for row in findings} >= {"python", "decord", "GPU", "disk"}
