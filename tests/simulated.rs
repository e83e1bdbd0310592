//! Every simulated device and its protocol, back to back in memory: no port, no clock, no daemon.
//!
//! The two are written apart, so each proves the other. A new protocol is covered by being in the
//! lists; its options beside the defaults are one row in `VARIANTS`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails loudly"
)]

mod support;

use std::collections::VecDeque;
use std::time::Duration;

use support::Random;
use tillbus::event::card::{Kind as CardKind, Number, Stripe, TrackError};
use tillbus::event::{
    Failure, Fault, Reading, Refusal, Request, Swipe, Symbology, Timestamp, Verdict,
};
use tillbus::hid::{self, stream};
use tillbus::normalize::card::{self, CardRules, LrcRule};
use tillbus::protocol::{
    self, Carrier, Input, Item, Kind, Opening, Output, Protocol, ReportKind, RequestId, Token,
};
use tillbus::settings::File;
use tillbus::sim::{self, Actions, Code, Simulated};

/// How many things may happen before both sides are at rest.
const MOST_EVENTS: usize = 10_000;

/// Options worth trying beside the defaults, by protocol.
const VARIANTS: &[(&str, &[&str])] = &[
    (
        "line-scanner",
        &[
            "aim = \"off\"",
            "aim = \"required\"",
            "prefix = \"STX\", suffix = \"ETX\"",
            "commands = { trigger-on = \"SYN T CR\", enable = \"E\", disable = \"D\", good = \"BEL\", bad = \"0x01\" }",
            "gap-ms = 50",
        ],
    ),
    (
        "datalogic",
        &[
            "label-ids = \"us\"",
            "label-ids = \"eu\", aim = \"off\"",
            "label-ids = \"eu\", label-position = \"suffix\", suffix = \"CR LF\"",
            "label-ids = \"us\", label-position = \"suffix\", acknowledge = \"labels\", aim = \"off\"",
            "acknowledge = \"both\", commands = { trigger-on = \"T\", trigger-off = \"X\", enable = \"E\", \
             disable = \"D\", good = \"SOH\", bad = \"F\" }",
        ],
    ),
    (
        "honeywell",
        &[
            "code-id = \"first\"",
            "code-id = \"after-aim\", aim = \"required\", prefix = \"STX\", suffix = \"ETX\"",
            "setup = [\"DECHDR1\", \"CBRENA0,MIN5\"]",
            "indicate = \"host-ack\", acknowledge = true",
            "metadata = \"off\", indicate = \"off\"",
        ],
    ),
    (
        "newland",
        &[
            "aim = \"required\", indicate = \"beep\"",
            "setup = [\"SCNMOD3\", \"C11ENA1,MIN9\"], suffix = \"CR LF\"",
            "aim = \"off\", prefix = \"#\"",
        ],
    ),
    ("grow-gm65", &["mode = \"sense\""]),
    ("paycloud", &["aim = \"off\"", "prefix = \"#\", suffix = \"CR LF\""]),
    ("hid-pos", &["commands = \"honeywell\", switch-to-hid-pos = true"]),
    (
        "hid-keyboard",
        &[
            "layout = \"fr\"",
            "suffix = [\"0x09\", \"CR\"]",
            "gap-ms = 50, layout = \"de\"",
            "aim = \"required\"",
        ],
    ),
    (
        "track-reader",
        &[
            "prefix = \"STX\", suffix = \"ETX\", lrc = \"sent\"",
            "separator = \"CR\"",
            "separator = \"CR\", suffix = \"CR LF\", track-ids = [\"k\", \"l\", \"m\"]",
            "gap-ms = 50",
            "prefix = \"STX\", suffix = \"ETX\", separator = \"DLE\", absent = \"N\", unread = [\"E\", \"F\"], \
             lrc = \"sent\"",
            "suffix = \"ETX\", separator = [\"DLE STX\", \"STX\"]",
        ],
    ),
    ("msr-keyboard", &["layout = \"de\"", "separator = \"CR\"", "lrc = \"sent\", gap-ms = 50"]),
    (
        "ssi",
        &[
            "acknowledge = \"last\"",
            "acknowledge = \"off\"",
            "long-codes = \"segments\"",
            "aim = \"auto\", prefix = \"#\", suffix = \"CR LF\"",
            "wake-up = true, response-ms = 9900",
        ],
    ),
];

