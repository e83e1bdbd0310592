//! What is let out of cards, by kind, by rules and by head.

use super::*;
use crate::event::Timestamp;
use crate::event::card::{Encryption, Token, TrackError};
use crate::normalize::card::pan::Shown;
use crate::normalize::card::rules::{Range, Ranges, TokenKey};

const ONE: &str = "%B4111111111111111^TEST/CARD^2512201000000000?";
const TWO: &str = ";4111111111111111=25122010000000000000?";
const STAFF: &str = ";00042?";
const LICENCE: &str = ";6360100123456789=250119840109?";

fn swipe(line: &str) -> Swipe {
    let tracks = tracks(line.as_bytes(), LrcRule::Kept).unwrap();
    Swipe { tracks, encryption: None, first: Timestamp(1), last: Timestamp(2) }
}

fn rules(financial: Financial) -> CardRules {
    CardRules { financial: Some(financial), ..CardRules::default() }
}

/// All that may be said of a card.
fn told(card: &Card) -> String {
    let mut words = vec![card.kind.word().to_owned()];
    words.extend(card.refused.map(|reason| format!("refused: {reason}")));
    words.extend(card.brand.map(str::to_owned));
    words.extend(card.pan_masked.clone());
    words.extend(card.number.as_ref().map(|number| number.expose().to_owned()));
    words.extend(card.check_digit.filter(|right| !right).map(|_| "no check digit".to_owned()));
    words.extend(card.disagree.then(|| "disagree".to_owned()));
    words.extend(card.expiry.map(|expiry| expiry.to_string()));
    words.extend(card.service_code.map(|code| code.digits()));
    words.extend(card.token.as_ref().map(|token| token.key_id.clone()));
    let secret = String::from_utf8(card.secret.expose().to_vec()).unwrap();
    if !secret.is_empty() {
        words.push(format!("take {secret:?}"));
    }
    words.join(" | ")
}

#[test]
fn what_is_let_out_depends_on_the_rules() {
    let both = format!("{ONE}{TWO}");
    let masked = "financial | visa | ************1111 | 2025-12 | 201";
    for (name, rules, want) in [
        (
            "nothing is configured",
            CardRules::default(),
            "financial | refused: financial-cards".to_owned(),
        ),
        ("refused", rules(Financial::Refuse), "financial | refused: financial-cards".to_owned()),
        ("masked", rules(Financial::Masked), masked.to_owned()),
        (
            "allowed",
            rules(Financial::Allow),
            format!("{masked} | take {:?}", format!("1 {ONE}\n2 {TWO}\n")),
        ),
        (
            "with the issuer",
            CardRules { shown: Shown::Bin, ..rules(Financial::Masked) },
            "financial | visa | 411111******1111 | 2025-12 | 201".to_owned(),
        ),
    ] {
        assert_eq!(told(&card(swipe(&both), &rules)), want, "{name}");
    }
}

#[test]
fn cards_are_of_the_kind_that_is_most_in_need_of_protection() {
    let shop = CardRules {
        allow: Ranges::new(vec![Range::parse("6001").unwrap()]),
        ..CardRules::default()
    };
    for (name, line, want) in [
        ("staff", STAFF, "other | take \"2 ;00042?\\n\""),
        ("a licence", LICENCE, "licence | take \"2 ;6360100123456789=250119840109?\\n\""),
        (
            "the shop's own",
            ";6001123412341234=2512?",
            "listed | ************1234 | 6001123412341234 | no check digit | 2025-12 | \
             take \"2 ;6001123412341234=2512?\\n\"",
        ),
        (
            "MagTek's sample, whose check digit is wrong",
            ";5452300551227189=08043210000000725?",
            "financial | refused: financial-cards",
        ),
        (
            "a bank's track beside the shop's",
            "%STAFF?;4111111111111111=2512201?",
            "financial | refused: financial-cards",
        ),
        (
            "a bank's number in another format",
            "%CARD 4111111111111111 OF A?",
            "financial | refused: financial-cards",
        ),
        (
            "of no known issuer, with a check digit",
            ";9000000000000001=2512201?",
            "financial | refused: financial-cards",
        ),
        (
            "of no known issuer, without",
            ";9000000000000003=2512201?",
            "other | take \"2 ;9000000000000003=2512201?\\n\"",
        ),
        ("nothing could be read", "%E?;E?", "unread"),
        (
            "a bank's track 3 behind a licence's sentinel",
            "#014111111111111111=2780?",
            "financial | refused: financial-cards",
        ),
        (
            "a bank's card whose digits look like a date of birth",
            ";6362970000457013=25122010111500000?",
            "financial | refused: financial-cards",
        ),
        (
            "a number with its check digit and nothing behind it",
            ";6771798021000008?",
            "financial | refused: financial-cards",
        ),
        (
            "a bank's number behind the shop's own",
            ";6001123412341234=4111111111111111?",
            "financial | refused: financial-cards",
        ),
    ] {
        assert_eq!(told(&card(swipe(line), &shop)), want, "{name}");
    }
}

