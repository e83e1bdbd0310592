//! Payments on a simulated terminal, over the bus: progress, outcomes, keys, rights, cuts and crashes.

use std::collections::HashMap;
use std::path::PathBuf;

use tillbus::settings::{File, Section};
use tillbus::sim::{self, Command, Simulation};
use tokio::sync::mpsc;
use zbus::{OwnedObjectPath, Variant};

use crate::support::client::{Client, DEVICE, Dict, Failed, MANAGER, ROOT, Signal};
use crate::support::host::{Bus, Daemon, Start, soon};
use crate::support::till::PAPER;
pub(super) use crate::support::till::{OBJECT, Till};

pub(super) const TERMINAL: &str = "org.tillbus1.Terminal";
pub(super) const TRANSACTION: &str = "org.tillbus1.Transaction";
pub(super) async fn begin(
    client: &Client,
    operation: &str,
    key: &str,
    parameters: &[(&str, Variant<'_>)],
) -> Result<String, Failed> {
    let parameters: HashMap<&str, Variant<'_>> =
        parameters.iter().map(|(name, value)| (*name, value.try_clone().unwrap())).collect();
    let path: Result<OwnedObjectPath, _> =
        client.call(OBJECT, TERMINAL, "Begin", &(operation, key, parameters)).await;
    path.map(|path| path.to_string())
}

pub(super) async fn pay(client: &Client, key: &str, amount: u64) -> Result<String, Failed> {
    begin(client, "payment", key, &[("amount", amount.into()), ("currency", "EUR".into())]).await
}

/// Waits for the end of a transaction: its outcome and its result.
pub(super) async fn completed(client: &Client, path: &str) -> (String, Dict) {
    loop {
        let signal = client.signal("Completed").await;
        if signal.path() == path {
            assert!(signal.is_unicast());
            return signal.body();
        }
    }
}

/// Waits until the terminal has said how far it is.
pub(super) async fn progressed(client: &Client, path: &str, text: &str) {
    loop {
        let signal = client.signal("Progress").await;
        let (_, details): (String, Dict) = signal.body();
        if signal.path() == path && details.text("text") == text {
            return;
        }
    }
}

fn members(signals: &[Signal]) -> Vec<String> {
    signals.iter().filter(|s| s.interface() == TRANSACTION).map(Signal::member).collect()
}

#[tokio::test]
async fn a_payment_is_begun_followed_approved_and_kept() {
    let till = Till::open().await;
    let (client, other) = (till.ready().await, till.ready().await);
    let path = pay(&client, "sale 1", 1250).await.unwrap();
    assert_eq!(path, "/org/tillbus1/transaction/1");
    let (outcome, result) = completed(&client, &path).await;
    assert_eq!(outcome, "approved", "{result:?}");
    assert_eq!((result.number("requested"), result.number("authorised")), (1250, 1250));
    assert_eq!(
        (result.text("pan-masked"), result.text("brand")),
        ("************0011", "MASTERCARD")
    );
    assert_eq!((result.text("terminal"), result.text("key")), ("52523535", "sale 1"));
    assert!(result.flag("simulated") && result.has("receipts") && result.has("ended"));
    let again: Dict = client.call(&path, TRANSACTION, "GetResult", &()).await.unwrap();
    assert_eq!(again.names(), result.names());
    // Only the beginner hears of it.
    let marker = client.properties(&path, TRANSACTION).await.unwrap();
    assert_eq!(marker.text("State"), "approved");
    other.properties(&path, TRANSACTION).await.unwrap();
    assert!(members(&other.left_over()).is_empty());
}

#[tokio::test]
async fn the_same_key_is_the_same_transaction_also_after_a_crash() {
    let mut till = Till::open().await;
    let client = till.ready().await;
    let path = pay(&client, "sale 1", 1250).await.unwrap();
    completed(&client, &path).await;
    assert_eq!(pay(&client, "sale 1", 1250).await.unwrap(), path);
    let other = pay(&client, "sale 1", 1251).await.unwrap_err();
    assert_eq!(other.name, "InvalidArgument", "{other:?}");
    till.crash().await;
    let client = till.ready().await;
    let found: OwnedObjectPath =
        client.call(ROOT, MANAGER, "FindTransaction", &("sale 1",)).await.unwrap();
    assert_eq!(found.as_str(), path);
    let result: Dict = client.call(&path, TRANSACTION, "GetResult", &()).await.unwrap();
    assert_eq!(result.text("state"), "approved");
    assert_eq!(pay(&client, "sale 1", 1250).await.unwrap(), path);
    let second = pay(&client, "sale 2", 1250).await.unwrap();
    assert_eq!(completed(&client, &second).await.0, "approved");
    let missing = client.call_raw(ROOT, MANAGER, "FindTransaction", &("sale 3",)).await;
    assert_eq!(missing.unwrap_err().name, "InvalidArgument");
}

#[tokio::test]
async fn outcomes_are_the_terminals() {
    let till = Till::open().await;
    let client = till.ready().await;
    for (number, (behaviour, outcome)) in [
        ("decline", "declined"),
        ("stop", "aborted"),
        ("busy", "failed"),
        ("partial 500", "approved"),
    ]
    .into_iter()
    .enumerate()
    {
        till.behave(behaviour).await;
        let path = pay(&client, &format!("sale {number}"), 1250).await.unwrap();
        let (ended, result) = completed(&client, &path).await;
        assert_eq!(ended, outcome, "{behaviour}: {result:?}");
        assert_eq!(result.has("partial"), behaviour == "partial 500");
    }
}

#[tokio::test]
async fn a_payment_can_be_stopped_while_the_customer_is_waited_for() {
    let till = Till::open().await;
    let client = till.ready().await;
    till.behave("think 60").await;
    let path = pay(&client, "sale 1", 1250).await.unwrap();
    loop {
        let (state, _): (String, Dict) = client.signal("Progress").await.body();
        if state == "awaiting-customer" {
            break;
        }
    }
    let busy = pay(&client, "sale 2", 1250).await.unwrap_err();
    assert_eq!(busy.name, "TransactionInProgress");
    client.call_raw(&path, TRANSACTION, "Abort", &()).await.unwrap();
    assert_eq!(completed(&client, &path).await.0, "aborted");
}

#[tokio::test]
async fn a_payment_survives_the_death_of_its_beginner() {
    let till = Till::open().await;
    let client = till.ready().await;
    till.behave("think 1").await;
    pay(&client, "sale 1", 1250).await.unwrap();
    client.leave().await;
    let client = till.ready().await;
    let path: OwnedObjectPath =
        client.call(ROOT, MANAGER, "FindTransaction", &("sale 1",)).await.unwrap();
    let result: Dict = client.call(path.as_str(), TRANSACTION, "GetResult", &()).await.unwrap();
    if result.text("state") != "approved" {
        assert_eq!(completed(&client, path.as_str()).await.0, "approved");
    }
}

#[tokio::test]
async fn cut_off_by_a_crash_of_the_daemon_a_payment_is_found_at_the_terminal() {
    let mut till = Till::open().await;
    let client = till.ready().await;
    let first = pay(&client, "sale 1", 1250).await.unwrap();
    completed(&client, &first).await;
    till.behave("silent").await;
    let path = pay(&client, "sale 2", 1250).await.unwrap();
    progressed(&client, &path, "waiting for the bank").await;
    till.crash().await;
    let client = till.ready().await;
    found_again(&client, "sale 2", &path).await;
}

/// Waits until a transaction that was cut off is known to have been approved.
async fn found_again(client: &Client, key: &str, path: &str) {
    let found: OwnedObjectPath =
        client.call(ROOT, MANAGER, "FindTransaction", &(key,)).await.unwrap();
    assert_eq!(found.as_str(), path);
    soon("the terminal has been asked", async {
        loop {
            let result: Dict = client.call(path, TRANSACTION, "GetResult", &()).await.unwrap();
            match result.text("state") {
                "approved" => return assert_eq!(result.number("authorised"), 1250),
                "in-progress" | "sent" => {}
                other => panic!("{other}: {result:?}"),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_daemon_that_is_told_to_end_lets_the_payment_under_way_end() {
    let mut till = Till::open().await;
    let client = till.ready().await;
    till.behave("think 1").await;
    // The first payment ever: cut off, nobody could find out what became of it.
    let path = pay(&client, "sale 1", 1250).await.unwrap();
    progressed(&client, &path, "taken by the terminal").await;
    till.restart().await;
    let client = till.ready().await;
    client.call_raw(ROOT, MANAGER, "FindTransaction", &("sale 1",)).await.unwrap();
    let result: Dict = client.call(&path, TRANSACTION, "GetResult", &()).await.unwrap();
    assert_eq!(result.text("state"), "approved", "{result:?}");
}

#[tokio::test]
async fn an_unknown_outcome_blocks_the_terminal_until_a_person_has_settled_it() {
    let mut till = Till::open().await;
    let client = till.ready().await;
    // The first payment ever: there is no receipt to compare with.
    till.behave("silent").await;
    let path = pay(&client, "sale 1", 1250).await.unwrap();
    progressed(&client, &path, "waiting for the bank").await;
    till.crash().await;
    let client = till.ready().await;
    client.call_raw(ROOT, MANAGER, "FindTransaction", &("sale 1",)).await.unwrap();
    soon("it is unknown", async {
        while client.properties(&path, TRANSACTION).await.unwrap().text("State") != "unknown" {}
    })
    .await;
    till.behave("approve").await;
    let refused = pay(&client, "sale 2", 1250).await.unwrap_err();
    assert_eq!(refused.name, "OutcomeUnknown", "{refused:?}");
    let status: Dict = client.call(OBJECT, TERMINAL, "Status", &()).await.unwrap();
    assert!(status.has("unknown") && !status.has("transaction"), "{status:?}");
    let empty =
        client.call_raw(&path, TRANSACTION, "Resolve", &("approved", "")).await.unwrap_err();
    assert_eq!(empty.name, "InvalidArgument");
    client.call_raw(&path, TRANSACTION, "Resolve", &("approved", "slip found")).await.unwrap();
    let result: Dict = client.call(&path, TRANSACTION, "GetResult", &()).await.unwrap();
    assert_eq!((result.text("state"), result.text("note")), ("approved", "slip found"));
    let next = pay(&client, "sale 2", 1250).await.unwrap();
    assert_eq!(completed(&client, &next).await.0, "approved");
    let book = tillbus::ledger::Book::read(&till.ledger).unwrap();
    assert_eq!(book.rows().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_wrong_in_a_call_is_named() {
    let till = Till::open().await;
    let client = till.ready().await;
    let amount = || ("amount", Variant::from(1250_u64));
    let euro = || ("currency", Variant::from("EUR"));
    type Row = (&'static str, &'static str, Vec<(&'static str, Variant<'static>)>, &'static str);
    let rows: [Row; 8] = [
        ("dance", "k", vec![], "unknown operation"),
        ("payment", "", vec![amount(), euro()], "`key` is missing"),
        ("payment", "k", vec![euro()], "`amount` is missing"),
        ("payment", "k", vec![amount()], "`currency` is missing"),
        ("payment", "k", vec![amount(), ("currency", "Euro".into())], "ISO 4217"),
        ("payment", "k", vec![amount(), euro(), ("exponent", 3_u32.into())], "`exponent`"),
        ("payment", "k", vec![amount(), euro(), ("tip", 1_u32.into())], "unknown parameter"),
        ("reversal", "k", vec![], "`receipt` is missing"),
    ];
    for (operation, key, parameters, want) in rows {
        let error = begin(&client, operation, key, &parameters).await.unwrap_err();
        assert_eq!(error.name, "InvalidArgument", "{want}: {error:?}");
        assert!(error.message.contains(want), "{want}: {error:?}");
    }
}

#[tokio::test]
async fn simulated_money_is_refused_where_real_money_is_meant() {
    let till = Till::open_in("live").await;
    let client = till.client().await;
    client.until_state(OBJECT, "unreachable").await;
    let fault = client.property(OBJECT, DEVICE, "LastFault").await;
    assert!(String::try_from(fault).unwrap().contains("simulated"));
    let refused = pay(&client, "sale 1", 1250).await.unwrap_err();
    assert_eq!(refused.name, "NotReady");
    assert!(refused.message.contains("--mode test"), "{refused:?}");
}

const ECR_HUB: &str = "[device.protocol]\napp-id = \"wz6012822ca2f1as78\"\n";

#[tokio::test]
async fn at_an_ecr_hub_a_payment_is_found_by_our_own_number_after_a_crash() {
    let mut till = Till::open_with("ecr-hub", ECR_HUB, "test").await;
    let client = till.ready().await;
    let status: Dict = client.call(OBJECT, TERMINAL, "Status", &()).await.unwrap();
    assert_eq!(status.text("recovery"), "enquiry");
    let path = pay(&client, "sale 1", 1250).await.unwrap();
    let (outcome, result) = completed(&client, &path).await;
    assert_eq!(outcome, "approved", "{result:?}");
    assert_eq!(result.number("authorised"), 1250);
    assert!(matches!(result.get("receipt"), Variant::U32(1)), "{result:?}");
    assert!(result.text("order-number").ends_with("T00000001"), "{result:?}");
    assert_eq!(result.text("pan-masked"), "**********1111");

    // The very first payment of a ledger would be found as well: no earlier receipt is needed.
    till.behave("silent").await;
    let path = pay(&client, "sale 2", 1250).await.unwrap();
    progressed(&client, &path, "waiting for the customer and the bank").await;
    till.crash().await;
    let client = till.ready().await;
    found_again(&client, "sale 2", &path).await;

    till.behave("approve").await;
    let path = begin(&client, "reversal", "undo 2", &[("receipt", 2_u32.into())]).await.unwrap();
    assert_eq!(completed(&client, &path).await.0, "approved");
    let refund = [("amount", 300_u64.into()), ("currency", "EUR".into())];
    let refused = begin(&client, "refund", "back", &refund).await.unwrap_err();
    assert_eq!(refused.name, "Unsupported", "{refused:?}");
}

#[tokio::test]
async fn at_a_terminal_that_the_till_cannot_stop_that_is_said() {
    let till = Till::open_with("concert", "", "test").await;
    let client = till.ready().await;
    till.behave("silent").await;
    let path = pay(&client, "a", 1250).await.unwrap();
    progressed(&client, &path, "waiting for the customer and the bank").await;
    let refused = client.call_raw(&path, TRANSACTION, "Abort", &()).await.unwrap_err();
    assert_eq!(refused.name, "Unsupported");
    assert!(refused.message.contains("stop it there"), "{}", refused.message);
}

#[tokio::test]
async fn at_an_ecr_hub_a_payment_can_be_stopped() {
    let till = Till::open_with("ecr-hub", ECR_HUB, "test").await;
    let client = till.ready().await;
    till.behave("think 60").await;
    let path = pay(&client, "sale 1", 1250).await.unwrap();
    progressed(&client, &path, "waiting for the customer and the bank").await;
    client.call_raw(&path, TRANSACTION, "Abort", &()).await.unwrap();
    assert_eq!(completed(&client, &path).await.0, "aborted");
}

#[tokio::test]
async fn simulated_money_is_refused_also_behind_a_path_that_appears_later() {
    let bus = Bus::start();
    let link = bus.directory().join("terminal");
    let ledger = bus.directory().join("ledger.sqlite");
    let mut start = Start::with(&format!(
        "[[device]]\nname = \"terminal\"\nmatch = {{ path = {:?} }}\nprofile = \"zvt\"\n",
        link.display().to_string()
    ));
    start.arguments = ["--ledger", ledger.to_str().unwrap()].map(str::to_owned).to_vec();
    let _daemon = Daemon::start_with(&bus, &start).await;
    let client = Client::connect(&bus).await;
    client.until_state(OBJECT, "absent").await;
    let device = (sim::find("zvt").unwrap().configure)(&Section::empty("p")).unwrap();
    let options = sim::Options { device, link: Some(link), baud: None };
    let mut simulation = Simulation::start(options).unwrap();
    let (_commands, inbox) = mpsc::channel(8);
    tokio::spawn(async move { simulation.run(inbox).await.unwrap() });
    client.until_state(OBJECT, "unreachable").await;
    let fault = client.property(OBJECT, DEVICE, "LastFault").await;
    assert!(String::try_from(fault).unwrap().contains("simulated"));
    assert_eq!(pay(&client, "sale 1", 1250).await.unwrap_err().name, "NotReady");
}

#[tokio::test]
async fn a_day_has_reversals_refunds_reservations_and_an_end() {
    let till = Till::open().await;
    let client = till.ready().await;
    let amount =
        |amount: u64| vec![("amount", Variant::from(amount)), ("currency", Variant::from("EUR"))];
    let receipt = |receipt: u32| vec![("receipt", Variant::from(receipt))];
    let steps = [
        ("payment", amount(1250)),
        ("reversal", receipt(1)),
        ("refund", amount(300)),
        ("preauth", amount(5000)),
        ("capture", amount(4000).into_iter().chain(receipt(4)).collect()),
        ("diagnosis", vec![]),
        ("close", vec![]),
    ];
    for (operation, parameters) in steps {
        let path = begin(&client, operation, operation, &parameters).await.unwrap();
        let (outcome, result) = completed(&client, &path).await;
        assert_eq!(outcome, "approved", "{operation}: {result:?}");
        if operation == "close" {
            // 1250 were paid and reversed, 4000 captured; a refund of 300 is not compared.
            assert!(result.has("totals") && result.has("ledger-totals"), "{result:?}");
            assert!(!result.has("totals-agree"), "{result:?}");
        }
    }
}

#[tokio::test]
async fn the_interfaces_of_terminals_are_the_documented_ones() {
    let till = Till::open().await;
    let client = till.ready().await;
    let path = pay(&client, "sale 1", 1250).await.unwrap();
    super::introspection::are_pinned(
        &client,
        &[OBJECT, &path],
        &["Device", "Terminal", "Transaction"],
    )
    .await;
}

/// A terminal of that table, and a box that reads payment codes.
struct Checkout {
    till: Till,
    client: Client,
    codes: mpsc::Sender<Command>,
}

const BOX: &str = "/org/tillbus1/device/box";
const CODE: &str = "134567890123456789";

impl Checkout {
    async fn open() -> Self {
        let bus = Bus::start();
        let paths = ["terminal", "box"].map(|name| bus.directory().join(name));
        let profiles = bus.directory().join("profiles");
        std::fs::create_dir(&profiles).unwrap();
        std::fs::write(profiles.join("paper.toml"), PAPER).unwrap();
        let file = File { name: "paper".to_owned(), text: PAPER.to_owned() };
        let document = file.parse().unwrap();
        let section = document.root().section("protocol").unwrap().unwrap();
        let terminal = (sim::find("mis").unwrap().configure)(&section).unwrap();
        let scanner = (sim::find("line-scanner").unwrap().configure)(&Section::empty("p")).unwrap();
        let [commands, codes] =
            [(terminal, &paths[0]), (scanner, &paths[1])].map(|(device, path)| {
                let options = sim::Options { device, link: Some(path.clone()), baud: None };
                let mut simulation = Simulation::start(options).unwrap();
                let (commands, inbox) = mpsc::channel(8);
                tokio::spawn(async move { simulation.run(inbox).await.unwrap() });
                commands
            });
        let path = |path: &PathBuf| format!("{:?}", path.display().to_string());
        let mut start = Start::with(&format!(
            "[[device]]\nname = \"terminal\"\nmatch = {{ pty = {} }}\nprofile = \"paper\"\n\
             [[device]]\nname = \"box\"\nrole = \"payment\"\nmatch = {{ pty = {} }}\n\
             profile = \"generic-line-scanner\"\n",
            path(&paths[0]),
            path(&paths[1])
        ));
        start.arguments = ["--profiles", profiles.to_str().unwrap()].map(str::to_owned).to_vec();
        let till = Till::of(bus, commands, start, "test").await;
        let client = till.ready().await;
        client.until_state(BOX, "ready").await;
        client.claim(BOX, &[]).await.unwrap();
        Self { till, client, codes }
    }

    async fn show(&self, code: &str) {
        self.codes.send(Command::Scan(sim::Code::plain(code))).await.unwrap();
    }

    async fn begin(&self, key: &str, with: (&str, Variant<'_>)) -> Result<String, Failed> {
        let amount = [("amount", 1250_u64.into()), ("currency", "EUR".into())];
        let [amount, currency] = amount;
        begin(&self.client, "payment", key, &[amount, currency, with]).await
    }
}

#[tokio::test]
async fn a_code_first_and_then_the_amount() {
    let checkout = Checkout::open().await;
    checkout.show(CODE).await;
    let scan = checkout.client.scan().await;
    let path = checkout.begin("sale 1", ("scan", scan.sequence.into())).await.unwrap();
    let (outcome, result) = completed(&checkout.client, &path).await;
    assert_eq!(outcome, "approved", "{result:?}");
    // Another client's code, or none, is not paid with.
    let other = checkout.begin("sale 2", ("scan", 4711_u64.into())).await.unwrap_err();
    assert_eq!(other.name, "Expired");
    let rows = tillbus::ledger::Book::read(&checkout.till.ledger).unwrap().rows().unwrap();
    assert_eq!(rows.len(), 1);
    assert!(!format!("{rows:?}").contains(CODE), "no code is in the ledger");
}

#[tokio::test]
async fn an_amount_first_and_then_the_code() {
    let checkout = Checkout::open().await;
    let path = checkout.begin("sale 1", ("await", "scan".into())).await.unwrap();
    let (state, _): (String, Dict) = checkout.client.signal("Progress").await.body();
    assert_eq!(state, "preparing");
    checkout.show(CODE).await;
    assert_eq!(completed(&checkout.client, &path).await.0, "approved");
    // Nobody shows one.
    let path = checkout.begin("sale 2", ("await", "scan".into())).await.unwrap();
    checkout.client.call_raw(&path, TRANSACTION, "Abort", &()).await.unwrap();
    let (outcome, result) = completed(&checkout.client, &path).await;
    assert_eq!(outcome, "aborted", "{result:?}");
}

#[tokio::test]
async fn a_terminal_that_carries_no_codes_says_so() {
    let till = Till::open().await;
    let client = till.ready().await;
    let error = begin(
        &client,
        "payment",
        "k",
        &[("amount", 1250_u64.into()), ("currency", "EUR".into()), ("await", "scan".into())],
    )
    .await
    .unwrap_err();
    assert_eq!(error.name, "Unsupported", "{error:?}");
}

#[tokio::test]
async fn a_terminal_is_asked_how_it_fares_where_nothing_is_under_way() {
    let till = Till::open().await;
    let client = till.ready().await;
    let status = async || -> Dict { client.call(OBJECT, TERMINAL, "Status", &()).await.unwrap() };
    let fares = status().await;
    assert!(fares.flag("answered"), "{fares:?}");
    assert_eq!(fares.text("says"), "ready");
    till.behave("condition CC").await;
    assert_eq!(status().await.text("says"), "printer not ready");
    let condition = client.property(OBJECT, TERMINAL, "Condition").await;
    assert_eq!(Vec::<String>::try_from(condition).unwrap(), ["out-of-paper"]);
    // All who want to know at a time, and a payment that begins meanwhile.
    till.behave("condition 00").await;
    let paid = pay(&client, "sale 1", 1250);
    let (one, other, paid) = tokio::join!(status(), status(), paid);
    assert!(one.has("answered") && other.has("answered"));
    assert_eq!(completed(&client, &paid.unwrap()).await.0, "approved");
    till.behave("think 60").await;
    let path = pay(&client, "sale 2", 1250).await.unwrap();
    let busy = status().await;
    assert!(!busy.flag("answered") && !busy.has("says"), "a payment is not disturbed: {busy:?}");
    assert_eq!(busy.path("transaction"), path);
    client.call_raw(&path, TRANSACTION, "Abort", &()).await.unwrap();
    assert_eq!(completed(&client, &path).await.0, "aborted");
}

#[tokio::test]
async fn a_menu_that_somebody_has_open_is_a_condition_and_passes() {
    let till = Till::open().await;
    let client = till.ready().await;
    till.behave("menu 1").await;
    let path = pay(&client, "sale 1", 1250).await.unwrap();
    let conditions = || async {
        let condition = client.property(OBJECT, TERMINAL, "Condition").await;
        Vec::<String>::try_from(condition).unwrap()
    };
    progressed(&client, &path, "somebody has the terminal's service menu open").await;
    assert_eq!(conditions().await, ["in-menu"]);
    progressed(&client, &path, "insert or hold the card").await;
    assert!(conditions().await.is_empty());
    assert_eq!(completed(&client, &path).await.0, "approved");
}

#[tokio::test]
async fn cash_and_the_customers_own_currency_are_told() {
    let till = Till::asking("cashback = true, dcc = true").await;
    let client = till.ready().await;
    till.behave("cashback 5000").await;
    let path = pay(&client, "sale 1", 1250).await.unwrap();
    let (outcome, result) = completed(&client, &path).await;
    assert_eq!(outcome, "approved", "{result:?}");
    assert_eq!((result.number("authorised"), result.number("cashback")), (6250, 5000));
    till.behave("dcc 1337 USD").await;
    let path = pay(&client, "sale 2", 1250).await.unwrap();
    let (outcome, result) = completed(&client, &path).await;
    assert_eq!((outcome.as_str(), result.number("authorised")), ("approved", 1250));
    let Variant::Dict(charged) = result.get("dcc") else { panic!("{result:?}") };
    let charged: HashMap<String, zbus::OwnedVariant> =
        Variant::from(charged.try_clone().unwrap()).try_into().unwrap();
    assert_eq!(u64::try_from(&*charged["amount"]).unwrap(), 1337);
    assert_eq!(String::try_from(charged["currency"].clone()).unwrap(), "USD");
}
