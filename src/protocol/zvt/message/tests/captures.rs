//! Messages that other projects have in their tests and issues. Cards are test cards.

use super::*;

/// The bytes of hex pairs and of quoted texts, whose blanks are written `_`.
fn bytes(text: &str) -> Vec<u8> {
    let word = |word: &str| match word.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        Some(text) => text.replace('_', " ").into_bytes(),
        None => vec![u8::from_str_radix(word, 16).unwrap()],
    };
    text.split_ascii_whitespace().flat_map(word).collect()
}

fn of(control: Control, data: &str) -> Message {
    decode(&Apdu::new(control, bytes(data)), Charset::Cp437)
}

fn answer(data: &str) -> Answer {
    let Message::Status(Some(answer), _, None) = of(STATUS, data) else { panic!("{data}") };
    *answer
}

fn lines(control: Control, data: &str) -> Vec<(Copy, String)> {
    let Message::Print(lines) = of(control, data) else { panic!("{data}") };
    lines.into_iter().map(|(copy, text)| (copy, text.expose().to_owned())).collect()
}

fn progress(data: &str) -> (u8, String) {
    let Message::Intermediate(status, progress) = of(INTERMEDIATE, data) else { panic!("{data}") };
    (status, progress.text.to_string())
}

#[test]
fn statuses_that_say_no_say_why() {
    let rows = [
        // Portalum.Zvt, `StatusInformationParserTest.cs`.
        ("27 FF 29 28 00 48 69 3C F0 F1 F3 'Betrag_falsch'", "FF", "Betrag falsch"),
        // The same, `ZvtClientTest.cs`: a card that is refused.
        (
            "27 05 29 29 00 02 74 3C F0 F0 F9 'Abgelehnt' 8A 06 06 0D 24 0B 07 09 'Abgelehnt'",
            "05",
            "Abgelehnt",
        ),
        ("27 05 06 0D 24 0B 07 09 'Abgelehnt'", "05", "Abgelehnt"),
        // ecrterm, issue 7.
        (
            "27 DF 29 00 00 00 00 06 1E 1F 16 02 17 3A 1F 17 16 'Terminal_ist_blockiert'",
            "DF",
            "Terminal ist blockiert",
        ),
        ("27 DF", "DF", "out of order"),
    ];
    for (data, code, text) in rows {
        let answer = answer(data);
        assert_eq!(
            (answer.approved, answer.code.as_str(), answer.text.as_str()),
            (false, code, text)
        );
    }
}

#[test]
fn portalum_zvt_status_of_a_stop_by_time_has_empty_fields() {
    let answer = answer("27 6C 22 F0 F0 29 28 00 48 69 8B F0 F1 00 3C F0 F0 F1 '-'");
    assert_eq!((answer.pan_masked, answer.brand), (None, None));
    assert_eq!(answer.text, "-");
}

#[test]
fn portalum_zvt_status_of_a_reversal_has_its_application_outside_a_container() {
    let answer = answer(
        "27 00 37 00 00 12 87 00 34 06 11 43 07 A0 00 00 00 04 10 10 1F 10 01 FF 1F 12 01 01",
    );
    assert_eq!((answer.original_trace, answer.receipt), (Some(12), Some(34)));
    assert!(!answer.signature && answer.entry_mode == Some("chip"));
    assert!(answer.details.contains(&("application", Value::from("A0000000041010".to_owned()))));
}

#[test]
fn ecrterm_status_with_a_track_in_the_card_number() {
    let answer = answer(
        "27 00 04 00 00 00 00 40 00 49 09 78 0C 09 38 48 0D 04 25 22 F1 F1 54 13 33 00 89 02 00 11 \
         D2 01 22 17 00 01 87 01 75 0B 61 39 95 19 40 29 60 09 99 14 0E 05 12 8A 02",
    );
    assert_eq!(answer.pan_masked.as_deref(), Some("************0011"));
    assert_eq!(
        (answer.amount, answer.receipt, answer.trace),
        (Some(4000), Some(175), Some(613_995))
    );
    assert_eq!(answer.terminal.as_deref(), Some("60099914"));
}

#[test]
fn ecrterm_status_with_an_application_and_tags_that_are_passed_over() {
    let answer = answer(
        "27 00 22 F0 F8 47 61 73 EE EE EE 00 10 06 2B 41 02 00 0A 49 02 00 03 15 02 'DE' 60 0F 42 \
         04 'VISA' 43 07 A0 00 00 00 03 10 10 2F 0C 1F 10 01 00 1F 11 01 01 1F 12 01 02",
    );
    assert_eq!(answer.entry_mode, Some("contactless"));
    assert!(answer.details.contains(&("application", Value::from("A0000000031010".to_owned()))));
    assert!(answer.details.contains(&("application-name", Value::from("VISA".to_owned()))));
}

#[test]
fn what_a_result_of_00_tells_beside() {
    // prosoftgmbh/zvt: a code in tag 1F16 that is not zero.
    for (data, want) in [
        ("27 00 06 05 1F 16 02 17 3A", true),
        ("27 00 06 05 1F 16 02 00 00", false),
        ("27 00", false),
    ] {
        let Message::Status(Some(answer), extras, None) = of(STATUS, data) else {
            panic!("{data}")
        };
        assert_eq!((answer.approved, extras.is_error), (true, want), "{data}");
    }
}

