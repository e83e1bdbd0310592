//! `replay`: a recording on a virtual port, or what the library makes of it.

mod messages;
mod port;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tillbus::event::{Request, Scan, Timestamp};
use tillbus::normalize::{self, Rules};
use tillbus::profile::Spoken;
use tillbus::protocol::{Input, Item, Opening, Output, Protocol, RequestId, Token};
use tillbus::recording::{Recording, Step};

use self::port::PlayedPort;
use crate::error::{Error, complain};
use crate::event;
use crate::output::{say, say_json};
use crate::scan::{self, hex, map, visible};
use crate::simulate::{profile, spoken};
use crate::style::{Style, Tone, fill, plain};
use crate::terminal::{self, Interrupt};

/// Play a recording on a virtual port, or show what it means
///
/// With `--messages` the recording may be anything that somebody has logged of a payment terminal's
/// dialogue: lines with bytes in hex, `<` or `RX` before what the terminal sent, `>` or `TX` before what the
/// till did. It is told message by message, each field with its name, cards masked.
///
/// The first line printed is the port's path; on a terminal the recording begins at the Enter key,
/// else at once; a HID device's when the port is opened. A virtual port carries bytes and hang-ups, no
/// parity errors and breaks: for those use `tillbusd --replay`, or `--events`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The recording
    log: PathBuf,
    /// Make the port at this path, as a symbolic link
    #[arg(long, value_name = "PATH", conflicts_with = "reading")]
    port: Option<PathBuf>,
    /// Print the events that a device of `--profile` would give, at once and without any port
    #[arg(long, group = "reading")]
    events: bool,
    /// Print the messages of a terminal's dialogue, field by field, at once and without any port
    #[arg(long, group = "reading")]
    messages: bool,
    /// How to read the recording; `generic-line-scanner`, with `--messages` `zvt` where none is named
    #[arg(long, value_name = "ID", requires = "reading")]
    profile: Option<String>,
    /// Look for profiles here too
    #[arg(long, value_name = "DIR", requires = "reading")]
    profiles: Vec<PathBuf>,
    /// Print one JSON object a line
    #[arg(long, requires = "reading")]
    json: bool,
}

pub(crate) async fn run(options: Options) -> Result<(), Error> {
    let at = |error: &dyn std::fmt::Display| Error::at(options.log.display(), error);
    let text = std::fs::read(&options.log).map_err(|error| at(&error))?;
    if options.messages {
        let id = options.profile.as_deref().unwrap_or("zvt");
        let (_, profile) = profile(id, &options.profiles)?;
        let name = spoken(&profile)?.info.name;
        return messages::tell(name, &String::from_utf8_lossy(&text), options.json);
    }
    let text = String::from_utf8(text).map_err(|error| at(&error))?;
    let recording = Recording::parse(&text).map_err(|error| at(&error))?;
    if options.events {
        let id = options.profile.as_deref().unwrap_or("generic-line-scanner");
        let (_, profile) = profile(id, &options.profiles)?;
        return Player::new(spoken(&profile)?, options.json).play(&recording);
    }
    let mut interrupt = Interrupt::new()?;
    tokio::select! {
        result = play(&recording, options.port.as_deref()) => result,
        () = interrupt.came() => Ok(()),
    }
}

async fn play(recording: &Recording, link: Option<&Path>) -> Result<(), Error> {
    let mut port = PlayedPort::open(link)?;
    if std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        complain("press Enter to begin");
        terminal::lines().recv().await;
    }
    for step in &recording.steps {
        port.play(step).await?;
    }
    port.hang_up().await;
    if port.passed_over > 0 {
        complain(&format!("{} line errors passed over: a virtual port has none", port.passed_over));
    }
    Ok(())
}

/// The library at work on a recording, in the recording's own time.
struct Player {
    spoken: Spoken,
    rules: Rules,
    protocol: Box<dyn Protocol>,
    out: Output,
    now: Timestamp,
    requests: u64,
    json: bool,
    style: Style,
}

impl Player {
    fn new(spoken: &Spoken, json: bool) -> Self {
        let encodings = spoken.encodings.clone();
        Self {
            spoken: spoken.clone(),
            rules: Rules { encodings, ..Rules::default() },
            protocol: (spoken.factory)(),
            out: Output::default(),
            now: Timestamp(0),
            requests: 0,
            json,
            style: Style::of_stdout(),
        }
    }

