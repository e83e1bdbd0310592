//! Messages of terminals, most of them seen on lines by others. The cards in them are test cards.

use super::*;

mod captures;

fn read(hex: &str) -> Message {
    let bytes: Vec<u8> =
        hex.split_ascii_whitespace().map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    decode(&Apdu::decode(&bytes).unwrap(), Charset::Cp437)
}

#[test]
fn portalum_zvt_status_of_a_payment_stopped_by_the_customer() {
    let Message::Status(Some(answer), _, fault) = read(
        "04 0F 1E 27 6C 29 28 00 48 69 3C F0 F1 F9 41 62 62 72 75 63 68 20 64 75 72 63 68 20 4B 75 \
         6E 64 65",
    ) else {
        panic!("no status");
    };
    assert_eq!((answer.approved, answer.code.as_str(), fault), (false, "6C", None));
    assert_eq!(answer.text, "Abbruch durch Kunde");
    assert_eq!(answer.terminal.as_deref(), Some("28004869"));
}

#[test]
fn portalum_zvt_status_of_a_contactless_payment() {
    let Message::Status(Some(answer), _, None) = read(
        "04 0F 65 27 00 0C 23 13 55 0D 10 29 0E 99 99 22 F0 F8 EE EE EE EE EE EE 47 71 A0 01 29 00 \
         00 00 06 87 00 08 0B 00 00 00 8A 06 8B F1 F1 4D 41 53 54 45 52 43 41 52 44 00 06 2E 2F 08 1F \
         12 01 02 1F 10 01 00 60 1B 43 07 A0 00 00 00 04 10 10 44 10 44 65 62 69 74 20 4D 61 73 74 65 \
         72 63 61 72 64 1F 2B 04 10 01 50 08",
    ) else {
        panic!("no status");
    };
    assert!(answer.approved && !answer.signature);
    assert_eq!(answer.pan_masked.as_deref(), Some("************4771"));
    assert_eq!((answer.terminal.as_deref(), answer.receipt), (Some("00000006"), Some(8)));
    assert_eq!(
        (answer.brand.as_deref(), answer.entry_mode),
        (Some("MASTERCARD"), Some("contactless"))
    );
    assert_eq!(answer.clock.to_string(), "10-29 23:13:55");
    assert!(answer.details.contains(&("application", Value::from("A0000000041010".to_owned()))));
    assert!(
        answer.details.contains(&("application-name", Value::from("Debit Mastercard".to_owned())))
    );
}

#[test]
fn everest_abort_of_a_partial_reversal() {
    assert_eq!(read("06 1E 04 B8 87 FF FF"), Message::Abort(0xB8, None));
    let text = "06 1E 0F 6C 06 0C 1F 17 09 74 6F 6F 20 6D 75 63 68 21";
    assert_eq!(read(text), Message::Abort(0x6C, Some("too much!".to_owned())));
}

#[test]
fn everest_completion_of_a_registration() {
    let Message::Completion(completion) = read("06 0F 0A 19 10 29 52 52 35 35 49 09 78") else {
        panic!("no completion");
    };
    assert_eq!((completion.registered, completion.currency), (Some(0x10), Some(978)));
    assert_eq!(completion.terminal.as_deref(), Some("52523535"));
}

#[test]
fn ecrterm_completion_with_the_software_version() {
    let Message::Completion(completion) = read("06 0F 0B F0 F0 F7 32 2E 31 34 2E 31 35 00") else {
        panic!("no completion");
    };
    assert_eq!(completion.status, Some(0));
}

#[test]
fn portalum_zvt_lines_to_print() {
    let line = |text: &str| (Copy::Unnamed, Secret::copy_of(text));
    let test = read("06 D1 0E 40 54 45 53 54 20 50 6F 72 74 61 6C 75 6D");
    assert_eq!(test, Message::Print(vec![line("TEST Portalum")]));
    assert_eq!(read("06 D1 01 81"), Message::Print(Vec::new()), "the end of a receipt");
    assert_eq!(read("06 D1 01 00"), Message::Print(vec![line("")]), "an empty line");
    let Message::Completion(completion) = read("06 0F 02 27 E0") else { panic!("no completion") };
    assert_eq!((completion.status, completion.result), (None, Some(0xE0)));
}

