//! What is for the owner alone, with a clock that the tests turn.

mod cards;

use std::io::Read as _;

use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::config::{self, Credentials, Paths};
use crate::daemon::Replays;
use crate::daemon::call::{Act, Call, Reply};
use crate::daemon::claim::Options;
use crate::daemon::outbox::{Notices, outbox};
use crate::daemon::plan::Spot;
use crate::daemon::status::{Access, State};
use crate::event::{Reading, Role, Swipe};
use crate::normalize::{self, Rules};
use crate::session::Report;
use crate::store::seen::Seen;

const WECHAT: &[u8] = b"135112298638468293";
const ALIPAY: &[u8] = b"289431869362714645";
/// The tests of the repository `kenmaz/JPQRReader`.
const CARD: &[u8] = b"hQVDUFYwMWEaTwegAAAAVVVVVw8SNFZ4kBI0WNGRIgESNF8=";
const PERSON: &[u8] = b"11010519491231002X";

/// A till with one device for payments, that can signal.
struct Till {
    daemon: Daemon,
    notices: Notices,
    key: Key,
    orders: mpsc::Receiver<Order>,
    now: Timestamp,
}

fn till() -> Till {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("tillbus.toml");
    let text = "[[device]]\nname = \"box\"\nrole = \"payment\"\nmatch = { pty = \"/nowhere\" }\n\
                profile = \"generic-line-scanner\"\n\
                [access]\nscan = [\"user:nobody\", \"user:daemon\", \"user:bin\"]\n\
                payment-code = [\"user:nobody\", \"user:bin\"]\ncard = [\"user:nobody\"]\n";
    std::fs::write(&file, text).unwrap();
    let config = config::load(&Paths {
        config: file,
        profile_dirs: Vec::new(),
        credentials: Credentials::Missing,
    })
    .unwrap();
    let (sender, mut notices) = outbox();
    let load = Box::new(|| Err(Vec::new()));
    let seen = Seen::new([7; 32]);
    let epoch = "epoch".to_owned();
    let mut daemon = Daemon::new(config, load, epoch, None, Replays::new(), seen, sender);
    while notices.try_next().is_some() {}
    let key = *daemon.devices.keys().next().unwrap();
    let device = daemon.devices.get_mut(&key).unwrap();
    Arc::get_mut(&mut device.identity).unwrap().capabilities = vec!["indicate"];
    let spot = Spot { path: "/nowhere".into(), interface: None };
    let (_, orders) = device.start(spot, String::new(), None, None, None).unwrap();
    device.set_state(State::Ready, Access::Ok, "/nowhere".into());
    Till { daemon, notices, key, orders, now: Timestamp(1_000_000) }
}

/// A caller of this name and user.
fn caller(name: &str, user: &str) -> Caller {
    let uid = nix::unistd::User::from_name(user).unwrap().unwrap().uid.as_raw();
    Caller { client: Client::new(name), uid, groups: Vec::new() }
}

/// What the page for the shop's assessor says of how long.
#[test]
fn the_page_on_card_data_has_these_times() {
    let page = include_str!("../../../protocol-docs/card-data.md");
    let table = page.split("<!-- kept true by daemon::confidential::tests -->").nth(1).unwrap();
    let (take, life) = (TAKE_WITHIN.as_secs(), LIFE.as_secs());
    let seen = crate::store::seen::WINDOW.as_secs() / 60;
    let rows = [
        ("what `Take` hands over:", format!("{take} s")),
        ("the masked number,", format!("{take} s")),
        ("ciphertext,", format!("{take} s")),
        ("a token,", format!("{take} s")),
        ("a payment code", format!("{life} s where no life is documented; {MOST} codes")),
        ("that a payment code was seen", format!("{seen} min after it was last seen")),
    ];
    for (what, at_most) in rows {
        let row = table.lines().find(|line| line.starts_with(&format!("| {what}"))).unwrap();
        assert!(row.ends_with(&format!("| {at_most} |")), "{row}: {at_most}");
    }
}

/// One who may do everything with payments.
fn alice() -> Caller {
    caller(":1.1", "nobody")
}

fn bob() -> Caller {
    caller(":1.2", "nobody")
}

fn one_sale() -> Options {
    Options { until_payment_code: true, ..Options::default() }
}