#[test]
fn a_bad_track_costs_itself_only() {
    let card = card(swipe(&format!("%E?{TWO}")), &rules(Financial::Allow));
    let [one, two, three] = card.tracks.0;
    assert_eq!(one, TrackState::Bad(TrackError::Unread));
    assert_eq!((two, three), (TrackState::Present, TrackState::Absent));
    assert_eq!(card.secret.expose(), format!("2 {TWO}\n").as_bytes());
    assert_eq!(card.brand, Some("visa"));
}

#[test]
fn tracks_with_different_numbers_are_told_of() {
    let line = format!("{ONE};5555555555554444=2512201?");
    assert!(card(swipe(&line), &rules(Financial::Masked)).disagree);
    assert!(!card(swipe(&format!("{ONE}{TWO}")), &rules(Financial::Masked)).disagree);
}

#[test]
fn a_token_is_of_the_number_alone() {
    let key = TokenKey { id: "k".to_owned(), key: Secret::copy_of([7; 32].as_slice()) };
    let rules = CardRules { token: Some(key), ..rules(Financial::Masked) };
    let token = |line: &str| card(swipe(line), &rules).token.map(|Token { value, .. }| value);
    assert_eq!(token(ONE), token(TWO));
    assert_eq!(token(ONE), token(";4111111111111111=3001101?"), "a renewed card");
    assert_ne!(token(ONE), token(";5555555555554444=2512201?"));
    let refused = CardRules { financial: None, ..rules.clone() };
    assert_eq!(card(swipe(ONE), &refused).token, None, "nothing of a refused card");
}

fn encrypted(line: &str) -> Swipe {
    let ciphertext = Tracks([None, Some(vec![1; 40]), None]);
    let encryption = Encryption { scheme: "test", tracks: ciphertext, ..Encryption::default() };
    Swipe { encryption: Some(Box::new(encryption)), ..swipe_masked(line) }
}

/// As a head shows its tracks: not by the alphabets of the standard.
fn swipe_masked(line: &str) -> Swipe {
    let (one, two) = line.split_once('\n').unwrap();
    let stripe = |text: &str| match text {
        "" => Stripe::Absent,
        text => Stripe::Masked(Secret::copy_of(text.as_bytes())),
    };
    let tracks = Tracks([stripe(one), stripe(two), Stripe::Absent]);
    Swipe { tracks, encryption: None, first: Timestamp(1), last: Timestamp(2) }
}

#[test]
fn what_an_encrypting_head_masks_is_passed_on() {
    // The masked tracks of MagTek's manual: zeros, and a check digit made right.
    let magtek = "%B5452000000007189^HOGAN/PAUL      ^08040000000000000000000?\n;5452000000007189=080400000000000000000?";
    let card = card(encrypted(magtek), &CardRules::default());
    assert_eq!(
        told(&card),
        format!(
            "financial | mastercard | ************7189 | 2008-04 | take {:?}",
            format!(
                "1 {}\n2 {}\n",
                magtek.split_once('\n').unwrap().0,
                magtek.split_once('\n').unwrap().1
            )
        )
    );
    let [one, two, _] = &card.masked.0;
    assert_eq!(
        one.as_deref(),
        Some("%B************7189^****************^0804000****************?")
    );
    assert_eq!(two.as_deref(), Some(";************7189=0804000**************?"));
    assert_eq!(card.encryption.unwrap().tracks.get(Number::Two), &Some(vec![1; 40]));
}

#[test]
fn asterisks_of_an_encrypting_head_hide_digits() {
    let idtech =
        "%*4111********1111^TEST/CARD^****************?*\n;4111********1111=****************?*";
    let lines = idtech.replace("?*", "?");
    let card = card(encrypted(&lines), &CardRules { shown: Shown::Bin, ..CardRules::default() });
    assert_eq!(card.pan_masked.as_deref(), Some("4111********1111"));
    assert_eq!((card.brand, card.expiry, card.service_code), (Some("visa"), None, None));
}

#[test]
fn one_who_wants_no_bank_cards_gets_no_encrypted_ones_either() {
    let lines = "\n;4111********1111=****************?";
    let card = card(encrypted(lines), &rules(Financial::Refuse));
    assert_eq!(told(&card), "financial | refused: financial-cards");
    assert_eq!(card.encryption, None);
}

