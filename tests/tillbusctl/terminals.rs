//! Terminals as a person uses them: every built-in profile simulated and paid at, Ctrl-C, the ledger.

use std::path::PathBuf;

use nix::sys::signal::Signal;
use tillbus::profile::Catalogue;
use tillbus::protocol::Kind;

use crate::support::client::Client;
use crate::support::host::{Bus, Daemon, Start};
use crate::support::till::PAPER;
use crate::tool::Tool;

/// A daemon with a terminal of each built-in profile, named after it.
struct Shop {
    bus: Bus,
    ledger: PathBuf,
    terminals: Vec<(String, Tool)>,
    _daemon: Daemon,
}

impl Shop {
    async fn open() -> Self {
        let bus = Bus::start();
        let catalogue = Catalogue::built_in();
        let all = catalogue.ids().map(|id| catalogue.profile(id).unwrap().unwrap());
        let profiles: Vec<String> = all
            .filter(|profile| {
                // A socket for a code reader is told no amounts.
                profile.protocol.as_ref().is_some_and(|spoken| {
                    spoken.info.kind == Kind::Terminal && spoken.capabilities.contains(&"payment")
                })
            })
            .map(|profile| profile.id)
            .collect();
        let mut configuration = String::new();
        let mut terminals = Vec::new();
        for id in &profiles {
            let path = bus.directory().join(id).display().to_string();
            configuration += &format!(
                "[[device]]\nname = \"{id}\"\nprofile = \"{id}\"\nmatch = {{ pty = {path:?} }}\n"
            );
            if id == "zvt" {
                configuration += "[device.protocol]\nsignature = \"ask\"\n";
            }
            let mut terminal = Tool::alone(&["simulate", "--port", &path, "--profile", id]);
            terminal.line().await;
            terminals.push((id.clone(), terminal));
        }
        let ledger = bus.directory().join("ledger.sqlite");
        let mut start = Start::with(&configuration);
        start.arguments =
            ["--mode", "test", "--ledger", ledger.to_str().unwrap()].map(str::to_owned).to_vec();
        let daemon = Daemon::start_with(&bus, &start).await;
        let client = Client::connect(&bus).await;
        for id in &profiles {
            let object = format!("/org/tillbus1/device/{}", id.replace('-', "_2d"));
            client.until_state(&object, "ready").await;
        }
        Self { bus, ledger, terminals, _daemon: daemon }
    }

    fn pay(&self, arguments: &[&str]) -> Tool {
        Tool::on(&self.bus, &[&["pay"], arguments].concat())
    }
}

#[tokio::test]
async fn at_every_built_in_terminal_a_payment_is_made_shown_and_kept() {
    let shop = Shop::open().await;
    assert!(shop.terminals.iter().any(|(id, _)| id == "zvt"));
    let ids: Vec<String> = shop.terminals.iter().map(|(id, _)| id.clone()).collect();
    for id in &ids {
        let paid = shop.pay(&[id, "12.50", "--key", &format!("{id} 1")]).ended().await;
        assert_eq!(paid.status, Some(0), "{id}: {paid:?}");
        let last = paid.output.last().unwrap();
        assert!(last.contains("approved 12.50 EUR") && last.contains("SIMULATED"), "{id}: {last}");
    }
    let file = shop.ledger.to_str().unwrap();
    let listed = Tool::alone(&["ledger", "--file", file, "--csv"]).ended().await;
    assert_eq!(listed.output.len(), 1 + ids.len(), "{listed:?}");
    for (row, id) in listed.output[1..].iter().zip(&ids) {
        assert!(row.contains(&format!(",{id},")) && row.contains(",approved,"), "{row}");
    }
    let listed = Tool::alone(&["ledger", "--file", file]).ended().await;
    assert_eq!(listed.output.len(), 1 + ids.len(), "{listed:?}");
    let columns = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let (head, row) = (columns(&listed.output[0]), columns(&listed.output[1]));
    assert_eq!((head[2].as_str(), row[2].as_str()), ("DEVICE", ids[0].as_str()), "{listed:?}");
    assert_eq!((head[6].as_str(), row[6].as_str()), ("STATE", "approved"), "{listed:?}");
}

#[tokio::test]
async fn ctrl_c_stops_a_payment_at_the_terminal() {
    let mut shop = Shop::open().await;
    let (_, terminal) = shop.terminals.iter_mut().find(|(id, _)| id == "zvt").unwrap();
    terminal.type_line("think 60");
    terminal.until("behaves: think 60").await;
    let mut pay = shop.pay(&["zvt", "5.00"]);
    pay.until("awaiting-customer").await;
    pay.signal(Signal::SIGINT);
    let ended = pay.ended().await;
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.errors.contains("asking the terminal to stop"), "{ended:?}");
    assert!(ended.errors.contains("aborted"), "{ended:?}");
}