/// A device, its protocol, and the line between them.
struct Line {
    device: Box<dyn Simulated>,
    protocol: Box<dyn Protocol>,
    /// Finds the frames of a HID device, which stand for its reports.
    hid: Option<stream::Decoder>,
    now: Timestamp,
    /// When the device will have waited long enough.
    patience: Option<Timestamp>,
    /// What is under way to the host, and to the device.
    to_host: VecDeque<Vec<u8>>,
    to_device: VecDeque<Vec<u8>>,
    out: Output,
    requests: u64,
    readings: Vec<Reading>,
    swipes: Vec<Swipe>,
    answers: Vec<Result<(), Failure>>,
    faults: Vec<Fault>,
    damage: Option<Damage>,
}

/// Flips bits of what is sent either way.
struct Damage {
    random: Random,
    /// The first byte of a packet that may be damaged.
    from: usize,
    /// How many more may be damaged before the next code.
    left: usize,
}

impl Damage {
    fn strike(&mut self, bytes: &mut [u8]) {
        if self.left > 0 && bytes.len() > self.from && self.random.below(3) == 0 {
            self.left -= 1;
            let place = self.from + self.random.below(bytes.len() - self.from);
            bytes[place] ^= 1 << self.random.below(8);
        }
    }
}

impl Line {
    fn new(name: &str, options: &str) -> Self {
        let factory = support::configure(name, options).unwrap();
        let carrier = protocol::find(name).unwrap().carrier;
        let file = File { name: "options".to_owned(), text: format!("p = {{ {options} }}") };
        let document = file.parse().unwrap();
        let section = document.root().section("p").unwrap().unwrap();
        let device = (sim::find(name).unwrap().configure)(&section).unwrap();
        let mut line = Self {
            device,
            protocol: factory(),
            hid: matches!(carrier, Carrier::Hid { .. }).then(stream::Decoder::default),
            now: Timestamp(1_000_000),
            patience: None,
            to_host: VecDeque::new(),
            to_device: VecDeque::new(),
            out: Output::default(),
            requests: 0,
            readings: Vec::new(),
            swipes: Vec::new(),
            answers: Vec::new(),
            faults: Vec::new(),
            damage: None,
        };
        line.protocol.opened(line.now, Opening::Fresh, &mut line.out);
        if line.hid.is_some() {
            let mut question = Vec::new();
            stream::Frame::Describe.write(&mut question);
            line.to_device.push_back(question);
            line.run();
        }
        line
    }

    fn scan(&mut self, code: &Code) {
        let bytes = self.device.scan(code);
        self.device_sends(bytes);
        self.run();
    }

    fn behave(&mut self, words: &str) {
        let mut actions = Actions::default();
        self.device.behave(words, &mut actions).unwrap();
        self.device_sends(actions.send);
        self.run();
    }

    fn ask(&mut self, request: Request) -> Result<(), Refusal> {
        self.requests += 1;
        let id = RequestId(self.requests);
        self.protocol.request(self.now, id, request, &mut self.out)?;
        self.run();
        Ok(())
    }

    fn device_sends(&mut self, bytes: Vec<u8>) {
        self.patience = self.device.patience().map(|time| self.now + time);
        self.to_host.push_back(bytes);
    }

    /// Until nothing is under way and nobody waits for anything.
    fn run(&mut self) {
        for _ in 0..MOST_EVENTS {
            self.hear();
            self.now = self.now + Duration::from_millis(5);
            if let Some(mut bytes) = self.to_device.pop_front() {
                if let Some(damage) = &mut self.damage {
                    damage.strike(&mut bytes);
                }
                let mut actions = Actions::default();
                self.device.receive(&bytes, &mut actions);
                self.device_sends(actions.send);
            } else if let Some(mut bytes) = self.to_host.pop_front() {
                if let Some(damage) = &mut self.damage {
                    damage.strike(&mut bytes);
                }
                self.host_hears(&bytes);
            } else {
                match (self.protocol.deadline(), self.patience) {
                    (None, None) => return,
                    (Some(host), device) if device.is_none_or(|device| host <= device) => {
                        self.now = self.now.max(host);
                        self.protocol.timeout(self.now, &mut self.out);
                    }
                    (_, device) => {
                        self.now = self.now.max(device.unwrap());
                        let mut actions = Actions::default();
                        self.device.timeout(&mut actions);
                        self.device_sends(actions.send);
                    }
                }
            }
        }
        panic!("{MOST_EVENTS} events, and still not at rest");
    }