#[test]
fn refusals_name_their_reason_in_the_data_too() {
    // Portalum.Zvt, issue 49: a CCV IM30.
    assert_eq!(of((0x84, 0x1E), "7D"), Message::Refused(0x7D));
    assert_eq!(of((0x84, 0x1E), ""), Message::Refused(0x1E));
    assert_eq!(of((0x84, 0x9C), "00"), Message::Refused(0x9C));
    // ecrterm: a length in the container that does not fit; the reason is read all the same.
    assert_eq!(of(ABORT, "B8 06 11 23 09 08 02 01 23"), Message::Abort(0xB8, None));
    // The same, an error text behind a code of five bytes.
    assert_eq!(
        of(ABORT, "6C 06 2B 1F 16 05 FF 00 00 14 41 1F 17 20 'Abbruch_durch_externes_Kommando!'"),
        Message::Abort(0x6C, Some("Abbruch durch externes Kommando!".to_owned()))
    );
}

#[test]
fn intermediate_statuses_with_what_the_display_shows() {
    let rows = [
        // Portalum.Zvt, `IntermediateStatusInformationParserTest.cs`.
        ("FF 10 06 1A 24 18 07 08 'EUR_1.23' 07 0C 'Bitte_warten'", "EUR 1.23 Bitte warten"),
        // ecrterm: a minute to go, and a timeout that looks like a container.
        ("0A 01 06 1A 24 18 07 16 'Bitte_Karte_einstecken'", "Bitte Karte einstecken"),
        ("0A 06 06 1A 24 18 07 16 'Bitte_Karte_einstecken'", "Bitte Karte einstecken"),
        // Portalum.Zvt, issue 11: a VALINA, with a line feed in a line.
        (
            "0A 01 06 2A 24 28 07 26 'Karte_vorhalten' 0A 'einstecken/durchziehen'",
            "Karte vorhalten einstecken/durchziehen",
        ),
        // EVerest/zvt.
        ("17", "please wait"),
        ("17 01", "please wait"),
        ("4C", "card not readable, please remove it"),
        ("A0", "at work"),
    ];
    for (data, want) in rows {
        assert_eq!(progress(data).1, want, "{data}");
    }
}

#[test]
fn lines_to_print_with_containers_behind_them() {
    let line = |copy, text: &str| (copy, text.to_owned());
    let rows = [
        // Portalum.Zvt, `PrintLineParserTest.cs`, and CardComplete's.
        ("40 'TEST' 06 04 1F 07 01 01", vec![line(Copy::Merchant, "TEST")]),
        ("00 'Summe' 06 04 1F 07 01 02", vec![line(Copy::Customer, "Summe")]),
        ("00 06 04 1F 07 01 02", vec![line(Copy::Customer, "")]),
        ("81 06 04 1F 07 01 02", vec![]),
        // ecrterm; an attribute, and code page 437.
        ("00 '__Kassenschnitt'", vec![line(Copy::Unnamed, "  Kassenschnitt")]),
        ("40 '*_*__H' 84 'ndlerbeleg__*_*'", vec![line(Copy::Unnamed, "* *  Händlerbeleg  * *")]),
    ];
    for (data, want) in rows {
        assert_eq!(lines(PRINT_LINE, data), want, "{data}");
    }
    let apdu = Apdu::new(PRINT_LINE, bytes("00 'H' E4 'ndlerbeleg_5_' A4"));
    let latin = Charset::Of(encoding_rs::ISO_8859_15);
    let want = vec![(Copy::Unnamed, Secret::copy_of("Händlerbeleg 5 €"))];
    assert_eq!(decode(&apdu, latin), Message::Print(want));
}

#[test]
fn blocks_of_text_of_any_length() {
    // Portalum.Zvt, `PrintTextBlockParserTest.cs`: attributes between lines, lengths of two and three bytes.
    let text =
        format!("1F 07 01 01 25 82 00 8A 07 81 80 '{}' 09 01 81 07 02 81 8E", "x".repeat(0x80));
    let length = bytes(&text).len();
    let data = format!("06 82 00 {length:02X} {text}");
    let Message::Print(found) = of(PRINT_BLOCK, &data) else { panic!("no print") };
    let texts: Vec<_> = found.iter().map(|(copy, text)| (*copy, text.expose().len())).collect();
    assert_eq!(texts, [(Copy::Merchant, 0x80), (Copy::Merchant, "üÄ".len())]);
}

#[test]
fn completions_of_every_shape() {
    let completion = |data: &str| match of(COMPLETION, data) {
        Message::Completion(completion) => completion,
        message => panic!("{data}: {message:?}"),
    };
    // ecrterm: of a registration; of a status enquiry with a version and without; empty.
    let registered = completion("19 00 29 52 00 12 33 49 09 78 06 05 27 03 14 01 FF");
    assert_eq!((registered.registered, registered.currency), (Some(0), Some(978)));
    assert_eq!(registered.terminal.as_deref(), Some("52001233"));
    for (data, status) in [
        ("F0 F0 F3 'bla' 00", Some(0)),
        ("F0 F1 F7 '061022a_M_IC__Std' 00", Some(0)),
        ("F0 F0 F3 'bla' 9C 06 00", Some(0x9C)),
        ("06", Some(0x06)),
        ("DC 06 06 1F 44 04 52 00 12 33", None),
        ("00 06 07 1F 44 04 52 00 12 33", Some(0)),
        ("9C 06 07 1F 44 04 52 00 12 33", Some(0x9C)),
        ("06 07 1F 44 04 52 00 12 33", None),
        ("27 E0", None),
        ("", None),
    ] {
        assert_eq!(completion(data).status, status, "{data}");
    }
    assert_eq!(completion("00 06 07 1F 44 04 52 00 12 33").terminal.as_deref(), Some("52001233"));
}