#[test]
fn what_a_head_says_is_masked_and_is_not_goes_the_way_of_clear_tracks() {
    // MagTek's heads can be told to leave as many digits as one likes.
    let lines = format!("{ONE}\n{TWO}");
    let handed = format!("financial | take {:?}", format!("1 {ONE}\n2 {TWO}\n"));
    for (rules, want) in [
        (CardRules::default(), "financial"),
        (rules(Financial::Masked), "financial"),
        (rules(Financial::Allow), &handed),
    ] {
        let card = card(encrypted(&lines), &rules);
        assert_eq!(told(&card), want);
        assert_eq!(card.masked, Tracks::default());
        assert!(card.encryption.is_some(), "the ciphertext is passed on all the same");
    }
}

#[test]
fn of_licences_and_other_cards_nothing_is_shown_that_a_head_leaves() {
    // An identity number with its middle hidden, and a birth date.
    let card_of = |line| card(encrypted(line), &CardRules::default());
    let licence = card_of("\n;6360000000000009=250119840109000?");
    assert_eq!((licence.kind, &licence.masked), (Kind::Licence, &Tracks::default()));
    assert_eq!((licence.pan_masked, licence.expiry), (None, None));
    let other = card_of("%STAFF 00042?\n");
    assert_eq!((other.kind, &other.masked), (Kind::Financial, &Tracks::default()));
}

/// Tracks that an encrypting head has left in clear, with the ciphertext of track 2 if it has any.
fn left_in_clear(line: &str, has_ciphertext: bool) -> Swipe {
    let ciphertext = Tracks([None, has_ciphertext.then(|| vec![1; 40]), None]);
    let encryption = Encryption { scheme: "test", tracks: ciphertext, ..Encryption::default() };
    Swipe { encryption: Some(Box::new(encryption)), ..swipe(line) }
}

#[test]
fn a_track_that_an_encrypting_head_leaves_in_clear_is_as_any_other() {
    let shop = CardRules {
        allow: Ranges::new(vec![Range::parse("6001").unwrap()]),
        ..CardRules::default()
    };
    for (name, line, ciphertext, want) in [
        (
            "a gift card",
            ";6001000000000=2512?",
            true,
            "listed | 6001000000000 | take \"2 ;6001000000000=2512?\\n\"",
        ),
        ("staff", ";00042?", true, "other | take \"2 ;00042?\\n\""),
        (
            "a bank's track 3 beside a hidden track 2",
            "+014111111111111111=2780?",
            true,
            "financial",
        ),
        ("nothing encrypted at all", TWO, false, "financial | refused: financial-cards"),
    ] {
        let told_of = card(left_in_clear(line, ciphertext), &shop);
        assert!(told(&told_of).starts_with(want.split(" | ").next().unwrap()), "{name}");
        let taken = want.split_once("take ").map_or("\"\"", |(_, taken)| taken);
        let secret = String::from_utf8(told_of.secret.expose().to_vec()).unwrap();
        assert_eq!(format!("{secret:?}"), taken, "{name}");
        assert_eq!(told_of.masked, Tracks::default(), "{name}");
    }
}

#[test]
fn of_what_a_head_leaves_only_what_anybody_may_know_is_shown() {
    let lines = "\n;541333******0011=25121019988776655443?";
    let card = card(encrypted(lines), &CardRules::default());
    let [_, two, _] = &card.masked.0;
    assert_eq!(two.as_deref(), Some(";************0011=2512101*************?"));
    assert_eq!(card.secret.expose(), b"2 ;541333******0011=25121019988776655443?\n");
}

#[test]
fn a_head_that_hides_nothing_of_the_number_is_no_way_round_the_rules() {
    let lines = "\n;4111111111111111=****************?";
    let refused = card(encrypted(lines), &rules(Financial::Refuse));
    assert_eq!(told(&refused), "financial | refused: financial-cards");
    let passed = card(encrypted(lines), &CardRules::default());
    assert_eq!(told(&passed), "financial", "neither shown nor handed over");
    assert!(passed.masked.0.iter().all(Option::is_none) && passed.encryption.is_some());
}

#[test]
fn hashes_of_tracks_are_handed_over_and_not_shown() {
    let mut swipe = encrypted("\n;4111********1111=****************?");
    let encryption = swipe.encryption.as_mut().unwrap();
    encryption.fields = vec![("hash-2", vec![0xAB, 0x01]), ("session-id", vec![7])];
    let card = card(swipe, &CardRules::default());
    assert_eq!(card.encryption.unwrap().fields, [("session-id", vec![7])]);
    assert_eq!(card.secret.expose(), b"2 ;4111********1111=****************?\nhash-2 ab01\n");
}