    fn host_hears(&mut self, bytes: &[u8]) {
        let Self { protocol, hid, now, out, .. } = self;
        let Some(decoder) = hid else {
            return protocol.receive(*now, Input::Bytes(bytes), out);
        };
        decoder.take(bytes, &mut |frame| match frame {
            stream::Frame::Descriptor(bytes) => {
                protocol.receive(*now, Input::Descriptor(bytes), out);
            }
            stream::Frame::Report(hid::Kind::Input, id, data) => {
                protocol.receive(*now, Input::Report { id, data }, out);
            }
            other => panic!("no device says {other:?}"),
        });
    }

    fn sent(&mut self, token: Option<Token>) {
        if let Some(token) = token {
            self.protocol.sent(self.now, token, &mut self.out);
        }
    }

    fn hear(&mut self) {
        while let Some(item) = self.out.pop() {
            match item {
                Item::Reading(reading) => self.readings.push(reading),
                Item::Swipe(swipe) => self.swipes.push(swipe),
                Item::Answer(_, answer) => self.answers.push(answer),
                Item::Fault(fault) => self.faults.push(fault),
                Item::Write(bytes, token) => {
                    self.to_device.push_back(bytes);
                    self.sent(token);
                }
                Item::Said(_) | Item::Persist(_) => {}
                Item::Report { kind, id, data, token } => {
                    let kind = match kind {
                        ReportKind::Output => hid::Kind::Output,
                        ReportKind::Feature => hid::Kind::Feature,
                    };
                    let mut bytes = Vec::new();
                    stream::Frame::Report(kind, id, &data).write(&mut bytes);
                    self.to_device.push_back(bytes);
                    self.sent(token);
                }
            }
        }
    }
}

fn codes() -> Vec<Code> {
    let code = |symbology, data: &[u8]| Code { symbology: Some(symbology), data: data.to_vec() };
    let long: Vec<u8> = b"https://example.org/".iter().chain(&[b'a'; 700]).copied().collect();
    vec![
        code(Symbology::Ean13, b"4006381333931"),
        code(Symbology::Ean8, b"96385074"),
        code(Symbology::UpcA, b"012345678905"),
        code(Symbology::UpcE, b"04252614"),
        code(Symbology::Code39, b"SHELF 17"),
        code(Symbology::Code93, b"Code93"),
        code(Symbology::Codabar, b"A123456B"),
        code(Symbology::Itf, b"14006381333938"),
        code(Symbology::Code128, b"Lager 12/b"),
        code(Symbology::Gs1Code128, b"010400638133393110ABC\x1D3912"),
        code(Symbology::Pdf417, b"two words"),
        code(Symbology::DataMatrix, b"a"),
        code(Symbology::Gs1DataMatrix, b"010400638133393121serial\x1D17"),
        code(Symbology::Aztec, b"ticket"),
        code(Symbology::Qr, "茶 tea".as_bytes()),
        code(Symbology::Qr, &long),
        code(Symbology::Gs1Qr, b"010400638133393110A"),
        code(Symbology::Databar, b"0104006381333931"),
        Code::plain("281234567890123456"),
    ]
}

/// Every protocol of this kind that has a simulated device, with every set of options.
fn everything(kind: Kind) -> Vec<(&'static protocol::Info, &'static str)> {
    let simulated = sim::ALL.iter().filter_map(|info| protocol::find(info.name));
    let simulated = simulated.filter(|info| info.kind == kind);
    simulated
        .flat_map(|info| {
            let more = VARIANTS.iter().find(|(name, _)| *name == info.name);
            let more = more.map_or(&[][..], |(_, options)| options);
            [""].iter().chain(more).map(move |options| (info, *options))
        })
        .collect()
}

#[test]
fn what_a_device_reads_is_what_its_protocol_says() {
    for (info, options) in everything(Kind::Scanner) {
        let mut line = Line::new(info.name, options);
        for (place, code) in codes().iter().enumerate() {
            line.scan(code);
            let what = format!("{} with {options:?}, code {place}", info.name);
            assert_eq!(line.faults, [], "{what}");
            assert_eq!(line.readings.len(), place + 1, "{what}");
            let reading = &line.readings[place];
            assert_eq!(reading.data.expose(), code.data, "{what}");
            // ISO/IEC 15424 has one identifier for EAN-13, UPC-A and UPC-E.
            let upc = matches!(code.symbology, Some(Symbology::UpcA | Symbology::UpcE));
            let as_ean =
                upc && reading.aim.is_some_and(|aim| (aim.code, aim.modifier) == (b'E', b'0'));
            // And one for what has none of its own.
            let other = reading.aim.is_some_and(|aim| (aim.code, aim.modifier) == (b'X', b'0'));
            let unnamed = other && reading.symbology == Some(Symbology::Unknown);
            let right = reading.symbology.is_none()
                || reading.symbology == code.symbology
                || (as_ean && reading.symbology == Some(Symbology::Ean13))
                || unnamed;
            assert!(right, "{what}: {:?} for {:?}", reading.symbology, code.symbology);
        }
    }
}