fn credit(credit: u32) -> Options {
    Options { credit: Some(credit), ..Options::default() }
}

impl Till {
    fn call<T>(&mut self, who: &Caller, act: impl FnOnce(Reply<T>) -> Act) -> Result<T, Error> {
        let (reply, mut answer) = oneshot::channel();
        let (caller, device) = (who.clone(), self.key);
        self.daemon.call(self.now, Call::Device { caller, device, act: act(reply) });
        answer.try_recv().unwrap_or_else(|_| panic!("no answer yet"))
    }

    fn claim(&mut self, who: &Caller, options: Options) -> Result<(), Error> {
        self.call(who, |reply| Act::Claim(options, reply))
    }

    fn settle(&mut self, who: &Caller, sequence: u64) -> Result<(), Error> {
        self.call(who, |reply| Act::Settle(sequence, Settlement::Used, reply))
    }

    fn take(&mut self, who: &Caller, sequence: u64) -> Result<Vec<u8>, Error> {
        let pipe = self.call(who, |reply| Act::Take(sequence, reply))?;
        let mut bytes = Vec::new();
        std::fs::File::from(pipe).read_to_end(&mut bytes).unwrap();
        Ok(bytes)
    }

    /// A verdict that the device takes at once: what becomes of the order is not waited for.
    fn indicate(&mut self, who: &Caller, sequence: u64) -> Option<Error> {
        let (reply, mut answer) = oneshot::channel();
        let act = Act::Indicate(sequence, Verdict::Good, reply);
        let (caller, device) = (who.clone(), self.key);
        self.daemon.call(self.now, Call::Device { caller, device, act });
        answer.try_recv().ok().and_then(Result::err)
    }

    /// The device has read a code, all at once.
    fn scan(&mut self, code: &[u8]) {
        self.scan_from(self.now, code);
    }

    fn scan_from(&mut self, first: Timestamp, code: &[u8]) {
        let data = Secret::copy_of(code);
        let reading = Reading { symbology: None, aim: None, data, first, last: self.now };
        let rules = Rules { role: Role::Payment, ..Rules::default() };
        let scan = normalize::scan(reading, &rules);
        self.daemon.report(self.now, self.key, Report::Event(scan.into()));
    }

    /// Time passes, with everything that is due in it.
    fn pass(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        loop {
            let device = &self.daemon.devices[&self.key];
            let deadlines =
                device.deadline().into_iter().chain(self.daemon.confidential.deadline());
            let Some(next) = deadlines.min().filter(|next| *next <= end) else { break };
            self.now = next;
            self.daemon.expire(next);
            self.daemon.expire_confidential(next);
        }
        self.now = end;
    }

    /// What has been said since the last time, but for changed properties.
    fn said(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        while let Some(notice) = self.notices.try_next() {
            if let Notice::Signal(_, to, signal) = notice {
                let to = to.map_or("all".to_owned(), |client| client.to_string());
                said.push(format!("{to}: {}", word(&signal)));
            }
        }
        said
    }

    /// What the device was told to signal.
    fn signalled(&mut self) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        while let Ok(order) = self.orders.try_recv() {
            if let Order::Ask(_, Request::Indicate(verdict)) = order {
                verdicts.push(verdict);
            }
        }
        verdicts
    }

    /// What the ring still has of an event: its text and its bytes.
    fn kept(&self, sequence: u64) -> (String, Vec<u8>) {
        let Event::Scan(scan) = &self.daemon.ring.get(sequence).unwrap().event else { panic!() };
        (scan.text.expose().to_owned(), scan.raw.expose().to_vec())
    }
}

fn word(signal: &Signal) -> String {
    match signal {
        Signal::Read { record, age, .. } => {
            let late = if age.is_some() { " late" } else { "" };
            let what = if matches!(record.event, Event::Card(_)) { "read" } else { "scanned" };
            format!("{what} {}{late}", record.sequence)
        }
        Signal::Fault { kind, details, .. } => format!("fault {kind} {}", details["sequence"]),
        Signal::Withheld { sequence, kind } => format!("withheld {sequence} {kind}"),
        Signal::ClaimLost(reason) => format!("lost {reason}"),
        other => format!("{other:?}"),
    }
}

