//! Cards: whose they are, and when nothing is left of them.

use super::*;
use crate::daemon::plan::Place;
use crate::normalize::card::{self, CardRules, Financial, LrcRule};

const BANK: &str = ";4111111111111111=25122010000000000000?";
const OTHER: &str = ";5555555555554444=25122010000000000000?";

/// One who may claim and read codes, and may not have cards.
fn clerk() -> Caller {
    caller(":1.3", "bin")
}

fn swipe(first: Timestamp, last: Timestamp, tracks: &str) -> Swipe {
    let tracks = card::tracks(tracks.as_bytes(), LrcRule::Kept).unwrap();
    Swipe { tracks, encryption: None, first, last }
}

impl Till {
    /// The device has read a card number in a code that is none.
    fn number_in_a_code(&mut self, financial: Financial) {
        let data = Secret::copy_of(b"4111 1111 1111 1111".as_slice());
        let (first, last) = (self.now, self.now);
        let cards = CardRules { financial: Some(financial), ..CardRules::default() };
        let rules = Rules { cards: cards.into(), ..Rules::default() };
        let reading = Reading { symbology: None, aim: None, data, first, last };
        let scan = normalize::scan(reading, &rules);
        self.daemon.report(self.now, self.key, Report::Event(scan.into()));
    }

    /// The device has read a card that may be let out.
    fn card(&mut self, tracks: &str) {
        self.card_from(self.now, tracks);
    }

    fn card_from(&mut self, first: Timestamp, tracks: &str) {
        self.card_by(Financial::Allow, first, tracks);
    }

    fn card_by(&mut self, financial: Financial, first: Timestamp, tracks: &str) {
        let rules = CardRules { financial: Some(financial), ..CardRules::default() };
        let card = card::card(swipe(first, self.now, tracks), &rules);
        self.daemon.report(self.now, self.key, Report::Event(Event::Card(Box::new(card))));
    }

    /// What the ring still has of a card.
    fn kept_card(&self, sequence: u64) -> (Option<String>, Vec<u8>) {
        let event = &self.daemon.ring.get(sequence).unwrap().event;
        let Event::Card(card) = event else { panic!("{event:?}") };
        (card.pan_masked.clone(), card.secret.expose().to_vec())
    }

    fn release(&mut self, who: &Caller) -> Result<(), Error> {
        self.call(who, Act::Release)
    }

    fn plug_is_pulled(&mut self) {
        let lost = Report::Unusable(crate::transport::Error::Disconnected);
        self.daemon.report(self.now, self.key, lost);
    }
}

const WIPED: (Option<String>, Vec<u8>) = (None, Vec::new());

#[test]
fn a_card_goes_to_its_owner_and_whole_once_through_the_pipe() {
    let mut till = till();
    till.claim(&alice(), Options::default()).unwrap();
    till.card(BANK);
    assert_eq!(till.said(), [":1.1: read 1", "all: withheld 1 card"]);
    assert_eq!(till.kept_card(1).0.as_deref(), Some("************1111"));
    assert_eq!(till.take(&bob(), 1), Err(Error::NotOwner));
    assert_eq!(till.take(&alice(), 1).unwrap(), format!("2 {BANK}\n").into_bytes());
    assert_eq!(till.kept_card(1), WIPED);
    let again = Error::Expired("it has been taken, or has expired, or was not for you");
    assert_eq!(till.take(&alice(), 1), Err(again));
}

#[test]
fn without_an_owner_a_card_is_wiped_and_the_cashier_learns_of_it() {
    let mut till = till();
    till.card(BANK);
    assert_eq!(till.said(), ["all: fault unclaimed 1", "all: withheld 1 card"]);
    assert_eq!(till.kept_card(1), WIPED);
    till.claim(&alice(), Options::default()).unwrap();
    assert_eq!(till.said(), NONE);
    assert!(till.take(&alice(), 1).is_err());
}

#[test]
fn an_owner_without_the_right_to_cards_gets_none() {
    let mut till = till();
    till.claim(&clerk(), Options::default()).unwrap();
    till.card(BANK);
    assert_eq!(till.said(), ["all: fault unclaimed 1", "all: withheld 1 card"]);
    let fault = till.daemon.devices[&till.key].view().status.borrow().last_fault.clone();
    assert!(fault.contains("has not the right `card`"), "{fault}");
    assert_eq!(till.kept_card(1), WIPED);
}

#[test]
fn what_the_configuration_keeps_back_cannot_be_taken() {
    for (financial, masked) in
        [(Financial::Refuse, None), (Financial::Masked, Some("************1111".to_owned()))]
    {
        let mut till = till();
        till.claim(&alice(), Options::default()).unwrap();
        till.card_by(financial, till.now, BANK);
        assert_eq!(till.said(), [":1.1: read 1", "all: withheld 1 card"], "{financial:?}");
        assert_eq!(till.kept_card(1), (masked, Vec::new()), "{financial:?}");
        assert!(matches!(till.take(&alice(), 1), Err(Error::Unsupported(_))), "{financial:?}");
    }
}

