//! What an ID TECH head says of a swipe: the data of its frames.
//!
//! Contract: pure. Every length is checked against what is there; what does not add up is no card.
//!
//! Source: ID TECH, SecureMag user manual, 80096504-001, 10.2 to 10.7; SecureHead USB and UART, 4.4 to
//! 4.7; SREDKey 2 integration manual, sections 9 to 11; Unitech, MS246 user manual, 8.2 to 8.6.
//!
//! Oddities: in the original format tracks 1 and 2 are encrypted together and track 3 is not, or all three
//! are, and nothing says which; the lengths have to. A track's text ends in its masked LRC, which its
//! length counts. Manuals contradict each other on what a decode bit of 1 means, their examples do not: it
//! means that nothing is wrong.

use crate::event::Fault;
use crate::event::card::{Encryption, Number, Stripe, TrackError, Tracks};
use crate::normalize::card::line;
use crate::secret::Secret;

/// Bit 7 of the card encode type.
const ENHANCED: u8 = 0x80;
/// Card encode types.
const ISO: u8 = 0;
const AAMVA: u8 = 1;
const OTHER: u8 = 3;
const RAW: u8 = 4;

/// Bits of the track status: three of decoding, three of sampling.
const SAMPLED: u8 = 3;
const HAS_OPTIONS: u8 = 1 << 6;

/// Bits of the optional status byte (SREDKey 2, 11.1.3).
const SHA_256: u8 = 1 << 0;
const OTHER_ENCRYPTION: u8 = 1 << 1;
const HAS_MAC: u8 = 1 << 5;

/// Bits of field 8, beside those of the tracks that are shown.
const CIPHER: u8 = 0b11 << 4;
const CIPHER_AES: u8 = 0b01 << 4;
const HAS_SERIAL_NUMBER: u8 = 1 << 7;
/// Bits of field 9, beside those of the tracks that are encrypted.
const HASHED: u8 = 3;
const HAS_SESSION_ID: u8 = 1 << 6;
const HAS_KSN: u8 = 1 << 7;

const TDES_BLOCK: usize = 8;
const AES_BLOCK: usize = 16;
const SHA_1_LENGTH: usize = 20;
const SHA_256_LENGTH: usize = 32;
const SESSION_ID_LENGTH: usize = 8;
const SERIAL_NUMBER_LENGTH: usize = 10;
const KSN_LENGTH: usize = 10;

/// Where the data begins in its frame, for faults.
const AT: usize = 3;
const LENGTHS_AT: usize = AT + 2;
const TRACKS_AT: usize = AT + 5;

const UNKNOWN: Fault = Fault::Unsuitable { lacks: "card data in a format that is known" };

/// What the data says.
#[derive(Debug)]
pub(in crate::protocol) struct Read {
    pub(in crate::protocol) tracks: Tracks<Stripe>,
    pub(in crate::protocol) encryption: Option<Box<Encryption>>,
}

/// The bytes in front of the tracks that both formats have.
struct Head {
    encode_type: u8,
    status: u8,
    lengths: Tracks<usize>,
}

/// Reads the data of a frame.
pub(in crate::protocol) fn read(data: &[u8]) -> Result<Read, Fault> {
    let [encode_type, status, one, two, three, rest @ ..] = data else {
        return Err(Fault::Malformed { at: AT });
    };
    let lengths = Tracks([*one, *two, *three].map(usize::from));
    let head = Head { encode_type: encode_type & !ENHANCED, status: *status, lengths };
    match encode_type & ENHANCED {
        0 => head.original(rest),
        _ => head.enhanced(rest),
    }
}

impl Head {
    fn original(&self, rest: &[u8]) -> Result<Read, Fault> {
        if !matches!(self.encode_type, ISO | AAMVA | OTHER) {
            return Err(UNKNOWN);
        }
        let (texts, rest) = self.texts(rest, |_| true, TRACKS_AT)?;
        if rest.is_empty() {
            let tracks = self.stripes(|number| as_read(number, texts.get(number)));
            return Ok(Read { tracks, encryption: None });
        }
        let behind = self.original_behind(rest).ok_or(Fault::Malformed { at: LENGTHS_AT })?;
        if line::is_clear(behind.ciphertext) {
            return Err(Fault::Malformed { at: TRACKS_AT });
        }
        let is_covered = |number| behind.covered.contains(&number);
        let tracks = self.stripes(|number| match *texts.get(number) {
            [] => Stripe::Absent,
            // Three tracks may have been encrypted together although two explain the lengths as well.
            text if is_covered(number) || text.contains(&b'*') => masked(text),
            text => as_read(number, text),
        });
        let mut encryption = self.encryption("idtech-original");
        let ciphertext = behind.ciphertext.to_vec();
        match *behind.covered {
            [alone] => *encryption.tracks.get_mut(alone) = Some(ciphertext),
            [Number::One, Number::Two] => encryption.fields.push(("tracks-1-2", ciphertext)),
            _ => encryption.fields.push(("tracks-together", ciphertext)),
        }
        let hashes = behind.hashes.chunks_exact(SHA_1_LENGTH);
        match hashes.len() == behind.covered.len() {
            true => {
                let numbered = behind.covered.iter().zip(hashes);
                encryption.fields.extend(numbered.map(|(number, hash)| hash_of(*number, hash)));
            }
            false if hashes.len() > 0 => encryption.fields.push(("hashes", behind.hashes.to_vec())),
            false => {}
        }
        encryption.ksn = Some(behind.ksn.to_vec());
        Ok(Read { tracks, encryption: Some(Box::new(encryption)) })
    }