/// What `seen-before` says of an event: how often, and what became of it.
fn seen_before(till: &Till, sequence: u64) -> Option<(u64, String)> {
    let Event::Scan(scan) = &till.daemon.ring.get(sequence).unwrap().event else { panic!() };
    let (_, value) = scan.details.iter().find(|(name, _)| *name == "seen-before")?;
    let Value::Map(entries) = value else { panic!("{value:?}") };
    match entries.as_slice() {
        [_, (_, Value::Count(count)), (_, Value::Text(verdict))] => {
            Some((*count, verdict.clone().into_owned()))
        }
        other => panic!("{other:?}"),
    }
}

const NONE: [&str; 0] = [];

#[test]
fn a_code_goes_to_its_owner_and_the_others_learn_that_it_was() {
    let mut till = till();
    till.claim(&alice(), Options::default()).unwrap();
    till.scan(WECHAT);
    assert_eq!(till.said(), [":1.1: scanned 1", "all: withheld 1 payment-code"]);
    assert_eq!(till.kept(1).1, WECHAT);
}

#[test]
fn without_an_owner_a_code_is_wiped_and_the_device_says_so() {
    let mut till = till();
    till.scan(WECHAT);
    assert_eq!(till.said(), ["all: fault unclaimed 1", "all: withheld 1 payment-code"]);
    assert_eq!(till.signalled(), [Verdict::Bad]);
    assert_eq!(till.kept(1), (String::new(), Vec::new()));
    // Who comes later does not get it.
    till.claim(&alice(), Options::default()).unwrap();
    assert_eq!(till.said(), NONE);
}

#[test]
fn without_the_right_an_owner_gets_no_code_and_cannot_wait_for_one() {
    let mut till = till();
    let clerk = caller(":1.3", "daemon");
    assert_eq!(till.claim(&clerk, one_sale()), Err(Error::AccessDenied("payment-code")));
    till.claim(&clerk, Options::default()).unwrap();
    till.scan(WECHAT);
    till.scan(PERSON);
    let withheld = ["all: fault unclaimed 1", "all: withheld 1 payment-code"];
    assert_eq!(till.said()[..2], withheld);
    assert_eq!(till.kept(1), (String::new(), Vec::new()));
    let fault = till.daemon.devices[&till.key].view().status.borrow().last_fault.clone();
    assert!(fault.contains("has not the right `payment-code`"), "{fault}");
}

#[test]
fn a_code_that_began_before_the_claim_is_not_the_new_owners() {
    let mut till = till();
    let first = till.now;
    till.pass(5);
    till.claim(&alice(), Options::default()).unwrap();
    till.pass(5);
    till.scan_from(first, WECHAT);
    assert_eq!(till.said(), ["all: fault unclaimed 1", "all: withheld 1 payment-code"]);
}

#[test]
fn a_device_that_cannot_signal_is_told_of() {
    let mut till = till();
    let device = till.daemon.devices.get_mut(&till.key).unwrap();
    Arc::get_mut(&mut device.identity).unwrap().capabilities.clear();
    till.scan(WECHAT);
    assert_eq!(till.signalled(), []);
    let device = &till.daemon.devices[&till.key];
    let fault = device.view().status.borrow().last_fault.clone();
    assert!(fault.ends_with("the device cannot tell the customer"), "{fault}");
}

#[test]
fn a_code_that_nobody_answers_within_half_a_second_sounds_bad() {
    let mut till = till();
    till.claim(&alice(), Options::default()).unwrap();
    till.scan(WECHAT);
    till.said();
    till.pass(499);
    assert_eq!((till.said(), till.signalled()), (vec![], vec![]));
    till.pass(1);
    assert_eq!(till.said(), ["all: fault unanswered 1"]);
    assert_eq!(till.signalled(), [Verdict::Bad]);
    till.pass(10_000);
    assert_eq!(till.signalled(), [], "once is enough");
}

