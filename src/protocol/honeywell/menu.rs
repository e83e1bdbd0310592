//! Menu commands and what a scanner says to them.
//!
//! ```text
//! to the scanner   SYN M CR  tag subtag data  [, subtag data | ; tag subtag data]…  . or !
//! from it                    the same again, with a status before each punctuation mark
//! ```
//!
//! A full stop keeps a setting over a loss of power, an exclamation mark does not. ACK: done; ENQ: no such
//! tag; NAK: no such value.

use crate::frame::Weight;

/// What comes before a menu command.
pub(super) const PREFIX: &[u8] = b"\x16M\r";
/// Behind it: not to be kept over a loss of power.
pub(super) const VOLATILE: u8 = b'!';
const LASTING: u8 = b'.';

const ACK: u8 = 0x06;
const ENQ: u8 = 0x05;
const NAK: u8 = 0x15;

/// A tag and a subtag.
pub(super) const KEY: usize = 6;
/// No reply to a command has more; the replies to queries of everything do.
const LONGEST: usize = 1_024;

/// Weighs bytes that begin with the first letter of a reply to one of the commands with these keys.
///
/// It is a reply only once a status has come: before that it may as well be a code.
pub(super) fn weigh(head: &[u8], keys: &[Vec<u8>]) -> Weight {
    let (mut text, mut status, mut known) = (0, None, false);
    for (place, &byte) in head.iter().enumerate() {
        match (byte, status) {
            (b',' | b';', Some(_)) => (text, status) = (0, None),
            (VOLATILE | LASTING, Some(_)) => return Weight::Whole(place + 1),
            (_, Some(_)) => return Weight::Code,
            (ACK | ENQ | NAK, None) if text > 0 && place >= KEY => {
                known = true;
                status = Some(byte);
            }
            (b' '..=b'~', None) if !b",;!.".contains(&byte) => text += 1,
            _ => return Weight::Code,
        }
    }
    let begins = |key: &Vec<u8>| head.iter().zip(key).all(|(got, want)| same(*got, *want));
    match known {
        _ if !keys.iter().any(begins) || head.len() > LONGEST => Weight::Code,
        true => Weight::Begun,
        false => Weight::Maybe,
    }
}

/// Whether a reply is one to the command with this key.
pub(super) fn answers(reply: &[u8], key: &[u8]) -> bool {
    reply.len() > key.len() && reply.iter().zip(key).all(|(got, want)| same(*got, *want))
}

/// Tags are case-insensitive, and scanners say them in capitals.
fn same(one: u8, other: u8) -> bool {
    one.eq_ignore_ascii_case(&other)
}

/// Reads a whole reply: done, or the first status that says otherwise.
pub(super) fn read(reply: &[u8]) -> Result<(), u8> {
    match reply.iter().find(|byte| matches!(**byte, ENQ | NAK)) {
        Some(status) => Err(*status),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[&str]) -> Vec<Vec<u8>> {
        keys.iter().map(|key| key.as_bytes().to_vec()).collect()
    }

    #[test]
    fn replies_of_the_manual() {
        for (name, key, reply, want) in [
            (
                "guides, example of Codabar: CBR?.",
                "CBRENA",
                &b"CBRENA1\x06,SSX0\x06,CK20\x06,CCT1\x06,MIN2\x06,MAX60\x06,DFT\x06."[..],
                Ok(()),
            ),
            ("python_hon_usbhid: REVINF., its last line", "REVINF", b"REVINF\x06.", Ok(())),
            ("guides, example 1: cbrena*.", "cbrena", b"CBRENA0-1\x06.", Ok(())),
            ("no such tag", "XXXYYY", b"XXXYYY1\x05!", Err(ENQ)),
            ("a value out of range", "CBRMIN", b"CBRMIN100\x15!", Err(NAK)),
            ("the second of two", "CBRENA", b"CBRENA1\x06,MIN100\x15!", Err(NAK)),
            ("another tag behind", "CBRENA", b"CBRENA1\x06;C39ENA1\x06!", Ok(())),
        ] {
            assert_eq!(weigh(reply, &keys(&[key])), Weight::Whole(reply.len()), "{name}");
            assert_eq!(read(reply), want, "{name}");
            assert!(answers(reply, key.as_bytes()), "{name}");
        }
    }

    #[test]
    fn what_is_no_reply_is_part_of_a_code() {
        let keys = keys(&["DECHDR", "PAPHHF"]);
        for (name, bytes, want) in [
            ("a beginning", &b"DEC"[..], Weight::Maybe),
            ("no status yet", b"PAPHHF1", Weight::Maybe),
            ("a status", b"PAPHHF\x06", Weight::Begun),
            ("another tag", b"DECHDS", Weight::Code),
            ("a line end", b"DECHDR1\r", Weight::Code),
            ("punctuation without a status", b"DECHDR1,", Weight::Code),
            ("a status without punctuation", b"DECHDR1\x06x", Weight::Code),
            ("a status too early", b"DEC\x06", Weight::Code),
        ] {
            assert_eq!(weigh(bytes, &keys), want, "{name}");
        }
        let endless = [b"DECHDR".to_vec(), vec![b'x'; LONGEST]].concat();
        assert_eq!(weigh(&endless, &keys), Weight::Code);
        assert!(!answers(b"DECHDR1\x06!", b"PAPHHF"));
    }
}
