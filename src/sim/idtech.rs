//! An ID TECH reader on a serial line. `behave` says how it talks:
//!
//! ```text
//! text        does not encrypt, a line for each track, as at first
//! original    frames in the original encryption format
//! enhanced    frames in the enhanced encryption format
//! ```
//!
//! Cards that are no bank's are in clear in frames, as heads leave them. Written from the device's side,
//! apart from the protocol, so that one can prove the other.

use super::head::{self, TEST_KSN, Track};
use super::{Actions, Code, Info, Simulated};
use crate::settings::{Error, Section};

pub(super) const INFO: Info = Info { name: "idtech", configure };

const BLOCK: usize = 8;

/// How an ID TECH reader talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Text,
    Original,
    Enhanced,
}

impl Mode {
    /// The mode of this name.
    pub(super) fn named(words: &str) -> Result<Self, String> {
        match words {
            "text" => Ok(Self::Text),
            "original" => Ok(Self::Original),
            "enhanced" => Ok(Self::Enhanced),
            other => Err(format!("found `{other}`, accepted is text, original or enhanced")),
        }
    }
}

fn configure(_section: &Section<'_>) -> Result<Box<dyn Simulated>, Error> {
    Ok(Box::new(Idtech { mode: Mode::Text }))
}

struct Idtech {
    mode: Mode,
}

impl Simulated for Idtech {
    fn scan(&mut self, code: &Code) -> Vec<u8> {
        let tracks = head::tracks(&code.data);
        match self.mode {
            Mode::Text => text(&tracks),
            mode => frame(mode, &tracks),
        }
    }

    fn behave(&mut self, words: &str, _out: &mut Actions) -> Result<(), String> {
        self.mode = Mode::named(words)?;
        Ok(())
    }
}

/// Each track and CR; `E` for one that cannot be read.
pub(super) fn text(tracks: &[Track; 3]) -> Vec<u8> {
    let line = |(track, unreadable): (&Track, &[u8])| match track {
        Track::None => Vec::new(),
        Track::Unreadable => [unreadable, b"\r"].concat(),
        Track::Text(text) => [text.as_slice(), b"\r"].concat(),
    };
    let unreadable: [&[u8]; 3] = [b"%E?", b";E?", b"+E?"];
    tracks.iter().zip(unreadable).flat_map(line).collect()
}

/// `02 LEN(2) data LRC SUM 03`.
pub(super) fn frame(mode: Mode, tracks: &[Track; 3]) -> Vec<u8> {
    let banks = head::is_banks(tracks);
    let enhanced = mode == Mode::Enhanced;
    let mut data = vec![if banks { 0 } else { 3 } | if enhanced { 0x80 } else { 0 }];
    let status = |(place, track): (usize, &Track)| match track {
        Track::None => 1 << place,
        Track::Unreadable => 8 << place,
        Track::Text(_) => 9 << place,
    };
    data.push(tracks.iter().enumerate().map(status).sum());
    data.extend(tracks.each_ref().map(Track::length));
    let there = tracks.iter().enumerate().filter(|(_, track)| track.length() > 0);
    let bits: u8 = there.map(|(place, _)| 1 << place).sum();
    if enhanced {
        // The serial number, the KSN and a hash for each track go with what is encrypted.
        data.push(bits | if banks { 0x80 } else { 0 });
        data.push(if banks { 0x80 | bits | bits << 3 } else { 0 });
    }
    for (place, track) in tracks.iter().enumerate() {
        let hides = banks && (enhanced || place < 2);
        data.extend(if hides {
            head::masked(track.text(), b'*', false)
        } else {
            track.text().to_vec()
        });
    }
    if banks {
        data.extend(ciphertext(enhanced, tracks));
    }
    let lrc = data.iter().fold(0, |lrc, byte| lrc ^ byte);
    let sum = data.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX).to_le_bytes();
    [&[0x02], length.as_slice(), &data, &[lrc, sum, 0x03]].concat()
}

/// In the original format tracks 1 and 2 together, in the enhanced one each of the three; then what goes
/// with them.
fn ciphertext(enhanced: bool, tracks: &[Track; 3]) -> Vec<u8> {
    let lengths: Vec<usize> =
        tracks.iter().map(|track| track.text().len()).filter(|length| *length > 0).collect();
    let together: usize = tracks.iter().take(2).map(|track| track.text().len()).sum();
    let blocks = if enhanced { lengths } else { vec![together] };
    let mut bytes: Vec<u8> =
        blocks.iter().flat_map(|length| head::pseudo_ciphertext(*length, BLOCK)).collect();
    let hashed = if enhanced { 3 } else { 2 };
    for track in tracks.iter().take(hashed).filter(|track| track.length() > 0) {
        bytes.extend(head::pseudo_ciphertext(track.text().len(), 32).iter().take(20));
    }
    if enhanced {
        bytes.extend(b"SIMULATED0");
    }
    bytes.extend(TEST_KSN);
    bytes
}
