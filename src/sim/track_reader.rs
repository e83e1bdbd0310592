//! A card reader that sends tracks as text. It listens to nothing.
//!
//! Written from the device's side, apart from the protocol, so that one can prove the other. Of options
//! that are lists it does the first.

use super::{Actions, Code, Info, Simulated};
use crate::settings::{Error, Section};

pub(super) const INFO: Info = Info { name: "track-reader", configure };

fn configure(section: &Section<'_>) -> Result<Box<dyn Simulated>, Error> {
    Ok(Box::new(TrackReader(Writer::read(section)?)))
}

struct TrackReader(Writer);

impl Simulated for TrackReader {
    fn scan(&mut self, code: &Code) -> Vec<u8> {
        self.0.card(&code.data)
    }

    fn behave(&mut self, words: &str, _out: &mut Actions) -> Result<(), String> {
        self.0.behave(words)
    }
}

/// How a card is written.
pub(super) struct Writer {
    prefix: Vec<u8>,
    suffix: Vec<u8>,
    separator: Vec<u8>,
    ids: Vec<Vec<u8>>,
    sends_lrc: bool,
    unread: Vec<u8>,
    /// What is sent of a track that is not there.
    absent: Option<Vec<u8>>,
    /// The track that the head cannot read.
    dirty: Option<usize>,
}

/// A card's tracks by their start sentinels.
const SENTINELS: [&[u8]; 3] = [b"%", b";", b"+"];

impl Writer {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, Error> {
        let first = |key| -> Result<Option<Vec<u8>>, Error> {
            Ok(section.byte_strings(key)?.and_then(|all| all.into_iter().next()))
        };
        let by_silence = section.has("gap-ms");
        let suffix = first("suffix")?;
        Ok(Self {
            prefix: section.bytes("prefix")?.unwrap_or_default(),
            suffix: suffix.unwrap_or_else(|| if by_silence { Vec::new() } else { b"\r".to_vec() }),
            separator: first("separator")?.unwrap_or_default(),
            ids: section.byte_strings("track-ids")?.unwrap_or_default(),
            sends_lrc: section.string("lrc")? == Some("sent"),
            unread: first("unread")?.unwrap_or_else(|| b"E".to_vec()),
            absent: first("absent")?,
            dirty: None,
        })
    }

    /// What is sent of a card.
    pub(super) fn card(&self, card: &[u8]) -> Vec<u8> {
        let mut rest = card;
        let mut tracks = Vec::new();
        for (place, sentinel) in SENTINELS.into_iter().enumerate() {
            let end = rest.iter().position(|byte| *byte == b'?').map_or(rest.len(), |at| at + 1);
            if !rest.starts_with(sentinel) {
                tracks.extend(self.absent.as_ref().map(|word| self.word(place, sentinel, word)));
                continue;
            }
            let (track, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            rest = after;
            tracks.push(match self.dirty {
                Some(dirty) if dirty == place => self.word(place, sentinel, &self.unread),
                _ => [self.id(place), track, self.lrc(place, track).as_slice()].concat(),
            });
        }
        [self.prefix.as_slice(), &tracks.join(self.separator.as_slice()), &self.suffix].concat()
    }

    pub(super) fn behave(&mut self, words: &str) -> Result<(), String> {
        self.dirty = match words {
            "read" => None,
            "unread 1" => Some(0),
            "unread 2" => Some(1),
            "unread 3" => Some(2),
            other => {
                return Err(format!("found `{other}`, accepted is read, or unread and a track"));
            }
        };
        Ok(())
    }

    fn id(&self, place: usize) -> &[u8] {
        self.ids.get(place).map_or(&[], Vec::as_slice)
    }

    fn word(&self, place: usize, sentinel: &[u8], word: &[u8]) -> Vec<u8> {
        [self.id(place), sentinel, word, b"?"].concat()
    }

    /// Each of a track's characters is the zero of its alphabet and a value, and so is the sum of them.
    fn lrc(&self, place: usize, track: &[u8]) -> Option<u8> {
        let zero = if place == 0 { b' ' } else { b'0' };
        // On the card every track but the first begins with `;`.
        let start = if place == 0 { b'%' } else { b';' };
        let text = track.iter().skip(1).chain([&start]);
        self.sends_lrc.then(|| zero + text.fold(0, |sum, byte| sum ^ byte.wrapping_sub(zero)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dirty_track_is_a_word() {
        let mut device = configure(&Section::empty("options")).unwrap();
        let card = Code::plain("%STAFF 42?;42?");
        let mut out = Actions::default();
        assert_eq!(device.scan(&card), b"%STAFF 42?;42?\r");
        device.behave("unread 1", &mut out).unwrap();
        assert_eq!(device.scan(&card), b"%E?;42?\r");
        device.behave("read", &mut out).unwrap();
        assert_eq!(device.scan(&card), b"%STAFF 42?;42?\r");
        assert!(device.behave("unread 4", &mut out).is_err());
    }
}
