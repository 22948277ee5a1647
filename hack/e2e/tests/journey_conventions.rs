//! What all programs answer alike: the conventions of the root ARCHITECTURE.md, asked of each binary.

use std::process::{Command, Output};

use e2e::{Options, PROGRAMS, Product, binary, eventually, get, is_root, repository};

/// What the conventions leave to each program.
struct Program {
    name: &'static str,
    /// Folder of its crate, whose manifest has its version.
    folder: &'static str,
    /// Exit code for a flag that it does not know: the pipeline keeps that of the program it takes the place of.
    wrong_flag: i32,
}

const TABLE: [Program; 3] = [
    Program {
        name: "netobserv-ebpf-agent",
        folder: "ebpf-agent",
        wrong_flag: 2,
    },
    Program {
        name: "flowlogs-pipeline",
        folder: "flowlogs-pipeline",
        wrong_flag: 1,
    },
    Program {
        name: "plugin-backend",
        folder: "console-plugin",
        wrong_flag: 2,
    },
];

fn ask(program: &str, argument: &str) -> (Output, String) {
    let output = Command::new(binary(program))
        .arg(argument)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, text)
}

/// Whether `word` is a date such as 2026-01-31.
fn is_date(word: &str) -> bool {
    word.len() == 10
        && word
            .bytes()
            .enumerate()
            .all(|(place, byte)| match (place, byte) {
                (4 | 7, byte) => byte == b'-',
                (_, byte) => byte.is_ascii_digit(),
            })
}

#[test]
fn each_program_names_its_version_commit_and_date() {
    for Program {
        name: program,
        folder,
        ..
    } in TABLE
    {
        let manifest = repository().join(folder).join("Cargo.toml");
        let manifest = std::fs::read_to_string(manifest).unwrap();
        let version = manifest
            .lines()
            .find_map(|line| line.strip_prefix("version = "))
            .unwrap()
            .trim_matches('"');
        let (output, text) = ask(program, "--version");
        assert_eq!(output.status.code(), Some(0), "{program}");
        assert!(text.starts_with(&format!("{program} {version} ")), "{text}");
        let words: Vec<&str> = text
            .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-')
            .collect();
        let commit = words.iter().skip_while(|word| **word != "commit").nth(1);
        assert!(commit.is_some_and(|commit| commit.len() >= 7), "{text}");
        assert!(words.iter().any(|word| is_date(word)), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn each_program_explains_itself_and_refuses_what_it_does_not_know() {
    for Program {
        name: program,
        wrong_flag,
        ..
    } in TABLE
    {
        let (output, text) = ask(program, "--help");
        assert_eq!(output.status.code(), Some(0), "{program}");
        assert!(text.contains("Usage:"), "{program}: {text}");
        let (output, text) = ask(program, "--no-such-flag");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(wrong_flag), "{program}: {error}");
        assert!(error.contains("--no-such-flag"), "{program}: {error}");
        assert_eq!(text, "", "{program}");
    }
}

#[test]
fn each_running_program_is_live_and_ready_and_shows_its_metrics() {
    if !is_root() {
        return;
    }
    let interfaces = "no-such-one";
    let mut product = Product::start(&Options {
        interfaces: interfaces.to_owned(),
        ..Options::default()
    });
    eventually("run-local says where the page is", || {
        product.terminal().contains("http://").then_some(())
    });
    for program in PROGRAMS {
        let health = product.health_port(program);
        for path in ["live", "ready"] {
            let answer = get(&format!("http://127.0.0.1:{health}/{path}"));
            let (status, _) = answer.unwrap_or_else(|| panic!("{program} does not answer {path}"));
            assert_eq!(status, 200, "{program} /{path}");
        }
        let metrics = product.metrics_port(program);
        let (status, text) = get(&format!("http://127.0.0.1:{metrics}/metrics")).unwrap();
        assert_eq!(status, 200, "{program}");
        assert!(
            text.contains("# TYPE process_start_time_seconds gauge"),
            "{program}: {text}"
        );
    }
    let said = product.terminal();
    let warning = format!("INTERFACES={interfaces} is none of this host's interfaces (lo");
    assert!(said.contains(&warning), "{said}");
    assert_eq!(product.stop().code(), Some(0));
}
