//! What tests share: a player of recordings against protocols (here), a private bus with the daemon
//! on it ([`host`]), and clients of it ([`client`]).

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part of this")]

pub mod client;
pub mod host;
pub mod numbers;
pub mod program;
pub mod python;
pub mod till;
pub mod umockdev;
pub mod usbdevfs;

use std::fmt::Write as _;
use std::time::Duration;

use tillbus::event::card::Stripe;
use tillbus::event::terminal::{Answer, Ending, Entry, Instruction, Said};
use tillbus::event::{Reading, Request, Role, Sensitivity, Swipe, Timestamp, Value};
use tillbus::normalize::card::{CardRules, Financial};
use tillbus::normalize::{self, Rules};
use tillbus::protocol::{
    self, Configured, Factory, Input, Item, Opening, Output, Protocol, RequestId, Token,
};
use tillbus::recording::{Recording, Step};
use tillbus::settings::File;
use tillbus::sim::{self, Simulated};

/// A protocol may ask to be woken this often in one wait; more is a timer that never rests.
const MOST_TIMEOUTS: usize = 1_000;

/// A small generator with a seed, so that a failure repeats.
pub struct Random(pub u64);

impl Random {
    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound.max(1)
    }
}

/// Makes a protocol's factory from the `[protocol]` keys of an inline table.
pub fn configure(name: &str, options: &str) -> Result<Factory, String> {
    configured(name, options).map(|configured| configured.factory)
}

/// A protocol with the `[protocol]` keys of an inline table.
pub fn configured(name: &str, options: &str) -> Result<Configured, String> {
    let info = protocol::find(name).ok_or_else(|| format!("no protocol `{name}`"))?;
    let file = File { name: "options".to_owned(), text: format!("protocol = {{ {options} }}") };
    let document = file.parse().map_err(|error| error.to_string())?;
    let root = document.root();
    let section = root.section("protocol").map_err(|error| error.to_string())?;
    let section = section.ok_or("no options")?;
    let configured = (info.configure)(&section).map_err(|error| error.to_string())?;
    section.finish().map_err(|error| error.to_string())?;
    Ok(configured)
}

/// A simulated device of a protocol with the `[protocol]` keys of an inline table.
pub fn simulated(name: &str, options: &str) -> Result<Box<dyn Simulated>, String> {
    let info = sim::find(name).ok_or_else(|| format!("no simulated `{name}`"))?;
    let file = File { name: "options".to_owned(), text: format!("protocol = {{ {options} }}") };
    let document = file.parse().map_err(|error| error.to_string())?;
    let root = document.root();
    let section = root.section("protocol").map_err(|error| error.to_string())?;
    (info.configure)(&section.ok_or("no options")?).map_err(|error| error.to_string())
}

/// One conversation being played, and all that was said in it.
pub struct Player {
    factory: Factory,
    rules: Rules,
    protocol: Box<dyn Protocol>,
    now: Timestamp,
    requests: u64,
    out: Output,
    /// The transcript.
    pub said: String,
    /// What was read.
    pub readings: Vec<Read>,
}

/// A code or a card, as its protocol reports it.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// A code.
    Code(Reading),
    /// A card.
    Card(Swipe),
}

impl Read {
    /// Whether it is the same, read at another time.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Code(one), Self::Code(other)) => one.data == other.data && one.aim == other.aim,
            (Self::Card(one), Self::Card(other)) => {
                one.tracks == other.tracks && one.encryption == other.encryption
            }
            _ => false,
        }
    }
}

const START: Timestamp = Timestamp(1_000_000);

/// How many faults a device brings about that says nothing at all: some protocols want to hear something.
pub fn faults_of_silence(factory: &Factory, rules: &Rules) -> usize {
    let mut player = Player::new(factory, rules);
    player.wait(Duration::from_secs(60));
    player.faults()
}

impl Player {
    /// A line that has just been opened.
    pub fn new(factory: &Factory, rules: &Rules) -> Self {
        let mut player = Self {
            factory: factory.clone(),
            rules: rules.clone(),
            protocol: factory(),
            now: START,
            requests: 0,
            out: Output::default(),
            said: String::new(),
            readings: Vec::new(),
        };
        player.open();
        player
    }