    /// What stands behind the tracks in the original format, as their lengths explain it: blocks of what
    /// was encrypted together, hashes of some of it, the key serial number.
    fn original_behind<'a>(&self, rest: &'a [u8]) -> Option<Behind<'a>> {
        let (rest, ksn) = rest.split_last_chunk::<KSN_LENGTH>()?;
        for covered in [&[Number::One, Number::Two][..], &Number::ALL] {
            let covered: Vec<Number> =
                covered.iter().copied().filter(|number| *self.lengths.get(*number) > 0).collect();
            let length: usize = covered.iter().map(|number| *self.lengths.get(*number)).sum();
            for block in [TDES_BLOCK, AES_BLOCK] {
                let length = length.next_multiple_of(block);
                let Some((ciphertext, hashes)) = rest.split_at_checked(length) else { continue };
                let explains = hashes.len().is_multiple_of(SHA_1_LENGTH)
                    && hashes.len() / SHA_1_LENGTH <= covered.len();
                if length > 0 && explains {
                    return Some(Behind { covered, ciphertext, hashes, ksn });
                }
            }
        }
        None
    }

    fn enhanced(&self, rest: &[u8]) -> Result<Read, Fault> {
        let ([shown, sent], mut rest) =
            rest.split_first_chunk().ok_or(Fault::Malformed { at: TRACKS_AT })?;
        if !matches!(self.encode_type, ISO | AAMVA | OTHER | RAW) {
            return Err(UNKNOWN);
        }
        let mut options: &[u8] = &[];
        if self.status & HAS_OPTIONS != 0 {
            let too_long = Fault::Malformed { at: TRACKS_AT + 2 };
            let (length, after) = rest.split_first().ok_or(too_long)?;
            (options, rest) = after.split_at_checked(usize::from(*length)).ok_or(too_long)?;
        }
        let option = options.first().copied().unwrap_or(0);
        if option & (OTHER_ENCRYPTION | HAS_MAC) != 0 {
            return Err(UNKNOWN);
        }
        let is_shown = |number| self.encode_type != RAW && shown & bit(number) != 0;
        let (texts, rest) = self.texts(rest, is_shown, TRACKS_AT + 2)?;
        let is_encrypted = |number| sent & bit(number) != 0 && *self.lengths.get(number) > 0;
        if !Number::ALL.into_iter().any(is_encrypted) {
            let tracks = self.stripes(|number| as_read(number, texts.get(number)));
            return Ok(Read { tracks, encryption: None });
        }
        let hash_length = if option & SHA_256 == 0 { SHA_1_LENGTH } else { SHA_256_LENGTH };
        let sizes = Sizes { shown: *shown, sent: *sent, hash: hash_length };
        let fit = sizes.fit(self, rest.len()).ok_or(Fault::Malformed { at: LENGTHS_AT })?;
        let mut encryption = self.encryption(fit.scheme);
        if !options.is_empty() {
            encryption.fields.push(("optional-status", options.to_vec()));
        }
        fit.take(self, &sizes, rest, &mut encryption)?;
        let tracks = self.stripes(|number| match *texts.get(number) {
            [] => Stripe::Absent,
            text if is_encrypted(number) => masked(text),
            text => as_read(number, text),
        });
        Ok(Read { tracks, encryption: Some(Box::new(encryption)) })
    }

    /// The tracks that are there, and what is behind them.
    fn texts<'a>(
        &self,
        bytes: &'a [u8],
        is_there: impl Fn(Number) -> bool,
        at: usize,
    ) -> Result<(Tracks<&'a [u8]>, &'a [u8]), Fault> {
        let mut texts = Tracks::default();
        let mut rest = bytes;
        for number in Number::ALL.into_iter().filter(|number| is_there(*number)) {
            let cut = rest.split_at_checked(*self.lengths.get(number));
            let (text, after) = cut.ok_or(Fault::Malformed { at: at + bytes.len() })?;
            *texts.get_mut(number) = text;
            rest = after;
        }
        Ok((texts, rest))
    }

    /// Each track as it is, but for those that were there and could not be read.
    fn stripes(&self, stripe: impl Fn(Number) -> Stripe) -> Tracks<Stripe> {
        Tracks(Number::ALL.map(|number| {
            let was_there = self.status & bit(number) << SAMPLED != 0;
            match *self.lengths.get(number) {
                0 if was_there => Stripe::Bad(TrackError::Unread),
                _ => stripe(number),
            }
        }))
    }

    fn encryption(&self, scheme: &'static str) -> Encryption {
        let lengths =
            self.lengths.0.map(|length| u64::try_from(length).ok().filter(|one| *one > 0));
        let fields =
            vec![("encode-type", vec![self.encode_type]), ("track-status", vec![self.status])];
        Encryption { scheme, lengths: Tracks(lengths), fields, ..Encryption::default() }
    }
}

