//! Card readers that send the tracks of a card as text: `%…?;…?+…?` and an end.
//!
//! Source: the manuals of MagTek, Omnitron, ID TECH and Uniform Industrial for readers on a serial line,
//! which agree on the sentinels and differ in what stands around the tracks.
//! `protocol-docs/track-reader.md` names them.
//!
//! Oddities: some readers end each track as others end a card, with CR. Then only silence, or a track that
//! cannot follow, tells that the card is over. A reader that has lost a track says `E` in its place.
//!
//! Absent: commands, of which every maker has its own; nothing is ever written. Readers that send bits.

use std::time::Duration;

use crate::event::{Fault, Swipe, Timestamp};
use crate::frame::Line;
use crate::frame::line::{Found, Settings, Silence};
use crate::normalize::card::{Format, LrcRule, Read};
use crate::protocol::line_scanner;
use crate::protocol::{Carrier, Configured, Info, Input, Item, Kind, Output, Protocol};
use crate::settings::{Error, Section};

/// The registry's entry.
pub const INFO: Info = Info {
    name: "track-reader",
    title: "card readers that send tracks as lines of text",
    kind: Kind::CardReader,
    carrier: Carrier::Serial,
    framed: false,
    configure,
};

/// The bound where none is configured: three tracks have 223 characters, the rest is a reader's own.
const LIMIT: u32 = 512;

/// Where tracks end as cards do: after this much silence no other track is coming. A reader sends them
/// without a pause; at 1200 baud a character takes 9 ms, and an adapter may hold bytes for 16 ms.
const BETWEEN_TRACKS: Duration = Duration::from_millis(200);

const LRC_RULES: [(&str, LrcRule); 2] = [("kept", LrcRule::Kept), ("sent", LrcRule::Sent)];

fn configure(section: &Section<'_>) -> Result<Configured, Error> {
    let options = Options::read(section)?;
    Ok(Configured::new(&[], move || Box::new(TrackReader::new(&options))))
}

/// The options, for every protocol whose cards come as lines.
#[derive(Clone, Debug)]
pub(super) struct Options {
    settings: Settings,
    format: Format,
    /// How long silence lasts between cards, where each track is a line of its own.
    joined: Option<Duration>,
}

impl Options {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, Error> {
        let settings = line_scanner::settings(section, LIMIT)?;
        let standard = Format::default();
        let format = Format {
            lrc: section.word("lrc", &LRC_RULES)?.unwrap_or_default(),
            separators: words(section, "separator")?.unwrap_or_default(),
            ids: ids(section)?,
            unread: words(section, "unread")?.unwrap_or(standard.unread),
            absent: words(section, "absent")?.unwrap_or_default(),
        };
        let silence = match settings.silence {
            Silence::Ends(silence) => silence,
            Silence::Cuts(_) => BETWEEN_TRACKS,
        };
        let ends_a_line = |separator: &Vec<u8>| {
            let holds = |suffix: &Vec<u8>| memchr::memmem::find(separator, suffix).is_some();
            settings.suffixes.iter().any(holds)
        };
        let joined = format.separators.iter().any(ends_a_line).then_some(silence);
        Ok(Self { settings, format, joined })
    }
}

/// Byte strings of which none is empty.
fn words(section: &Section<'_>, key: &'static str) -> Result<Option<Vec<Vec<u8>>>, Error> {
    let words = section.byte_strings(key)?;
    if words.iter().flatten().any(Vec::is_empty) {
        let message = format!("`{key}` is empty; accepted is at least one byte");
        return Err(section.error(key, message));
    }
    Ok(words)
}

fn ids(section: &Section<'_>) -> Result<Option<[Vec<u8>; 3]>, Error> {
    let Some(ids) = words(section, "track-ids")? else { return Ok(None) };
    let found = ids.len();
    let ids = <[Vec<u8>; 3]>::try_from(ids).map_err(|_| {
        let message = format!("`track-ids` has {found} values; accepted are three, one a track");
        section.error("track-ids", message)
    })?;
    Ok(Some(ids))
}

/// One conversation.
pub(super) struct TrackReader {
    line: Line,
    cards: Cards,
}

impl TrackReader {
    pub(super) fn new(options: &Options) -> Self {
        let Options { settings, format, joined } = options.clone();
        let cards = Cards { format, joined, begun: None, skipping: None };
        Self { line: Line::new(settings), cards }
    }

    /// When the card that has begun is over.
    fn end_of_card(&self) -> Option<Timestamp> {
        // Where a track has begun there is no silence.
        if self.line.deadline().is_some() {
            return None;
        }
        Some(self.cards.begun.as_ref()?.last + self.cards.joined?)
    }

