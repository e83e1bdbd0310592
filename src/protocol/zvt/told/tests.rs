//! Dialogues as others logged them, with test cards.

use super::*;
use crate::recording::pasted;

/// What is told, one line for a message and one for a field, indented by where it stands.
fn shown(text: &str) -> String {
    let mut out = String::new();
    for message in told(&pasted::read(text)) {
        let side = match message.side {
            Some(Side::Till) => '>',
            Some(Side::Terminal) => '<',
            None => '?',
        };
        out += &format!("{} {side} {} {}\n", message.line, message.tag, message.name);
        show(&mut out, &message.fields, 1);
        if let Some(Stop { at, why }) = message.stop {
            out += &format!("  stops at {at}: {why}\n");
        }
    }
    out
}

fn show(out: &mut String, fields: &[Field], depth: usize) {
    for Field { tag, name, value, fields, .. } in fields {
        out.push_str(&"  ".repeat(depth));
        let words: Vec<&str> =
            [tag.as_str(), name, value].into_iter().filter(|word| !word.is_empty()).collect();
        *out += &words.join(" | ");
        out.push('\n');
        show(out, fields, depth + 1);
    }
}

#[test]
fn a_dialogue_without_frames() {
    let log = "ECR->PT 06 01 0A 04 00 00 00 00 12 50 49 09 78
        PT->ECR 80 00 00
        PT->ECR 04 FF 1E 0A 01 06 1A 24 18 07 16 42 69 74 74 65 20 4B 61 72 74 65 20 65 69 6E 73 74 65 63 6B 65 6E
        PT->ECR 04 0F 1F 27 00 04 00 00 00 00 12 50 22 F0 F8 54 13 33 00 89 02 00 11 87 00 42
        06 06 2F 04 1F 12 01 02
        PT->ECR 06 1E 01 6C
        PT->ECR 84 9C 00";
    assert_eq!(
        shown(log),
        "1 > 06 01 authorization
  04 | amount in minor units | 1250
  49 | currency | 978 EUR
2 < 80 00 taken
3 < 04 FF intermediate status
  status | 0A insert or hold the card
  minutes to go | 01
  06 | container
    24 | display
      07 | line | Bitte Karte einstecken
5 < 04 0F status information
  27 | result | 00 done
  04 | amount in minor units | 1250
  22 | card number | ************0011
  87 | receipt number | 0042
  06 | container
    2F | kind of payment
      1F12 | how the card was read | 02 contactless
6 < 06 1E abort by the terminal
  reason | 6C stopped at the terminal, by time or by a key
7 < 84 9C refused
  reason | 9C please wait: the terminal is at work
"
    );
}

#[test]
fn a_dialogue_in_frames() {
    // ecrterm, issue 2.
    let log = "> ['0x10', '0x2', '0x5', '0x1', '0x3', '0x12', '0x34', '0x56', '0x10', '0x3', '0xe0', '0x43']
        < ['0x6']
        < ['0x10', '0x2', '0x80', '0x0', '0x0', '0x10', '0x3', '0xf5', '0x1f']
        > ['0x6']
        < 10 02 06 0F 15 F0 F1 F7 30 36 31 30 32 32 61 20 4D 20 49 43 5F 20 53 74 64 00 10 03 E4 51
        < 10 02 80 00 00 10 03 F5 1E
        < 10 02 80";
    assert_eq!(
        shown(log),
        "1 > 05 01 status enquiry
  password | 3 bytes, not shown
2 < 06 acknowledged
3 < 80 00 taken
4 > 06 acknowledged
5 < 06 0F completion
  software version | 061022a M IC_ Std
  terminal status | 00 ready
6 <  no message: checksum wrong: got 1EF5, want 1FF5
7 <  no message: a frame was cut off after 1 bytes
"
    );
}

#[test]
fn where_it_stops_being_understood() {
    assert_eq!(
        shown("04 0F 05 27 05 FE 01 02\n04 0F 04 27 00 22 F1\n04 0F 09 27"),
        "1 < 04 0F status information
  27 | result | 05 refused by the bank or its network
  stops at 5: FE: no field has this number; 3 bytes from here
2 < 04 0F status information
  27 | result | 00 done
  stops at 5: 22: its length does not fit; 2 bytes from here
3 < 04 0F status information
  stops at 2: the length says 9 bytes; found: 1 byte
"
    );
    let unknown = shown("06 D3 0D 06 0B 1F 80 00 01 01 1F 7D 02 AA BB 07");
    for told in
        ["1F8000 | not in our table | 1 byte, not shown", "rest | not understood from byte 10"]
    {
        assert!(unknown.contains(told), "{unknown}");
    }
}

#[test]
fn nothing_names_a_card() {
    let track = "54 13 33 00 89 02 00 11 D2 51 22";
    let text = "35 34 31 33 33 33 30 30 38 39 30 32 30 30 31 31";
    let log = format!(
        "04 0F 39 27 00 22 F1 F1 {track} 23 F1 F1 {track} 0E 25 12 3C F0 F1 F6 {text} 06 02 4C 00
         06 D1 09 00 35 34 31 33 33 33 30 30
         06 D1 09 00 38 39 30 32 30 30 31 31"
    );
    let shown = shown(&log);
    assert!(shown.contains("22 | card number | ************0011"), "{shown}");
    assert!(shown.contains("23 | track 2 | 11 bytes, not shown"), "{shown}");
    for secret in ["541333", "54 13", "2512", "8902"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
