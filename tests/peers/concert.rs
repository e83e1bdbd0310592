//! Concert: pyTeliumManager from PyPI pays at our simulated terminal over a virtual port, and reads and
//! writes the messages that our driver does.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command as Process, Stdio};

use serde_json::{Value as Json, json};
use tillbus::sim::{self, Command, Simulation};

use crate::support::host::soon;
use crate::support::{self, python};

/// A terminal of layout 2.
fn terminal() -> Simulation {
    let device = support::simulated("concert", "layout = 2").unwrap();
    Simulation::start(sim::Options { device, link: None, baud: None }).unwrap()
}

#[tokio::test]
async fn a_till_of_theirs_pays_at_our_terminal_over_a_virtual_port() {
    let Some(interpreter) = python::interpreter() else { return };
    let mut simulation = terminal();
    let path = simulation.path().unwrap().display().to_string();
    let (sender, commands) = tokio::sync::mpsc::channel(1);
    let simulated = tokio::spawn(async move {
        simulation.run(commands).await.unwrap();
        simulation.ledger()
    });
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/concert.py");
    let mut till = Process::new(interpreter);
    till.args([script, &path]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut till = till.spawn().unwrap();
    let mut asked = till.stdin.take().unwrap();
    let mut said = BufReader::new(till.stdout.take().unwrap());
    for (behaviour, amount, want) in [
        ("approve", "12.50 short", json!({"succeeded": true, "result": 0, "amount": 12.5})),
        ("approve", "55.10 report", json!({"succeeded": true, "result": 0, "amount": 55.1})),
        ("decline", "12.50 short", json!({"succeeded": false, "result": 7, "amount": 12.5})),
        ("partial 500", "12.50 short", json!({"succeeded": true, "result": 0, "amount": 5.0})),
    ] {
        sender.send(Command::Behave(behaviour.to_owned())).await.unwrap();
        writeln!(asked, "{amount}").unwrap();
        let answered = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            said.read_line(&mut line).unwrap();
            (said, line)
        });
        let line;
        (said, line) = soon("it has paid", answered).await.unwrap();
        let answer: Json = serde_json::from_str(&line).unwrap();
        for (name, value) in want.as_object().unwrap() {
            assert_eq!(answer[name], *value, "{behaviour}: {answer}");
        }
        assert_eq!((&answer["currency"], &answer["till"]), (&json!("978"), &json!("01")));
    }
    drop(asked);
    assert!(till.wait().unwrap().success());
    drop(sender);
    let booked = simulated.await.unwrap();
    assert_eq!(booked, ["payment 1 1250", "payment 2 5510", "payment 3 500"]);
}