    fn end_card(&mut self, now: Timestamp, out: &mut Output) {
        if self.end_of_card().is_some_and(|end| end <= now) {
            self.cards.end(out);
        }
    }
}

impl Protocol for TrackReader {
    fn receive(&mut self, now: Timestamp, input: Input<'_>, out: &mut Output) {
        self.end_card(now, out);
        let Self { line, cards } = self;
        let mut hear = |found: Found<'_>| cards.hear(now, found, out);
        match input {
            Input::Bytes(bytes) => line.receive(now, bytes, &mut hear),
            Input::BadByte(_) => line.damage(now, Fault::BadByte, &mut hear),
            Input::Break => line.damage(now, Fault::Break, &mut hear),
            Input::Descriptor(_) | Input::Report { .. } => {}
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.line.deadline().or_else(|| self.end_of_card())
    }

    fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        self.end_card(now, out);
        let Self { line, cards } = self;
        line.expire(now, &mut |found| cards.hear(now, found, out));
        self.end_card(now, out);
    }

    fn closed(&mut self, now: Timestamp, out: &mut Output) {
        let Self { line, cards } = self;
        line.abandon(&mut |found| cards.hear(now, found, out));
        // Whether another track was to come nobody knows.
        if let Some(begun) = cards.begun.take() {
            out.fault(Fault::Partial { bytes: begun.bytes });
        }
    }
}

/// Makes cards of lines.
struct Cards {
    format: Format,
    joined: Option<Duration>,
    /// A card whose other tracks may be to come.
    begun: Option<Begun>,
    /// A line of a card was damaged, so the others are dropped; when the last of them came.
    skipping: Option<Timestamp>,
}

/// A card whose end is not certain.
struct Begun {
    read: Read,
    bytes: usize,
    first: Timestamp,
    last: Timestamp,
}

impl Cards {
    fn hear(&mut self, now: Timestamp, found: Found<'_>, out: &mut Output) {
        match found {
            Found::Frame { bytes, first, last } => self.line(bytes, first, last, out),
            Found::Fault(fault) => self.fail(now, fault, out),
        }
    }

    fn line(&mut self, line: &[u8], first: Timestamp, last: Timestamp, out: &mut Output) {
        let joined = self.joined.unwrap_or_default();
        if let Some(damaged) = self.skipping.take()
            && first < damaged + joined
        {
            self.skipping = Some(last);
            return;
        }
        if self.begun.as_ref().is_some_and(|begun| self.format.begins_a_card(line, &begun.read)) {
            self.end(out);
        }
        let fresh = || Begun { read: Read::default(), bytes: 0, first, last };
        let mut begun = self.begun.take().unwrap_or_else(fresh);
        begun.last = last;
        begun.bytes += line.len();
        match self.format.add(line, &mut begun.read) {
            Err(at) => return self.fail(last, Fault::Malformed { at }, out),
            // Separators and nothing between them.
            Ok(()) if begun.read.is_empty() => {
                return self.fail(last, Fault::Malformed { at: 0 }, out);
            }
            Ok(()) => {}
        }
        let is_whole = self.joined.is_none() || begun.read.is_complete();
        self.begun = Some(begun);
        if is_whole {
            self.end(out);
        }
    }

    /// No other track is coming.
    fn end(&mut self, out: &mut Output) {
        let Some(Begun { read, first, last, .. }) = self.begun.take() else { return };
        out.push(Item::Swipe(Swipe { tracks: read.tracks, encryption: None, first, last }));
    }