#[test]
fn what_a_card_reader_reads_is_what_its_protocol_says() {
    let cards = [
        "%B4111111111111111^TEST/CARD^2512201000000000?;4111111111111111=25122010000000000000?",
        ";5413330089020011=2512601079360805?",
        "%STAFF 00042?;00042?",
    ];
    for (info, options) in everything(Kind::CardReader) {
        let mut line = Line::new(info.name, options);
        for (place, card) in cards.into_iter().enumerate() {
            line.scan(&Code::plain(card));
            let what = format!("{} with {options:?}, card {place}", info.name);
            assert_eq!(line.faults, [], "{what}");
            assert_eq!(line.swipes.len(), place + 1, "{what}");
            let swipe = &line.swipes[place];
            let want = card::tracks(card.as_bytes(), LrcRule::Kept).unwrap();
            for number in Number::ALL {
                // What an encrypting head shows is no track: that it is there is all that can be said.
                let is_there = |stripe: &Stripe| *stripe != Stripe::Absent;
                let (got, want) = (swipe.tracks.get(number), want.get(number));
                match &swipe.encryption {
                    None => assert_eq!(got, want, "{what}: track {number:?}"),
                    Some(encryption) => {
                        let encrypted = encryption.tracks.get(number).is_some();
                        let read = is_there(got) || encrypted;
                        assert_eq!(read, is_there(want), "{what}: track {number:?}");
                    }
                }
            }
        }
    }
}

const BANK_CARD: &str =
    "%B4111111111111111^TEST/CARD^2512201000000000?;4111111111111111=25122010000000000000?";

#[test]
fn encrypting_heads_hide_the_number_and_all_that_they_say_is_passed_on() {
    for (name, words) in [
        ("magtek", "magnesafe"),
        ("idtech", "original"),
        ("idtech", "enhanced"),
        ("idtech-hid", "original"),
        ("idtech-hid", "enhanced"),
    ] {
        let what = format!("{name}, {words}");
        let mut line = Line::new(name, "");
        line.behave(words);
        line.scan(&Code::plain(BANK_CARD));
        line.scan(&Code::plain("%E?;4111111111111111=25122010000000000000?"));
        line.scan(&Code::plain(";60010000=2512?"));
        assert_eq!(line.faults, [], "{what}");
        let [bank, second, gift] = line.swipes.as_slice() else { panic!("{what}: three cards") };
        let ksn = |swipe: &Swipe| swipe.encryption.as_ref().and_then(|one| one.ksn.clone());
        assert!([bank, second].iter().all(|swipe| ksn(swipe).is_some()), "{what}");
        assert_eq!(second.tracks.get(Number::One), &Stripe::Bad(TrackError::Unread), "{what}");
        let lengths = bank.encryption.as_ref().unwrap().lengths.0;
        assert_eq!(lengths, [Some(46), Some(39), None], "{what}");

        let card = |swipe: &Swipe| card::card(swipe.clone(), &CardRules::default());
        let (told, gift) = (card(bank), card(gift));
        assert_eq!(told.kind, CardKind::Financial, "{what}");
        assert_eq!(told.pan_masked.as_deref(), Some("************1111"), "{what}");
        assert!(told.masked.get(Number::Two).is_some(), "{what}");
        let all = format!("{:?} {:?}", told.details(), told.secret.expose());
        assert!(!all.contains("4111111111111111"), "{what}");
        assert_eq!(gift.kind, CardKind::Other, "{what}: what is no bank's is left in clear");
        assert_eq!(gift.secret.expose(), b"2 ;60010000=2512?\n", "{what}");
    }
}

#[test]
fn heads_that_could_encrypt_and_do_not_are_as_any_other() {
    for words in ["plain", "p-series", "magnesafe-unkeyed"] {
        let mut line = Line::new("magtek", "");
        line.behave(words);
        line.scan(&Code::plain(BANK_CARD));
        let [swipe] = line.swipes.as_slice() else { panic!("{words}: {:?}", line.faults) };
        let want = card::tracks(BANK_CARD.as_bytes(), LrcRule::Kept).unwrap();
        assert_eq!((&swipe.tracks, &swipe.encryption), (&want, &None), "{words}");
        let told = card::card(swipe.clone(), &CardRules::default());
        assert_eq!(told.refused, Some("financial-cards"), "{words}");
    }
}

