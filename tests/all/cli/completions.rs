//! Completions, driven as a shell drives them.

use std::path::Path;
use std::process::Command;

use support::files::tree;

use crate::run::{finished, run};

/// What bash offers where `line` ends, in a directory with the folder `my_model` and the file `rules.toml`.
fn bash(line: &str) -> Vec<String> {
    let directory = tree(&[("my_model/saved_model.pb", b""), ("rules.toml", b"")]);
    let script = run(&directory, "completions bash").exits(0).stdout;
    std::fs::write(directory.path().join("script"), script).unwrap();
    // As readline does: the words, the one that is completed, and the function that is registered for the command. Where
    // that offers nothing, `-o default` has bash offer files.
    let driver = r#"
        . ./script
        COMP_LINE=$1 COMP_POINT=${#1}
        read -ra COMP_WORDS <<< "$1"
        [[ $1 == *' ' ]] && COMP_WORDS+=('')
        COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
        word=${COMP_WORDS[COMP_CWORD]}
        _smaudit smaudit "$word" "${COMP_WORDS[COMP_CWORD-1]}"
        (( ${#COMPREPLY[@]} )) || COMPREPLY=($(compgen -f -- "$word"))
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut command = Command::new("bash");
    let command = command.args(["--norc", "-c", driver, "bash", line]).current_dir(&directory);
    finished(command.output().unwrap()).exits(0).stdout.lines().map(str::to_owned).collect()
}

#[track_caller]
fn offers(line: &str, expected: &[&str]) {
    assert_eq!(bash(line), expected, "{line}");
}

#[test]
fn bash_completes_commands_ids_dimensions_and_files() {
    offers("smaudit expl", &["explain"]);
    offers("smaudit explain opt", &["optimizer-state"]);
    offers("smaudit schema ba", &["baseline"]);
    offers("smaudit my_model --by sco", &["scope"]);
    offers("smaudit my_model --by op,scope,f", &["op,scope,field", "op,scope,function", "op,scope,file"]);
    offers("smaudit my_model --format json", &["json", "jsonl"]);
    offers("smaudit my_model --max-av", &["--max-avoidable"]);
    offers("smaudit my", &["my_model"]);
    offers("smaudit my_model --config ru", &["rules.toml"]);
    offers("smaudit why my", &["my_model"]);
}

/// What zsh offers where `line` ends, in the same directory; `None` where there is no zsh. A shell in a terminal of its own gets the
/// line and a tab, and what is added to its matches is written down.
fn zsh(line: &str) -> Option<Vec<String>> {
    let directory = tree(&[("my_model/saved_model.pb", b""), ("rules.toml", b"")]);
    let script = run(&directory, "completions zsh").exits(0).stdout;
    std::fs::write(directory.path().join("_smaudit"), script).unwrap();
    let driver = r#"
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell 'PROMPT= RPROMPT=; fpath=($PWD $fpath); autoload -Uz compinit; compinit -D -u'
        # A call that fills arrays (-A, -O, -D) asks which of some words fit and offers nothing; one with -a has names of arrays.
        zpty -w shell 'compadd() {
            builtin compadd "$@"; local added=$?
            if ! (( ${argv[(I)-[AOD]]} )); then
                local -a found; builtin compadd -A found "$@"
                (( $#found )) && print -l -- $found >> offered
            fi
            return added
        }'
        zpty -w shell 'offer() { zle expand-or-complete; print off""ered }; zle -N offer; bindkey "^I" offer; print rea""dy'
        zpty -r -m shell seen '*ready*'
        zpty -w -n shell "$1"$'\t'
        zpty -r -m shell seen '*offered*'
        zpty -d shell
    "#;
    let mut command = Command::new("zsh");
    let output = command.args(["-f", "-c", driver, "zsh", line]).current_dir(&directory).output().ok()?;
    finished(output).exits(0);
    let offered = std::fs::read_to_string(directory.path().join("offered")).unwrap_or_default();
    Some(offered.lines().map(str::to_owned).collect())
}

#[test]
fn zsh_completes_commands_ids_dimensions_and_files() {
    for (line, expected) in [
        ("smaudit expl", "explain"),
        ("smaudit explain opt", "optimizer-state"),
        ("smaudit schema ba", "baseline"),
        ("smaudit my_model --by sco", "scope"),
        ("smaudit my_model --by op,fun", "function"),
        ("smaudit my_model --format jsonl", "jsonl"),
        ("smaudit my_model --max-av", "--max-avoidable"),
        ("smaudit my", "my_model"),
        ("smaudit other my", "my_model"),
        ("smaudit my_model --config ru", "rules.toml"),
        ("smaudit why my", "my_model"),
    ] {
        let Some(offered) = zsh(line) else {
            eprintln!("there is no zsh here");
            return;
        };
        assert!(offered.iter().any(|offered| offered == expected), "{line}: {offered:?}");
    }
}

#[test]
fn each_page_that_the_manual_refers_to_is_written_beside_it() {
    let directory = tree(&[]);
    run(&directory, "man pages").exits(0).silently().without_report();
    let read = |name: &str| std::fs::read_to_string(directory.path().join("pages").join(name)).unwrap();
    let main = read("smaudit.1");
    assert_eq!(main, run(&directory, "man").exits(0).silently().stdout);
    let pages = main.split("smaudit\\-").skip(1).filter_map(|rest| rest.split_once("(1)"));
    let pages: Vec<String> = pages.map(|(name, _)| format!("smaudit-{name}.1")).filter(|n| !n.contains('\n')).collect();
    assert!(pages.len() >= 6, "{pages:?}");
    for page in pages {
        assert!(read(&page).contains(".SH SYNOPSIS"), "{page}");
    }
    let at = |heading: &str| main.find(&format!(".SH {heading}")).unwrap_or_else(|| panic!("no {heading} in {main}"));
    assert!(at("EXAMPLES") < at("DESCRIPTION") && at("OPTIONS") < at("\"EXIT STATUS\""));
}

#[test]
fn the_help_explains_each_dimension_under_headings() {
    let help = run(Path::new("."), "--help").exits(0).stdout;
    for part in ["What to show:", "Output:", "Checks:", "- scope:", "the folder of a node's or variable's name"] {
        assert!(help.contains(part), "{part} is not in {help}");
    }
}

#[test]
fn what_was_probably_meant_is_said() {
    for (arguments, said) in [
        ("explian x", "did you mean the command `explain`?"),
        ("explain optimiser-state", "a similar value exists: 'optimizer-state'"),
        ("--by opp m", "a similar value exists: 'op'"),
        ("--only opp=x m", "unknown dimension `opp`; did you mean `op`?"),
        ("--max-size variabels=1 m", "unknown category `variabels`; did you mean `variables`?"),
    ] {
        let run = run(Path::new("."), arguments);
        assert!(run.code >= 2, "{run:#?}");
        let shown = (run.stdout + &run.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(said), "{arguments}: {shown}");
    }
}
