//! `[cards]`: what is let out of cards, and what is wrong with it.

use tillbus::normalize::card::Financial;
use tillbus::normalize::card::pan::Shown;

use super::shop::{DEVICE, Row, Shop, refuse};

const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

#[test]
fn a_wrong_rule_is_told_with_its_place() {
    let rows: [Row; 9] = [
        (
            "no such word",
            "[cards]\nfinancial-cards = \"yes\"\n".to_owned(),
            "tillbus.toml:2:19: `financial-cards` is \"yes\"; accepted: allow, masked, refuse",
        ),
        (
            "more than PCI DSS lets be shown",
            "[cards]\npan-masked = \"all\"\n".to_owned(),
            "tillbus.toml:2:14: `pan-masked` is \"all\"; accepted: bin-and-last-four, last-four",
        ),
        (
            "a range that is too short",
            "[cards]\nallow-ranges = [\"6001\", \"4\"]\n".to_owned(),
            "tillbus.toml:2:25: `allow-ranges`: \"4\" is no range of numbers; accepted are the first 4 to \
             12 digits, such as 6001, or two of the same length, the lower first, such as 600100-600199",
        ),
        (
            "a range that opens a scheme",
            "[cards]\nallow-ranges = \"4000-4999\"\n".to_owned(),
            "tillbus.toml:2:16: `allow-ranges`: \"4000-4999\" are numbers of visa cards; accepted among \
             those are the first 8 to 12 digits, or two of the same length that begin with the same 6, \
             such as 62001200-62001299",
        ),
        (
            "a key and no credential",
            "[cards]\ntoken-key-id = \"2026\"\n".to_owned(),
            "tillbus.toml:2:16: the key \"2026\" is wanted, and no credentials were passed; accepted is a \
             service with LoadCredential=card-token-2026:PATH",
        ),
        (
            "a key that is a path",
            "[cards]\ntoken-key-id = \"../x\"\n".to_owned(),
            "tillbus.toml:2:16: `token-key-id` is \"../x\"; accepted are up to 32 letters, digits and \
             hyphens, such as \"2026-11\"",
        ),
        (
            "an unknown key",
            "[cards]\nfinancial-card = \"allow\"\n".to_owned(),
            "tillbus.toml:2:1: unknown key `financial-card` in cards; did you mean `financial-cards`? \
             (accepted: allow-ranges, financial-cards, pan-masked, token-key-id)",
        ),
        (
            "in a device",
            format!("{DEVICE}[device.cards]\nfinancial-cards = 1\n"),
            "tillbus.toml:9:19: `financial-cards` is 1 (integer); accepted is a string",
        ),
        (
            "no table",
            "cards = 1\n".to_owned(),
            "tillbus.toml:1:9: `cards` is 1 (integer); accepted is a table",
        ),
    ];
    refuse("tillbus.toml", &rows);
}

#[test]
fn a_device_has_the_rules_of_its_own_over_those_of_all() {
    let text = format!(
        "[cards]\nfinancial-cards = \"masked\"\nallow-ranges = [\"6001\"]\n{DEVICE}[device.cards]\n\
         pan-masked = \"bin-and-last-four\"\n"
    );
    let config = Shop::with(&text).load().unwrap();
    let cards = &config.devices[0].cards;
    assert_eq!((cards.financial, cards.shown), (Some(Financial::Masked), Shown::Bin));
    assert!(cards.allow.hold("6001123412341234"));
    let without = text + "allow-ranges = []\n";
    let config = Shop::with(&without).load().unwrap();
    assert!(!config.devices[0].cards.allow.hold("6001123412341234"));
}

#[test]
fn a_key_comes_from_a_credential_and_is_not_shown() {
    let text = format!("[cards]\ntoken-key-id = \"2026-11\"\n{DEVICE}");
    let shop = Shop::with(&text).file("credentials/card-token-2026-11", KEY).with_credentials();
    let config = shop.load().unwrap();
    let token = config.devices[0].cards.token.clone().unwrap();
    assert_eq!((token.id.as_str(), token.key.expose()), ("2026-11", KEY));
    let shown = format!("{config:?}");
    assert!(shown.contains("2026-11") && !shown.contains("0123"), "{shown}");
}

#[test]
fn a_key_that_is_missing_or_short_is_refused() {
    let text = "[cards]\ntoken-key-id = \"2026-11\"\n";
    let error = Shop::with(text).with_credentials().load().unwrap_err();
    assert!(
        error.starts_with("tillbus.toml:2:16: the credential card-token-2026-11 cannot be read: "),
        "{error}"
    );
    let short = Shop::with(text).file("credentials/card-token-2026-11", b"short");
    assert_eq!(
        short.with_credentials().load().unwrap_err(),
        "tillbus.toml:2:16: the credential card-token-2026-11 has 5 bytes; accepted are 32 or more, \
         random ones"
    );
}

#[test]
fn the_issuer_is_never_shown_beside_a_token() {
    let text = "[cards]\ntoken-key-id = \"k\"\npan-masked = \"bin-and-last-four\"\n";
    let shop = Shop::with(text).file("credentials/card-token-k", KEY).with_credentials();
    assert_eq!(
        shop.load().unwrap_err(),
        "tillbus.toml:3:14: the first six digits are never shown beside a token; accepted is `pan-masked` \
         = \"last-four\", or no `token-key-id`"
    );
}