#[test]
fn every_way_of_dealing_with_a_code_is_an_answer() {
    for answer in ["acknowledge", "indicate", "settle", "take"] {
        let mut till = till();
        till.claim(&alice(), Options::default()).unwrap();
        till.scan(CARD);
        match answer {
            "acknowledge" => till.call(&alice(), |reply| Act::Acknowledge(1, reply)).unwrap(),
            "indicate" => assert_eq!(till.indicate(&alice(), 1), None),
            "settle" => till.settle(&alice(), 1).unwrap(),
            _ => assert_eq!(till.take(&alice(), 1).unwrap(), CARD),
        }
        till.signalled();
        till.said();
        till.pass(5_000);
        assert_eq!((till.said(), till.signalled()), (vec![], vec![]), "{answer}");
    }
}

#[test]
fn a_code_is_wiped_when_its_wallet_says_that_it_has_expired() {
    let mut till = till();
    till.claim(&alice(), Options::default()).unwrap();
    till.scan(WECHAT);
    till.settle(&alice(), 1).unwrap();
    till.scan(ALIPAY);
    till.settle(&alice(), 2).unwrap();
    till.said();
    till.pass(59_999);
    assert_eq!(till.kept(1).1, WECHAT);
    till.pass(1);
    assert_eq!(till.kept(1), (String::new(), Vec::new()));
    // Nobody documents the other's life.
    assert_eq!(till.kept(2).1, ALIPAY);
    till.pass(60_000);
    assert_eq!(till.kept(2), (String::new(), Vec::new()));
    assert_eq!(till.said(), NONE, "both had been delivered");
    // The bank's answer may come late.
    till.settle(&alice(), 1).unwrap();
}

#[test]
fn a_code_that_expires_undelivered_is_reported() {
    let mut till = till();
    till.claim(&alice(), credit(1)).unwrap();
    till.scan(ALIPAY);
    till.scan(WECHAT);
    till.said();
    till.signalled();
    till.pass(60_000);
    let said = till.said();
    assert!(said.contains(&"all: fault expired 2".to_owned()), "{said:?}");
    assert!(till.signalled().contains(&Verdict::Bad));
    till.call(&alice(), |reply| Act::Acknowledge(1, reply)).unwrap();
    assert_eq!(till.said(), NONE, "it is not sent after its time");
    till.scan(WECHAT);
    assert_eq!(till.said()[0], ":1.1: scanned 3", "nor does it take the next one's place");
}

#[test]
fn what_is_older_than_the_owner_wants_is_passed_over_for_the_next() {
    let mut till = till();
    let max_age = Some(Duration::from_secs(5));
    till.claim(&alice(), Options { max_age, ..credit(1) }).unwrap();
    till.scan(ALIPAY);
    till.scan(WECHAT);
    till.pass(5_001);
    till.scan(b"6220485073630469936");
    till.said();
    till.call(&alice(), |reply| Act::Acknowledge(1, reply)).unwrap();
    assert_eq!(till.said(), ["all: fault expired 2", ":1.1: scanned 3 late"]);
    assert_eq!(till.kept(2), (String::new(), Vec::new()));
}

#[test]
fn the_secret_part_is_taken_once_within_thirty_seconds_by_its_owner() {
    let mut till = till();
    till.claim(&alice(), Options::default()).unwrap();
    till.scan(CARD);
    assert!(!till.kept(1).0.contains("1234567890123458"));
    assert_eq!(till.take(&bob(), 1), Err(Error::NotOwner));
    till.pass(29_999);
    assert_eq!(till.take(&alice(), 1).unwrap(), CARD);
    assert!(matches!(till.take(&alice(), 1), Err(Error::Expired(_))));
    assert_eq!(till.kept(1), (String::new(), Vec::new()));
    till.scan(PERSON);
    assert!(matches!(till.take(&alice(), 2), Err(Error::Unsupported(_))), "not that");
}

#[test]
fn after_thirty_seconds_the_secret_part_is_gone() {
    let mut till = till();
    till.claim(&alice(), Options::default()).unwrap();
    till.scan(CARD);
    till.pass(30_001);
    assert_eq!(till.kept(1), (String::new(), Vec::new()), "though nobody has asked");
    assert!(matches!(till.take(&alice(), 1), Err(Error::Expired(_))));
}

#[test]
fn the_secret_part_needs_the_right_to_cards() {
    let mut till = till();
    let cashier = caller(":1.4", "bin");
    till.claim(&cashier, Options::default()).unwrap();
    till.scan(CARD);
    assert_eq!(till.said()[0], ":1.4: scanned 1");
    assert_eq!(till.take(&cashier, 1), Err(Error::AccessDenied("card")));
}