    fn open(&mut self) {
        self.protocol = (self.factory)();
        self.protocol.opened(self.now, Opening::Fresh, &mut self.out);
        self.hear();
    }

    /// Plays steps, each whole.
    pub fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            self.step(step, &mut |all| all);
        }
    }

    /// Plays one step, bytes in the pieces that `split` makes of them.
    pub fn step(&mut self, step: &Step, split: &mut dyn FnMut(usize) -> usize) {
        match step {
            Step::Bytes(bytes) => {
                let mut rest = bytes.as_slice();
                while !rest.is_empty() {
                    let (piece, after) = rest.split_at(split(rest.len()).clamp(1, rest.len()));
                    self.input(Input::Bytes(piece));
                    rest = after;
                }
            }
            Step::Wait(wait) => self.wait(*wait),
            Step::Ask(request) => self.ask(request.clone()),
            Step::Instruct(instruction) => self.instruct(instruction.clone()),
            Step::BadByte(byte) => self.input(Input::BadByte(*byte)),
            Step::Break => self.input(Input::Break),
            Step::Descriptor(bytes) => self.input(Input::Descriptor(bytes)),
            Step::Report { id, data } => self.input(Input::Report { id: *id, data }),
            Step::Close => {
                self.close();
                self.open();
            }
        }
    }

    /// How many faults have been said.
    pub fn faults(&self) -> usize {
        self.said.lines().filter(|line| line.contains(" fault ")).count()
    }

    /// The line goes away.
    pub fn close(&mut self) {
        self.protocol.closed(self.now, &mut self.out);
        self.hear();
    }

    /// Time goes by, with all the timeouts in it.
    pub fn wait(&mut self, wait: Duration) {
        let end = self.now + wait;
        for _ in 0..MOST_TIMEOUTS {
            let Some(deadline) = self.protocol.deadline().filter(|deadline| *deadline <= end)
            else {
                self.now = end;
                return;
            };
            self.now = self.now.max(deadline);
            self.protocol.timeout(self.now, &mut self.out);
            self.hear();
        }
        panic!("{MOST_TIMEOUTS} timeouts in {wait:?}: a timer that never rests");
    }

    fn input(&mut self, input: Input<'_>) {
        self.protocol.receive(self.now, input, &mut self.out);
        self.hear();
    }

    fn ask(&mut self, request: Request) {
        self.requests += 1;
        let id = RequestId(self.requests);
        if let Err(refusal) = self.protocol.request(self.now, id, request, &mut self.out) {
            assert!(self.out.is_empty(), "a refused request said something all the same");
            self.say(&format!("refused {}: {refusal}", id.0));
        }
        self.hear();
    }

    fn instruct(&mut self, instruction: Instruction) {
        if let Err(refusal) = self.protocol.instruct(self.now, instruction, &mut self.out) {
            assert!(self.out.is_empty(), "a refused instruction said something all the same");
            self.say(&format!("not told: {refusal}"));
        }
        self.hear();
    }

    fn said(&mut self, said: &Said) {
        match said {
            Said::Progress(progress) => {
                self.say(&format!("progress {:?}: {}", progress.awaiting, progress.text));
            }
            Said::Condition(conditions) => {
                let words: Vec<_> = conditions.iter().map(|one| one.word()).collect();
                self.say(&format!("condition [{}]", words.join(", ")));
            }
            Said::Status(answer) => {
                self.say(&format!("status: {}", answer.unwrap_or("no answer")));
            }
            Said::Last(answer, clock) => {
                let answer =
                    answer.as_ref().map_or_else(|| "nothing".to_owned(), |one| shown_answer(one));
                self.say(&format!("last, at [{clock}]: {answer}"));
            }
        }
    }

    fn persist(&mut self, entry: &Entry) {
        match entry {
            Entry::Sending => self.say("persist sending"),
            Entry::Accepted => self.say("persist accepted"),
            Entry::Receipt(line) => {
                self.say(&format!("persist {} line {:?}", line.copy.word(), line.text));
            }
            Entry::Amended(lines) => {
                for line in lines {
                    let word = line.copy.word();
                    self.say(&format!("persist {word} line again {:?}", line.text));
                }
            }
            Entry::Reprint => self.say("persist reprint"),
            Entry::Answer(answer) => {
                let answer = shown_answer(answer);
                self.say(&format!("persist answer {answer}"));
            }
            Entry::Late(number, answer) => {
                let number = number.map_or_else(String::new, |number| format!(" of {number}"));
                let answer = shown_answer(answer);
                self.say(&format!("persist late answer{number} {answer}"));
            }
            Entry::Ended(ending) => {
                let (word, why) = match ending {
                    Ending::Approved => ("approved", ""),
                    Ending::Declined => ("declined", ""),
                    Ending::Aborted => ("aborted", ""),
                    Ending::Failed(why) => ("failed: ", why.as_ref()),
                    Ending::Unclear(why) => ("unclear: ", why.as_ref()),
                    Ending::Contradictory(why) => ("contradictory: ", why.as_ref()),
                };
                self.say(&format!("persist ended {word}{why}"));
            }
        }
    }

    fn hear(&mut self) {
        while let Some(item) = self.out.pop() {
            match item {
                Item::Reading(reading) => self.reading(reading),
                Item::Swipe(swipe) => self.swipe(swipe),
                Item::Fault(fault) => self.say(&format!("fault {}: {fault}", fault.kind())),
                Item::Answer(id, Ok(())) => self.say(&format!("answer {}: done", id.0)),
                Item::Answer(id, Err(failure)) => self.say(&format!("answer {}: {failure}", id.0)),
                Item::Write(bytes, token) => {
                    self.say(&format!("write{}", hex(&bytes)));
                    self.sent(token);
                }
                Item::Said(said) => self.said(&said),
                Item::Persist(entry) => self.persist(&entry),
                Item::Report { kind, id, data, token } => {
                    self.say(&format!("report {} {id:02X}:{}", kind.word(), hex(&data)));
                    self.sent(token);
                }
            }
        }
    }

    fn sent(&mut self, token: Option<Token>) {
        if let Some(token) = token {
            self.protocol.sent(self.now, token, &mut self.out);
        }
    }

    fn reading(&mut self, reading: Reading) {
        assert!(!reading.data.expose().is_empty(), "an empty reading");
        assert!(reading.first <= reading.last && reading.last <= self.now, "times out of order");
        let aim = reading.aim.map_or_else(|| "-".to_owned(), |aim| aim.to_string());
        let named = reading.symbology.map_or("-", |symbology| symbology.word());
        let data = hex(reading.data.expose());
        let (first, last) = (seconds(reading.first), seconds(reading.last));
        self.say(&format!("reading {aim} {named} {first} to {last}:{data}"));
        let scan = normalize::scan(reading.clone(), &self.rules);
        // Noise among digits can come to a card's number, and its bytes then go no further.
        let is_card = scan.sensitivity == Sensitivity::Card;
        let is_wiped = is_card && scan.raw.is_empty();
        assert!(is_wiped || scan.raw == reading.data, "raw bytes are kept");
        let gtin = scan.gtin.as_ref().map_or("-", |gtin| gtin.as_str());
        self.say(&format!(
            "scan {}{} {} gtin {gtin} type {} {} {:?}{}",
            scan.symbology,
            if scan.inferred { " (inferred)" } else { "" },
            scan.content.word(),
            scan.symbology.scan_data_type(),
            scan.encoding.unwrap_or("-"),
            scan.text.expose(),
            details(&scan.details),
        ));
        self.readings.push(Read::Code(reading));
    }

    fn swipe(&mut self, swipe: Swipe) {
        assert!(swipe.first <= swipe.last && swipe.last <= self.now, "times out of order");
        let (first, last) = (seconds(swipe.first), seconds(swipe.last));
        self.say(&format!("swipe {first} to {last}"));
        for (number, stripe) in swipe.tracks.each() {
            match stripe {
                Stripe::Absent => {}
                Stripe::Bad(error) => self.more(number.word(), &error.to_string()),
                Stripe::Text(text) | Stripe::Masked(text) => {
                    self.more(number.word(), &String::from_utf8_lossy(text.expose()));
                }
            }
        }
        let card = normalize::card::card(swipe.clone(), &self.rules.cards);
        self.say("card");
        self.said.push_str(details(&card.details()).trim_start_matches('\n'));
        self.said.push('\n');
        let taken = String::from_utf8_lossy(card.secret.expose()).into_owned();
        taken.lines().for_each(|line| self.more("take", line));
        self.readings.push(Read::Card(swipe));
    }

    /// More on what was said, on a line of its own.
    fn more(&mut self, name: &str, value: &str) {
        let _ = writeln!(self.said, "    {name}: {value}");
    }

    fn say(&mut self, text: &str) {
        let _ = writeln!(self.said, "{} {text}", seconds(self.now));
    }
}