    /// The card is lost, and with it the tracks that are to come.
    fn fail(&mut self, now: Timestamp, fault: Fault, out: &mut Output) {
        self.begun = None;
        self.skipping = self.joined.map(|_| now);
        out.fault(fault);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::card::shown;
    use crate::settings::File;

    const ONE: &str = "%B4111111111111111^TEST/CARD^2512201000000000?";
    const TWO: &str = ";4111111111111111=25122010000000000000?";
    const THREE: &str = "+014111111111111111=2780?";

    fn protocol(options: &str) -> Result<Box<dyn Protocol>, String> {
        let file = File { name: "test".to_owned(), text: options.to_owned() };
        let document = file.parse().map_err(|error| error.to_string())?;
        let root = document.root();
        let configured = configure(&root).map_err(|error| error.to_string())?;
        root.finish().map_err(|error| error.to_string())?;
        Ok((configured.factory)())
    }

    /// What is said of these pieces, each a tenth of a second after the one before.
    fn hear(options: &str, pieces: &[&str]) -> Vec<String> {
        let mut protocol = protocol(options).unwrap();
        let mut out = Output::default();
        let mut said = Vec::new();
        let mut note = |now: Timestamp, out: &mut Output| {
            while let Some(item) = out.pop() {
                said.push(match item {
                    Item::Swipe(Swipe { tracks, first, last, .. }) => {
                        let (first, last) = (first.0 / 1_000, last.0 / 1_000);
                        format!("{} {first}-{last} at {}", shown(tracks).join(" "), now.0 / 1_000)
                    }
                    Item::Fault(fault) => fault.to_string(),
                    other => panic!("{other:?}"),
                });
            }
        };
        let mut now = Timestamp(0);
        for piece in pieces {
            let next = now + Duration::from_millis(100);
            while let Some(deadline) = protocol.deadline().filter(|deadline| *deadline <= next) {
                protocol.timeout(deadline, &mut out);
                note(deadline, &mut out);
            }
            now = next;
            if !piece.is_empty() {
                protocol.receive(now, Input::Bytes(piece.as_bytes()), &mut out);
            }
            note(now, &mut out);
        }
        protocol.closed(now, &mut out);
        note(now, &mut out);
        said
    }

    #[test]
    fn a_line_is_a_card() {
        let both = format!("{ONE}{TWO}");
        let whole = format!("{both}\r\n");
        assert_eq!(hear("", &[&whole]), [format!("{ONE} {TWO} - 100-100 at 100")]);
        let framed = format!("\x02{both}\x03");
        let options = "prefix = \"STX\"\nsuffix = \"ETX\"";
        assert_eq!(hear(options, &[&framed]), [format!("{ONE} {TWO} - 100-100 at 100")]);
        assert_eq!(
            hear("gap-ms = 150", &[ONE, TWO, "", ""]),
            [format!("{ONE} {TWO} - 100-200 at 350")]
        );
        let strange = ["400638\r", &format!("{TWO}\r")];
        assert_eq!(
            hear("", &strange),
            [
                "byte 0 of a frame is not what its protocol has there".to_owned(),
                format!("- {TWO} - 200-200 at 200")
            ]
        );
    }

    #[test]
    fn tracks_that_end_as_cards_do_are_put_together() {
        const CR: &str = "separator = \"CR\"";
        const CUT: &str = "a frame was cut off after ";
        let [one, two, three] = [ONE, TWO, THREE].map(|track| format!("{track}\r"));
        let rows: [(&str, &[&str], Vec<String>); 8] = [
            ("two", &[&one, &two, "", ""], vec![format!("{ONE} {TWO} - 100-200 at 400")]),
            (
                "all three, of which the last one needs no silence",
                &[&one, &two, &three],
                vec![format!("{ONE} {TWO} {THREE} 100-300 at 300")],
            ),
            (
                "two cards without silence",
                &[&one, &two, &one, "", ""],
                vec![format!("{ONE} {TWO} - 100-200 at 300"), format!("{ONE} - - 300-300 at 500")],
            ),
            ("away before the silence", &[&one], vec![format!("{CUT}{} bytes", ONE.len())]),
            ("away inside a track", &[&one, ";41"], vec![format!("{CUT}3 bytes")]),
            (
                "a slow track",
                &[&one, ";41", "", "", "11?\r", "", ""],
                vec![format!("{ONE} ;4111? - 100-500 at 700")],
            ),
            (
                "what follows a fault is no card until there is silence",
                &["400638\r", &two, "", "", &two, "", ""],
                vec![
                    "byte 0 of a frame is not what its protocol has there".to_owned(),
                    format!("- {TWO} - 500-500 at 700"),
                ],
            ),
            (
                "a bad track costs itself only",
                &["%E?\r", &two, "", ""],
                vec![format!("the reader could not read it {TWO} - 100-200 at 400")],
            ),
        ];
        for (name, pieces, want) in rows {
            assert_eq!(hear(CR, pieces), want, "{name}");
        }
    }

    #[test]
    fn wrong_options_say_what_is_accepted() {
        for (options, message) in [
            ("lrc = \"on\"", "accepted: kept, sent"),
            ("separator = \"\"", "accepted is at least one byte"),
            ("track-ids = [\"k\", \"l\"]", "has 2 values; accepted are three"),
            ("aim = \"off\"", "`aim`"),
        ] {
            let error = protocol(options).err().unwrap_or_default();
            assert!(error.contains(message), "{options}: {error}");
        }
    }
}
