//! What the tool writes about itself.

use crate::tool::Tool;

const COMMANDS: [&str; 18] = [
    "devices",
    "show",
    "watch",
    "claim",
    "pay",
    "answer",
    "resolve",
    "ledger",
    "identify",
    "simulate",
    "record",
    "replay",
    "reload",
    "qr",
    "cable",
    "profile",
    "completions",
    "man",
];

#[tokio::test]
async fn manual_pages() {
    let directory = tempfile::tempdir().unwrap();
    let ended = Tool::alone(&["man", directory.path().to_str().unwrap()]).ended().await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let page = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    assert!(page("tillbusctl.1").contains("Exit status"), "the exit statuses are told");
    for command in COMMANDS {
        assert!(page("tillbusctl.1").contains(&format!("tillbusctl\\-{command}")), "{command}");
        let text = page(&format!("tillbusctl-{command}.1"));
        assert!(text.contains(".SH SYNOPSIS"), "{command}: {text}");
    }
    let ended = Tool::alone(&["man", "/nonexistent/man"]).ended().await;
    assert_eq!(ended.status, Some(1));
    assert!(ended.errors.starts_with("tillbusctl: /nonexistent/man: "), "{ended:?}");
}

#[tokio::test]
async fn completions() {
    for shell in ["bash", "zsh", "fish"] {
        let ended = Tool::alone(&["completions", shell]).ended().await;
        assert_eq!(ended.status, Some(0), "{ended:?}");
        let script = ended.output.join("\n");
        for command in COMMANDS {
            assert!(script.contains(command), "{shell} knows {command}");
        }
    }
}