#[test]
fn who_has_lost_the_claim_and_owns_nothing_takes_nothing_of_the_next_owner() {
    let mut till = till();
    till.claim(&alice(), Options::default()).unwrap();
    till.call(&alice(), Act::Release).unwrap();
    till.claim(&bob(), Options::default()).unwrap();
    till.scan(CARD);
    assert_eq!(till.take(&alice(), 1), Err(Error::NotOwner));
    assert_eq!(till.settle(&alice(), 1), Err(Error::NotOwner));
    assert_eq!(till.indicate(&alice(), 1), Some(Error::NotOwner));
}

#[test]
fn a_claim_for_one_sale_ends_with_the_code_and_the_sale_goes_on() {
    let mut till = till();
    till.claim(&alice(), one_sale()).unwrap();
    till.scan(CARD);
    assert_eq!(
        till.said(),
        [":1.1: scanned 1", ":1.1: lost one-payment-code", "all: withheld 1 payment-code"]
    );
    assert_eq!(till.settle(&bob(), 1), Err(Error::NotClaimed));
    let acknowledge = |reply| Act::Acknowledge(1, reply);
    assert_eq!(till.call(&bob(), acknowledge), Err(Error::NotClaimed));
    till.call(&alice(), acknowledge).expect("its word of it was under way");
    assert_eq!(till.take(&alice(), 1).unwrap(), CARD);
    assert_eq!(till.indicate(&alice(), 1), None);
    assert_eq!(till.signalled(), [Verdict::Good]);
    till.settle(&alice(), 1).unwrap();
    // The next owner's customer is not to hear of the last one's.
    till.claim(&bob(), one_sale()).unwrap();
    assert_eq!(till.indicate(&alice(), 1), Some(Error::NotOwner));
    till.settle(&alice(), 1).unwrap();
}

#[test]
fn text_does_not_end_a_claim_for_one_sale() {
    let mut till = till();
    till.claim(&alice(), one_sale()).unwrap();
    till.scan(b"a text");
    till.scan(PERSON);
    till.scan(WECHAT);
    let lost = till.said().iter().position(|said| said.contains("lost")).unwrap();
    assert_eq!(lost, 4, "two events, the word that one was withheld, then the code");
}

#[test]
fn what_was_held_behind_the_last_code_of_a_claim_goes_to_nobody() {
    let mut till = till();
    till.claim(&alice(), credit(1)).unwrap();
    till.scan(b"a text");
    for code in [WECHAT, ALIPAY, CARD] {
        till.scan(code);
    }
    till.claim(&alice(), Options { until_payment_code: true, ..credit(9) }).unwrap();
    till.said();
    till.call(&alice(), |reply| Act::Acknowledge(1, reply)).unwrap();
    assert_eq!(
        till.said(),
        [
            ":1.1: scanned 2 late",
            ":1.1: lost one-payment-code",
            "all: fault expired 3",
            "all: fault expired 4"
        ]
    );
    assert_eq!((till.kept(3).1, till.kept(4).1), (Vec::new(), Vec::new()));
}

#[test]
fn what_an_owner_leaves_behind_is_wiped_and_reported() {
    for way in ["release", "leave"] {
        let mut till = till();
        till.claim(&alice(), credit(1)).unwrap();
        till.scan(WECHAT);
        till.scan(ALIPAY);
        till.said();
        match way {
            "release" => till.call(&alice(), Act::Release).unwrap(),
            _ => till.daemon.gone(till.now, &alice().client),
        }
        assert_eq!(till.said(), ["all: fault expired 2"], "{way}");
        assert_eq!(till.kept(2), (String::new(), Vec::new()), "{way}");
        // What it had got it may still deal with, unless it is gone.
        assert_eq!(till.kept(1).1.is_empty(), way == "leave");
    }
}

#[test]
fn clear_wipes_what_is_held_and_calls_it_no_fault() {
    let mut till = till();
    till.claim(&alice(), credit(1)).unwrap();
    till.scan(WECHAT);
    till.scan(ALIPAY);
    till.call(&alice(), |reply| Act::Acknowledge(0, reply)).unwrap();
    till.said();
    assert_eq!(till.call(&bob(), Act::Clear), Err(Error::NotOwner));
    till.call(&alice(), Act::Clear).unwrap();
    assert_eq!(till.kept(2), (String::new(), Vec::new()));
    till.settle(&alice(), 1).unwrap();
    till.pass(200_000);
    assert_eq!(till.said(), NONE);
}