    fn play(&mut self, recording: &Recording) -> Result<(), Error> {
        self.open()?;
        for step in &recording.steps {
            match step {
                Step::Bytes(bytes) => self.receive(Input::Bytes(bytes))?,
                Step::BadByte(byte) => self.receive(Input::BadByte(*byte))?,
                Step::Break => self.receive(Input::Break)?,
                Step::Descriptor(bytes) => self.receive(Input::Descriptor(bytes))?,
                Step::Report { id, data } => self.receive(Input::Report { id: *id, data })?,
                Step::Wait(wait) => self.wait(*wait)?,
                Step::Ask(request) => self.ask(request.clone())?,
                Step::Instruct(instruction) => {
                    let told = self.protocol.instruct(self.now, instruction.clone(), &mut self.out);
                    if let Err(refusal) = told {
                        self.say("refused", &refusal.to_string(), json!({}))?;
                    }
                    self.tell()?;
                }
                Step::Close => {
                    self.protocol.closed(self.now, &mut self.out);
                    self.tell()?;
                    self.open()?;
                }
            }
        }
        self.protocol.closed(self.now, &mut self.out);
        self.tell()
    }

    fn open(&mut self) -> Result<(), Error> {
        self.protocol = (self.spoken.factory)();
        self.protocol.opened(self.now, Opening::Fresh, &mut self.out);
        self.tell()
    }

    fn receive(&mut self, input: Input<'_>) -> Result<(), Error> {
        self.protocol.receive(self.now, input, &mut self.out);
        self.tell()
    }

    fn wait(&mut self, wait: Duration) -> Result<(), Error> {
        let end = self.now + wait;
        while let Some(deadline) = self.protocol.deadline().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            self.protocol.timeout(self.now, &mut self.out);
            self.tell()?;
        }
        self.now = end;
        Ok(())
    }

    fn ask(&mut self, request: Request) -> Result<(), Error> {
        self.requests += 1;
        let id = RequestId(self.requests);
        if let Err(refusal) = self.protocol.request(self.now, id, request, &mut self.out) {
            self.say("refused", &refusal.to_string(), json!({}))?;
        }
        self.tell()
    }

    /// Prints all that the protocol has to say.
    fn tell(&mut self) -> Result<(), Error> {
        while let Some(item) = self.out.pop() {
            match item {
                Item::Reading(reading) => {
                    let scan = normalize::scan(reading, &self.rules);
                    self.scan(&scan)?;
                }
                Item::Swipe(swipe) => {
                    let card = normalize::card::card(swipe, &self.rules.cards);
                    let map = scan::named(&card.details());
                    self.say("card", &event::card_words(&map), Value::Object(map))?;
                }
                Item::Fault(fault) => {
                    self.say("fault", &fault.to_string(), json!({ "kind": fault.kind() }))?;
                }
                Item::Answer(_, Ok(())) => self.say("answer", "done", json!({}))?,
                Item::Answer(_, Err(failure)) => {
                    self.say("answer", &failure.to_string(), json!({}))?;
                }
                Item::Write(bytes, token) => {
                    self.say("write", &hex(&bytes), json!({}))?;
                    self.sent(token);
                }
                Item::Said(said) => self.say("said", &format!("{said:?}"), json!({}))?,
                Item::Persist(entry) => self.say("persist", &format!("{entry:?}"), json!({}))?,
                Item::Report { kind, id, data, token } => {
                    let details = json!({ "kind": kind.word(), "id": id });
                    self.say("report", &hex(&data), details)?;
                    self.sent(token);
                }
            }
        }
        Ok(())
    }

    fn sent(&mut self, token: Option<Token>) {
        if let Some(token) = token {
            self.protocol.sent(self.now, token, &mut self.out);
        }
    }

    fn scan(&self, scan: &Scan) -> Result<(), Error> {
        let (symbology, content) = (scan.symbology.word(), scan.content.word());
        let (text, raw) = visible(scan);
        let shown = if text.is_empty() { raw.unwrap_or_default() } else { plain(text) };
        let words = format!(
            "{}{}  {}{}  {}",
            self.style.paint(Tone::Word, symbology),
            fill(symbology, 12),
            self.style.paint(Tone::Faint, content),
            fill(content, 12),
            self.style.paint(Tone::Strong, &shown)
        );
        self.say("scan", &words, Value::Object(map(scan)))
    }

    /// Prints one thing, with the time since the recording's beginning.
    fn say(&self, kind: &str, words: &str, details: Value) -> Result<(), Error> {
        let at = self.now.since(Timestamp(0));
        if !self.json {
            let time = format!("{:4}.{:03}", at.as_secs(), at.subsec_millis());
            let tone = if kind == "fault" { Tone::Bad } else { Tone::Plain };
            let kind = format!("{}{}", self.style.paint(tone, kind), fill(kind, 7));
            return say(&format!("{}  {kind}  {words}", self.style.paint(Tone::Faint, &time)));
        }
        let mut line = details;
        if let Some(line) = line.as_object_mut() {
            line.insert("type".to_owned(), kind.into());
            let micros = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
            line.insert("at-us".to_owned(), micros.into());
            if !["scan", "card"].contains(&kind) {
                line.insert("message".to_owned(), words.into());
            }
        }
        say_json(&line)
    }
}