/// A terminal's word, with all that it holds.
fn shown_answer(answer: &Answer) -> String {
    let verdict = if answer.approved { "yes" } else { "no" };
    let mut text = format!("{verdict} {} {:?}", answer.code, answer.text);
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(text, "\n    {name}: {value}");
        }
    };
    add("amount", answer.amount.map(|amount| amount.to_string()));
    add("cashback", answer.cashback.map(|cash| cash.to_string()));
    add(
        "dcc",
        answer.dcc.map(|dcc| format!("{} {} {:?}", dcc.amount, dcc.currency.code, dcc.markup)),
    );
    add("currency", answer.currency.map(|currency| currency.code.to_owned()));
    add("transaction", answer.transaction.map(|number| number.to_string()));
    add("terminal", answer.terminal.clone());
    add("receipt", answer.receipt.map(|receipt| receipt.to_string()));
    add("trace", answer.trace.map(|trace| trace.to_string()));
    add("original trace", answer.original_trace.map(|trace| trace.to_string()));
    add("clock", Some(answer.clock.to_string()).filter(|clock| !clock.is_empty()));
    add("signature", answer.signature.then(|| "wanted".to_owned()));
    add("question", answer.question.map(|question| question.word().to_owned()));
    add("card", answer.pan_masked.clone());
    add("brand", answer.brand.clone());
    add("entry", answer.entry_mode.map(str::to_owned));
    add("authorization", answer.authorization_code.clone());
    text + &details(&answer.details)
}