#[test]
fn a_block_of_text_is_lines_of_one_receipt() {
    let Message::Print(lines) =
        read("06 D3 14 06 12 1F 07 01 02 25 0C 07 04 41 42 43 44 07 01 45 07 00 09")
    else {
        panic!("no print");
    };
    let texts: Vec<_> = lines.iter().map(|(_, text)| text.expose()).collect();
    assert_eq!(texts, ["ABCD", "E", ""]);
    assert!(lines.iter().all(|(copy, _)| *copy == Copy::Customer));
}

#[test]
fn a_status_names_no_card() {
    let card = [0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11];
    let data = [
        &[0x27, 0x00, 0x22, 0xF0, 0xF8][..],
        &card,
        &[0x23, 0xF1, 0xF2],
        &card,
        &[0xD2, 0x51, 0x21, 0x01],
        b"\x2D\xF2\xF2B4111111111111111^TEST\x3A\x12\x3F\x0E\x25\x12\x3C\xF0\xF1\xF6".as_slice(),
        b"4111111111111111",
    ]
    .concat();
    let Message::Status(Some(answer), _, None) = decode(&Apdu::new(STATUS, data), Charset::Cp437)
    else {
        panic!("no status");
    };
    let message = *answer;
    assert_eq!(message.pan_masked.as_deref(), Some("************1111"));
    let shown = format!("{message:?}");
    assert!(!shown.contains("41111111") && !shown.contains("2512"), "{shown}");
}

#[test]
fn what_cannot_be_read_is_told_and_what_stood_before_it_counts() {
    let Message::Status(Some(answer), _, Some(fault)) = read("04 0F 05 27 00 FF 01 02") else {
        panic!("no status with a fault");
    };
    assert!(answer.approved);
    assert_eq!(fault, Fault::Malformed { at: 5 });
    assert!(matches!(read("04 0F 03 FF 27 00"), Message::Status(None, _, Some(_))));
}

/// The status of a message that is one.
fn status_of(hex: &str) -> Answer {
    let Message::Status(Some(answer), _, None) = read(hex) else { panic!("no status") };
    *answer
}

#[test]
fn everest_status_of_a_reservation_with_a_card_number_in_part() {
    let answer = status_of(
        "04 0F 5A 27 00 04 00 00 00 00 25 00 49 09 78 0C 22 55 58 0D 04 05 22 F0 F8 54 13 33 EE EE \
         EE 00 11 87 02 31 3B 37 35 30 30 37 31 00 00 0B 00 09 75 19 60 29 52 52 35 35 0E 24 05 8A \
         06 8C 01 8B F1 F1 4D 61 73 74 65 72 43 61 72 64 00 2A 38 30 34 30 31 31 39 32 36 20 20 20 \
         20 20 20",
    );
    assert!(answer.approved);
    assert_eq!((answer.amount, answer.receipt, answer.trace), (Some(2500), Some(231), Some(975)));
    assert_eq!(answer.pan_masked.as_deref(), Some("************0011"));
    assert_eq!(answer.authorization_code.as_deref(), Some("750071"));
}

#[test]
fn everest_status_of_a_reservation_with_a_whole_card_number() {
    let answer = status_of(
        "04 0F 5D 27 00 04 00 00 00 00 25 00 49 09 78 0C 10 37 20 0D 04 21 22 F1 F0 54 13 33 00 89 \
         02 00 11 9F FF 17 00 02 87 02 49 3B 30 31 38 33 37 32 00 00 0B 00 10 12 19 60 29 52 52 35 \
         35 0E 26 12 8A 05 8C 00 8B F0 F9 67 69 72 6F 63 61 72 64 00 2A 31 36 30 30 34 30 30 38 20 \
         20 20 20 20 20 20",
    );
    assert_eq!((answer.amount, answer.receipt), (Some(2500), Some(249)));
    assert_eq!(answer.pan_masked.as_deref(), Some("*************0119"));
    assert_eq!(answer.brand.as_deref(), Some("girocard"));
    assert!(!format!("{answer:?}").contains("541333"));
}