/// What stands behind the tracks in the original format.
struct Behind<'a> {
    covered: Vec<Number>,
    ciphertext: &'a [u8],
    hashes: &'a [u8],
    ksn: &'a [u8; KSN_LENGTH],
}

/// What decides how long the rest of an enhanced frame is.
struct Sizes {
    shown: u8,
    sent: u8,
    hash: usize,
}

/// One way to explain how long it is.
struct Fit {
    scheme: &'static str,
    block: usize,
    session_id: usize,
}

impl Sizes {
    /// The way that explains it. What field 8 says of the cipher comes first: older heads have another
    /// meaning for the same bits.
    fn fit(&self, head: &Head, length: usize) -> Option<Fit> {
        let tdes = [(TDES_BLOCK, SESSION_ID_LENGTH)];
        let aes = [(AES_BLOCK, SESSION_ID_LENGTH), (AES_BLOCK, AES_BLOCK)];
        let ways: Vec<(usize, usize)> = match self.shown & CIPHER {
            CIPHER_AES => aes.into_iter().chain(tdes).collect(),
            _ => tdes.into_iter().chain(aes).collect(),
        };
        let (block, session_id) =
            ways.into_iter().find(|(block, session)| self.all(head, *block, *session) == length)?;
        let scheme =
            if block == TDES_BLOCK { "idtech-enhanced-tdes" } else { "idtech-enhanced-aes" };
        Some(Fit { scheme, block, session_id })
    }

    fn all(&self, head: &Head, block: usize, session_id: usize) -> usize {
        let of_tracks = |shift: u8, length: &dyn Fn(Number) -> usize| -> usize {
            let there =
                Number::ALL.into_iter().filter(|number| self.sent & bit(*number) << shift != 0);
            there.map(length).sum()
        };
        let one_of = |flag: bool, length: usize| if flag { length } else { 0 };
        of_tracks(0, &|number| head.lengths.get(number).next_multiple_of(block))
            + of_tracks(HASHED, &|_| self.hash)
            + one_of(self.sent & HAS_SESSION_ID != 0, session_id)
            + one_of(self.shown & HAS_SERIAL_NUMBER != 0, SERIAL_NUMBER_LENGTH)
            + one_of(self.sent & HAS_KSN != 0, KSN_LENGTH)
    }
}

impl Fit {
    /// Takes everything behind the tracks apart, in its order.
    fn take(
        &self,
        head: &Head,
        sizes: &Sizes,
        rest: &[u8],
        encryption: &mut Encryption,
    ) -> Result<(), Fault> {
        let mut rest = rest;
        let mut next = |length: usize| {
            let (piece, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            rest = after;
            piece
        };
        for number in Number::ALL.into_iter().filter(|number| sizes.sent & bit(*number) != 0) {
            let ciphertext = next(head.lengths.get(number).next_multiple_of(self.block));
            if line::is_clear(ciphertext) {
                return Err(Fault::Malformed { at: TRACKS_AT });
            }
            *encryption.tracks.get_mut(number) =
                (!ciphertext.is_empty()).then(|| ciphertext.to_vec());
        }
        if sizes.sent & HAS_SESSION_ID != 0 {
            encryption.fields.push(("session-id", next(self.session_id).to_vec()));
        }
        for number in Number::ALL.into_iter().filter(|one| sizes.sent & bit(*one) << HASHED != 0) {
            encryption.fields.push(hash_of(number, next(sizes.hash)));
        }
        if sizes.shown & HAS_SERIAL_NUMBER != 0 {
            encryption.fields.push(("serial-number", next(SERIAL_NUMBER_LENGTH).to_vec()));
        }
        if sizes.sent & HAS_KSN != 0 {
            encryption.ksn = Some(next(KSN_LENGTH).to_vec());
        }
        Ok(())
    }
}

/// The bit of a track among three.
fn bit(number: Number) -> u8 {
    match number {
        Number::One => 0b001,
        Number::Two => 0b010,
        Number::Three => 0b100,
    }
}

fn hash_of(number: Number, hash: &[u8]) -> (&'static str, Vec<u8>) {
    let name = match number {
        Number::One => "hash-1",
        Number::Two => "hash-2",
        Number::Three => "hash-3",
    };
    (name, hash.to_vec())
}

/// A track up to its end sentinel: the LRC behind it is none of its text.
fn text(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == b'?').map_or(bytes.len(), |at| at + 1);
    bytes.get(..end).unwrap_or(bytes)
}

fn masked(bytes: &[u8]) -> Stripe {
    Stripe::Masked(Secret::copy_of(text(bytes)))
}

fn as_read(number: Number, bytes: &[u8]) -> Stripe {
    match text(bytes) {
        [] => Stripe::Absent,
        text => line::stripe(number, text),
    }
}

#[cfg(test)]
mod tests;