#[test]
fn a_phone_left_before_the_box_gives_one_event_and_a_count() {
    let mut till = till();
    till.claim(&alice(), Options::default()).unwrap();
    for _ in 0..20 {
        till.scan(WECHAT);
        till.settle(&alice(), 1).unwrap();
        till.pass(500);
    }
    assert_eq!(till.daemon.ring.newest(), 1);
    assert_eq!(till.daemon.devices[&till.key].health.read()["repeated"], 19);
    till.pass(1_000);
    till.scan(WECHAT);
    assert_eq!(seen_before(&till, 2), Some((20, "used".to_owned())));
}

#[test]
fn a_phone_that_lies_there_already_is_read_for_who_claims_the_box() {
    let mut till = till();
    till.scan(WECHAT);
    till.pass(500);
    till.scan(WECHAT);
    assert_eq!(till.said(), ["all: fault unclaimed 1", "all: withheld 1 payment-code"]);
    till.claim(&alice(), one_sale()).unwrap();
    till.pass(100);
    till.scan(WECHAT);
    assert_eq!(till.said()[0], ":1.1: scanned 2");
    assert_eq!(seen_before(&till, 2), Some((2, "none".to_owned())));
    // And when the sale is over, it is no news to anybody.
    till.pass(400);
    till.scan(WECHAT);
    assert_eq!(till.said(), NONE);
    // Nor to whoever had it and now claims for the next customer.
    till.settle(&alice(), 2).unwrap();
    till.claim(&alice(), one_sale()).unwrap();
    till.pass(400);
    till.scan(WECHAT);
    assert_eq!(till.said(), NONE);
    till.scan(ALIPAY);
    assert_eq!(till.said()[0], ":1.1: scanned 3", "the next customer's");
}

#[test]
fn a_code_that_comes_again_says_what_became_of_it() {
    let mut till = till();
    till.claim(&alice(), Options::default()).unwrap();
    till.scan(ALIPAY);
    assert_eq!(seen_before(&till, 1), None);
    till.pass(2_000);
    till.scan(ALIPAY);
    assert_eq!(seen_before(&till, 2), Some((1, "none".to_owned())));
    till.settle(&alice(), 2).unwrap();
    till.settle(&alice(), 1).unwrap();
    till.pass(2_000);
    till.scan(ALIPAY);
    assert_eq!(seen_before(&till, 3), Some((2, "used".to_owned())));
    assert!(matches!(till.settle(&alice(), 4), Err(Error::InvalidArgument(_))));
}

#[test]
fn what_says_who_somebody_is_is_kept_masked_alone() {
    let mut till = till();
    till.claim(&alice(), Options::default()).unwrap();
    till.scan(PERSON);
    assert_eq!(till.said(), [":1.1: scanned 1", "all: withheld 1 national-id"]);
    assert_eq!(till.kept(1), ("****************2X".to_owned(), Vec::new()));
    till.pass(120_000);
    assert_eq!(till.kept(1), (String::new(), Vec::new()));
    assert_eq!(till.signalled(), [], "nobody waits for an answer to it");
}

#[test]
fn the_number_of_codes_in_memory_is_bounded() {
    let mut till = till();
    till.claim(&alice(), Options::default()).unwrap();
    for number in 0..MOST + 10 {
        till.scan(format!("13511229863846{number:04}").as_bytes());
    }
    assert_eq!(till.daemon.confidential.expiries.len(), MOST);
    assert_eq!((till.kept(10).1, till.kept(11).1.len()), (Vec::new(), WECHAT.len()));
}

#[test]
fn a_device_that_goes_takes_its_codes_with_it() {
    let mut till = till();
    till.claim(&alice(), credit(1)).unwrap();
    till.scan(WECHAT);
    till.scan(ALIPAY);
    till.said();
    till.daemon.remove(till.key);
    assert_eq!(till.said(), [":1.1: lost device-gone"]);
    assert_eq!(till.kept(2), (String::new(), Vec::new()));
}