#[test]
fn a_card_ends_with_its_claim_its_plug_and_its_half_minute() {
    type End = fn(&mut Till);
    let ends: [(&str, End); 6] = [
        ("gone by udev's word", |till| till.daemon.place(till.key, Place::Absent)),
        ("two answer to its match", |till| {
            till.daemon.place(till.key, Place::Ambiguous(Vec::new()));
        }),
        ("released", |till| till.release(&alice()).unwrap()),
        ("unplugged", Till::plug_is_pulled),
        ("half a minute", |till| till.pass(30_000)),
        ("left the bus", |till| till.daemon.gone(till.now, &alice().client)),
    ];
    for (name, end) in ends {
        let mut till = till();
        till.claim(&alice(), Options::default()).unwrap();
        till.card(BANK);
        end(&mut till);
        assert_eq!(till.kept_card(1), WIPED, "{name}");
        assert!(till.take(&alice(), 1).is_err(), "{name}");
        assert_eq!(till.daemon.confidential.deadline(), None, "{name}: nothing is left to expire");
    }
}

#[test]
fn a_card_that_is_held_back_is_lost_with_the_claim_and_told_of() {
    let mut till = till();
    till.claim(&alice(), credit(1)).unwrap();
    till.card(BANK);
    till.card(OTHER);
    till.said();
    till.release(&alice()).unwrap();
    let said = till.said();
    assert!(said.contains(&"all: fault expired 2".to_owned()), "{said:?}");
    assert_eq!((till.kept_card(1), till.kept_card(2)), (WIPED, WIPED));
}

#[test]
fn a_challenger_gets_nothing_of_the_one_before() {
    let mut till = till();
    till.claim(&alice(), Options::default()).unwrap();
    till.card(BANK);
    let (reply, mut answer) = oneshot::channel();
    let options = Options { wait: Duration::from_secs(5), ..Options::default() };
    let (caller, device) = (bob(), till.key);
    let act = Act::Claim(options, reply);
    till.daemon.call(till.now, Call::Device { caller, device, act });
    till.pass(1_000);
    assert_eq!(answer.try_recv().unwrap(), Ok(()));
    assert_eq!(till.kept_card(1), WIPED);
    assert!(till.take(&bob(), 1).is_err() && till.take(&alice(), 1).is_err());
}

#[test]
fn a_card_that_began_under_another_owner_is_nobodys() {
    let mut till = till();
    till.claim(&alice(), Options::default()).unwrap();
    let first = till.now + Duration::from_millis(1);
    till.pass(2);
    till.release(&alice()).unwrap();
    till.claim(&bob(), Options::default()).unwrap();
    till.pass(1);
    till.card_from(first, BANK);
    assert_eq!(till.said(), ["all: fault unclaimed 1", "all: withheld 1 card"]);
    assert_eq!(till.kept_card(1), WIPED);
}

/// Two clients claim and release in every order around ten thousand cards. An account of who owned the
/// device when, kept apart from the daemon's, says whose each card is.
#[test]
fn ten_thousand_cards_among_claims_and_releases_reach_no_wrong_client() {
    let mut till = till();
    let mut random = 0x2545_F491_4F6C_DD1D_u64;
    let mut below = |bound: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % bound
    };
    let clients = [alice(), bob()];
    let mut owner: Option<usize> = None;
    let (mut delivered, mut wiped) = (0, 0);
    for sequence in 1..=10_000 {
        let mut account = vec![(till.now, owner)];
        for _ in 0..below(4) {
            till.pass(1 + below(3));
            let who = usize::try_from(below(2)).unwrap();
            if below(2) == 0 {
                let granted = till.claim(&clients[who], Options::default()).is_ok();
                assert_eq!(granted, owner.is_none_or(|owner| owner == who));
                owner = if granted { Some(who) } else { owner };
            } else {
                let released = till.release(&clients[who]).is_ok();
                assert_eq!(released, owner == Some(who));
                owner = if released { None } else { owner };
            }
            account.push((till.now, owner));
        }
        // Its first byte came some time in all this, its last one comes now.
        till.pass(1);
        let begun = account[0].0.0 + below(till.now.0 - account[0].0.0 + 1);
        let then = account.iter().rev().find(|(since, _)| since.0 <= begun).unwrap().1;
        let mine = then.filter(|_| then == owner);
        till.said();
        till.card_from(Timestamp(begun), BANK);
        let reads: Vec<String> =
            till.said().into_iter().filter(|said| said.contains("read")).collect();
        match mine {
            Some(who) => {
                assert_eq!(reads, [format!("{}: read {sequence}", clients[who].client)]);
                assert!(till.take(&clients[1 - who], sequence).is_err());
                delivered += 1;
            }
            None => {
                assert_eq!(reads, NONE, "card {sequence}: {account:?}, begun {begun}");
                wiped += 1;
            }
        }
    }
    assert!(delivered > 2_000 && wiped > 2_000, "{delivered} delivered, {wiped} wiped");
}

#[test]
fn what_a_code_tells_of_a_card_needs_the_right_to_cards() {
    for (financial, who, read) in [
        (Financial::Masked, alice(), true),
        (Financial::Allow, alice(), true),
        (Financial::Masked, clerk(), false),
        (Financial::Allow, clerk(), false),
        (Financial::Refuse, clerk(), true),
    ] {
        let mut till = till();
        till.claim(&who, Options::default()).unwrap();
        till.number_in_a_code(financial);
        let said = till.said();
        let name = who.client.to_string();
        let has_read = said.contains(&format!("{name}: scanned 1"));
        assert_eq!(has_read, read, "{financial:?}: {said:?}");
        assert!(said.contains(&"all: withheld 1 text".to_owned()), "{said:?}");
        assert_eq!(said.iter().any(|said| said.contains("unclaimed")), !read, "{said:?}");
    }
}