#[test]
fn devices_that_name_symbologies_do() {
    let all = [
        ("line-scanner", ""),
        ("ssi", ""),
        ("ssi", "aim = \"auto\""),
        ("datalogic", "label-ids = \"eu\", aim = \"off\""),
        ("honeywell", ""),
        ("honeywell", "aim = \"off\", code-id = \"first\""),
        ("honeywell", "aim = \"off\", code-id = \"after-aim\""),
        ("newland", ""),
        ("newland", "aim = \"off\", code-ids = [\"d ean-13\"]"),
        ("paycloud", ""),
    ];
    for (name, options) in all {
        let mut line = Line::new(name, options);
        line.scan(&codes()[0]);
        assert_eq!(line.readings[0].symbology, Some(Symbology::Ean13), "{name}");
    }
}

#[test]
fn devices_answer_what_they_are_asked() {
    let of = |ability: &str| -> &[Request] {
        match ability {
            "trigger" => &[Request::Trigger(true)],
            "enable" => &[Request::Enable(false), Request::Enable(true)],
            "indicate" => &[Request::Indicate(Verdict::Good), Request::Indicate(Verdict::Bad)],
            _ => &[],
        }
    };
    for (info, options) in everything(Kind::Scanner) {
        for ability in support::configured(info.name, options).unwrap().capabilities {
            let mut line = Line::new(info.name, options);
            for request in of(ability) {
                let what = format!("{} with {options:?}: {request:?}", info.name);
                assert_eq!(line.ask(request.clone()), Ok(()), "{what}");
                assert_eq!(line.answers.pop(), Some(Ok(())), "{what}");
                assert_eq!(line.faults, [], "{what}");
            }
            line.scan(&codes()[0]);
            assert_eq!(line.readings.len(), 1, "{} still reads", info.name);
        }
    }
}

#[test]
fn a_disabled_device_reads_nothing() {
    let commands = "commands = { enable = \"E\", disable = \"D\" }";
    let all = [
        ("ssi", ""),
        ("newland", ""),
        ("grow-gm65", ""),
        ("datalogic", commands),
        ("line-scanner", commands),
    ];
    for (name, options) in all {
        let mut line = Line::new(name, options);
        line.ask(Request::Enable(false)).unwrap();
        line.scan(&codes()[0]);
        assert_eq!(line.readings, [], "{name}");
    }
}

/// What comes over a line on which two packets are damaged for each code, not before this byte.
fn over_a_bad_line(seed: u64, from: usize) -> (Vec<Vec<u8>>, Vec<Fault>) {
    let mut line = Line::new("ssi", "");
    line.damage = Some(Damage { random: Random(seed), from, left: 0 });
    for code in codes() {
        // A packet is sent three times at most; acknowledgements are damaged too.
        line.damage.as_mut().unwrap().left = 2;
        line.scan(&code);
    }
    let codes = line.readings.iter().map(|reading| reading.data.expose().to_vec());
    (codes.collect(), line.faults)
}

#[test]
fn over_a_bad_line_ssi_loses_nothing_and_doubles_nothing() {
    let want: Vec<Vec<u8>> = codes().into_iter().map(|code| code.data).collect();
    for seed in 0..300 {
        // The header is left alone: where it is damaged, nobody knows what was lost.
        let (got, faults) = over_a_bad_line(seed, 4);
        assert!(got == want, "seed {seed}: {got:02X?} {faults:?}");
    }
}

#[test]
fn over_a_worse_line_ssi_doubles_a_code_rather_than_losing_it_and_joins_no_halves() {
    let want: Vec<Vec<u8>> = codes().into_iter().map(|code| code.data).collect();
    for seed in 0..300 {
        let (mut got, faults) = over_a_bad_line(seed, 0);
        got.dedup();
        // A code in several packets is given up where one of them may have come twice.
        let is_long = |code: &Vec<u8>| code.len() > 250;
        let expected: Vec<_> =
            want.iter().filter(|code| !is_long(code) || got.contains(code)).collect();
        assert!(got.iter().eq(expected), "seed {seed}: {got:02X?} {faults:?}");
    }
}