#[test]
fn everest_status_of_a_reservation_given_free_has_a_new_receipt_and_no_amount() {
    let answer = status_of(
        "04 0F A4 27 00 04 00 00 00 00 00 00 49 09 78 0C 22 55 58 0D 04 05 22 F0 F8 54 13 33 EE EE \
         EE 00 11 87 02 32 3B 37 35 30 30 37 31 00 00 0B 00 09 77 19 60 29 52 52 35 35 0E 24 05 8A \
         06 8C 01 8B F1 F1 4D 61 73 74 65 72 43 61 72 64 00 2A 38 30 34 30 31 31 39 32 36 20 20 20 \
         20 20 20 3C F0 F7 F0 41 53 2D 50 72 6F 63 2D 43 6F 64 65 3D 20 30 30 20 30 37 36 20 30 36 \
         0D 43 61 70 74 2E 2D 52 65 66 2E 3D 20 30 30 39 39 0D 41 49 44 35 39 3D 20 30 38 31 35 32 \
         30 0D 20 44 41 55 45 52 20 20 20 37 20 54 41 47 45",
    );
    assert_eq!((answer.amount, answer.receipt, answer.trace), (Some(0), Some(232), Some(977)));
    assert!(answer.text.starts_with("AS-Proc-Code= 00 076 06"), "{}", answer.text);
}

#[test]
fn everest_status_of_a_close_with_its_totals() {
    let answer = status_of(
        "04 0F 4D 27 00 04 00 00 00 00 09 58 0B 00 09 82 0D 04 06 0C 08 17 06 60 F0 F5 F3 02 33 02 \
         34 00 00 00 00 00 00 00 00 00 00 00 00 00 00 02 00 00 00 00 09 58 00 00 00 00 00 00 00 00 \
         00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
    );
    let Some((_, Value::Map(totals))) = answer.details.iter().find(|(name, _)| *name == "totals")
    else {
        panic!("no totals")
    };
    assert_eq!(
        totals[..2],
        [("first-receipt".into(), Value::Count(233)), ("last-receipt".into(), Value::Count(234)),]
    );
    let mastercard = vec![("count".into(), Value::Count(2)), ("amount".into(), Value::Count(958))];
    assert!(totals.contains(&("mastercard".into(), Value::Map(mastercard))));
}

#[test]
fn everest_completion_with_the_state_and_the_clock() {
    let Message::Completion(completion) = read(
        "06 0F 89 F0 F4 F0 47 45 52 2D 41 50 50 2D 76 32 2E 30 2E 39 3B 63 53 30 32 2E 30 31 2E 30 \
         31 2D 31 30 2E 31 30 2D 32 2D 32 3B 43 43 32 36 00 06 5B 1F 44 04 52 52 35 35 E4 43 1F 40 \
         0A 63 56 45 4E 44 20 70 6C 75 67 1F 41 28 47 45 52 2D 41 50 50 2D 76 32 2E 30 2E 39 3B 63 \
         53 30 32 2E 30 31 2E 30 31 2D 31 30 2E 31 30 2D 32 2D 32 3B 43 43 32 36 1F 42 04 17 FD 1E \
         3C 1F 43 01 00 34 0D 1F 0E 04 20 23 04 05 1F 0F 03 22 56 55",
    ) else {
        panic!("no completion")
    };
    assert_eq!(completion.terminal.as_deref(), Some("52523535"));
    assert_eq!(completion.clock.to_string(), "04-05 22:56:55");
}

#[test]
fn numbers_of_zeros_are_no_numbers_and_a_long_trace_number_takes_the_place() {
    let answer =
        status_of("04 0F 16 27 00 0B 00 00 00 37 00 00 00 87 00 00 06 07 1F 2B 04 10 01 50 08");
    assert_eq!(
        (answer.trace, answer.original_trace, answer.receipt),
        (Some(10_015_008), None, None)
    );
}