/// Details, each on a line of its own below the scan.
fn details(details: &[tillbus::event::Detail]) -> String {
    details.iter().fold(String::new(), |mut text, (name, value)| {
        let _ = write!(text, "\n    {name}: {}", shown(value));
        text
    })
}

fn shown(value: &Value) -> String {
    match value {
        Value::Count(count) => count.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Text(text) => format!("{text:?}"),
        Value::Bytes(bytes) => hex(bytes).trim().to_owned(),
        Value::List(values) => {
            format!("[{}]", values.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        Value::Map(entries) => {
            let entries = entries.iter().map(|(name, value)| format!("{name}: {}", shown(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

fn seconds(time: Timestamp) -> String {
    let since = time.since(START);
    format!("{}.{:06}", since.as_secs(), since.subsec_micros())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, " {byte:02X}");
        text
    })
}

/// The rules that a recording's headers `encoding`, `role` and `financial-cards` give, for goods where none
/// is named; cards are let out where nothing else is said, or there would be little to see.
pub fn rules(recording: &Recording) -> Rules {
    let labels = recording.value("encoding").unwrap_or("utf-8");
    let encodings = labels
        .split_ascii_whitespace()
        .map(|label| {
            encoding_rs::Encoding::for_label(label.as_bytes())
                .unwrap_or_else(|| panic!("`{label}` is no encoding"))
        })
        .collect();
    let role = match recording.value("role") {
        None | Some("goods") => Role::Goods,
        Some("payment") => Role::Payment,
        Some("both") => Role::Both,
        Some(other) => panic!("`{other}` is no role"),
    };
    let financial = match recording.value("financial-cards") {
        Some("refuse") => Financial::Refuse,
        Some("masked") => Financial::Masked,
        None | Some("allow") => Financial::Allow,
        Some(other) => panic!("`{other}` is nothing that can be done with cards"),
    };
    let cards = CardRules { financial: Some(financial), ..CardRules::default() };
    Rules { role, encodings, cards: cards.into(), ..Rules::default() }
}