#[tokio::test]
async fn a_cable_that_is_cut_while_somebody_pays_costs_no_more_than_the_time() {
    let mut shop = Shop::open().await;
    // With a receipt before it, its own can be told.
    assert_eq!(shop.pay(&["zvt", "5.00"]).ended().await.status, Some(0));
    let (_, terminal) = shop.terminals.iter_mut().find(|(id, _)| id == "zvt").unwrap();
    // In the middle of the status that says how it went.
    terminal.type_line("!cut 100 500ms");
    let mut pay = Tool::on(&shop.bus, &["pay", "zvt", "12.50"]);
    pay.until("asking the terminal").await;
    // It would say three times what was cut off; with its power gone it can be asked sooner.
    terminal.type_line("restart");
    let paid = pay.ended().await;
    assert_eq!(paid.status, Some(0), "{paid:?}");
    let last = paid.output.last().unwrap();
    assert!(last.contains("approved 12.50 EUR"), "{last}");
}

#[tokio::test]
async fn what_cannot_be_paid_is_said() {
    let shop = Shop::open().await;
    for (arguments, want) in [
        (&["zvt", "12.5"][..], "accepted is an amount as in 12.50"),
        (&["zvt"], "the amount is missing"),
        (&["zvt", "5.00", "--currency", "EURO"], "no currency"),
        (&["zvt", "5.00", "--operation", "dance"], "no operation"),
        (&["nobody", "5.00"], "nobody"),
    ] {
        let refused = shop.pay(arguments).ended().await;
        assert_ne!(refused.status, Some(0), "{arguments:?}");
        assert!(refused.errors.contains(want), "{arguments:?}: {}", refused.errors);
    }
}

#[tokio::test]
async fn a_signature_that_nobody_here_can_look_at_is_answered_from_elsewhere() {
    let mut shop = Shop::open().await;
    let (_, terminal) = shop.terminals.iter_mut().find(|(id, _)| id == "zvt").unwrap();
    terminal.type_line("signature");
    terminal.until("behaves: signature").await;
    let mut pay = shop.pay(&["zvt", "5.00"]);
    pay.until("is the signature all right?").await;
    let answer = |word| Tool::on(&shop.bus, &["answer", "1", word]);
    let wrong = answer("perhaps").ended().await;
    assert_eq!(wrong.status, Some(1), "{wrong:?}");
    assert!(wrong.errors.contains("accepted: yes, no"), "{wrong:?}");
    assert_eq!(answer("no").ended().await.status, Some(0));
    let ended = pay.ended().await;
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.errors.contains("answer it with: tillbusctl answer 1 yes|no"), "{ended:?}");
    assert!(ended.errors.contains("refused the signature, transaction 2 reversed it"), "{ended:?}");
}

#[tokio::test]
async fn a_payment_is_made_with_the_code_that_a_scanner_reads_and_an_open_end_says_how_to_settle_it()
 {
    let bus = Bus::start();
    let file = |name: &str| bus.directory().join(name).display().to_string();
    std::fs::create_dir(file("profiles")).unwrap();
    std::fs::write(file("profiles/paper.toml"), PAPER).unwrap();
    let (profiles, till, reader) = (file("profiles"), file("till"), file("reader"));
    let mut terminal =
        Tool::alone(&["simulate", "--port", &till, "--profile", "paper", "--profiles", &profiles]);
    terminal.line().await;
    let mut scanner =
        Tool::alone(&["simulate", "--port", &reader, "--profile", "generic-line-scanner"]);
    scanner.line().await;
    let mut start = Start::with(&format!(
        "[[device]]\nname = \"bank\"\nlane = \"1\"\nprofile = \"paper\"\nmatch = {{ pty = {till:?} }}\n\
         [[device]]\nname = \"box\"\nlane = \"1\"\nrole = \"payment\"\n\
         profile = \"generic-line-scanner\"\nmatch = {{ pty = {reader:?} }}\n"
    ));
    let ledger = file("ledger.sqlite");
    start.arguments = ["--mode", "test", "--ledger", &ledger, "--profiles", &profiles]
        .map(str::to_owned)
        .to_vec();
    let _daemon = Daemon::start_with(&bus, &start).await;
    let client = Client::connect(&bus).await;
    for object in ["/org/tillbus1/device/bank", "/org/tillbus1/device/box"] {
        client.until_state(object, "ready").await;
    }

    let pay = || Tool::on(&bus, &["pay", "bank", "12.50", "--code-from", "box"]);
    let mut paying = pay();
    paying.until("waiting for the customer's code").await;
    scanner.type_line("qr 135112298638468293");
    let paid = paying.ended().await;
    assert_eq!(paid.status, Some(0), "{paid:?}");
    assert!(paid.output.last().unwrap().contains("approved 12.50 EUR"), "{paid:?}");
    assert!(!format!("{paid:?}").contains("135112298638468293"), "{paid:?}");

    // The terminal is never asked what became of it: there is no such message in its paper.
    terminal.type_line("!cut 1 500ms");
    terminal.type_line("approve");
    terminal.until("behaves: approve").await;
    let mut paying = pay();
    paying.until("waiting for the customer's code").await;
    scanner.type_line("qr 135112298638468301");
    let open = paying.ended().await;
    assert_eq!(open.status, Some(1), "{open:?}");
    let hint = "settle it with: tillbusctl resolve 2 approved|declined NOTE";
    assert!(open.errors.contains(hint), "{open:?}");
    let mut settled = Tool::on(&bus, &["resolve", "2", "declined", "its journal has nothing"]);
    assert_eq!(settled.ended().await.status, Some(0));
}
