//! No text makes the reading of configuration panic, and what is refused has a place in the text.

use proptest::prelude::*;
use tillbus::profile::Profile;
use tillbus::settings::File;

use super::shop::{DEVICE, PROFILE, Shop};

/// Bits of configuration in any order and number: nearer to the readers than random text gets.
fn shuffled() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(
            DEVICE.lines().chain(PROFILE.lines()).map(str::to_owned).collect::<Vec<_>>()
        ),
        prop::sample::select(vec!["[device.line]", "[device.protocol]", "[access]", "[[device]]"])
            .prop_map(str::to_owned),
        ("[a-z]{1,8}|match|baud|scan|name", "[0-9]{1,20}|\"\\PC{0,6}\"|\\[\\]|\\{\\}|true|1e9|-1")
            .prop_map(|(key, value)| format!("{key} = {value}")),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|lines| lines.join("\n"))
}

/// A good text with a piece of it replaced.
fn damaged(good: &'static str) -> impl Strategy<Value = String> {
    (0..good.len(), 0..12_usize, "\\PC{0,4}").prop_map(move |(start, length, piece)| {
        let end = (start + length).min(good.len());
        format!("{}{piece}{}", &good[..start], &good[end..])
    })
}

fn check(main: &str) {
    let shop = Shop::with(main);
    let Err(errors) = shop.load() else { return };
    for error in errors.lines().filter(|line| line.starts_with("tillbus.toml:")) {
        let mut numbers = error.split(':').skip(1).map(|number| number.parse::<usize>().unwrap());
        let (line, column) = (numbers.next().unwrap(), numbers.next().unwrap());
        let length = main.split('\n').nth(line - 1).expect(error).chars().count();
        assert!((1..=length + 1).contains(&column), "{error}\n{main}");
    }
}

fn check_profile(text: String) {
    let file = File { name: "profile".to_owned(), text };
    let Ok(document) = file.parse() else { return };
    if let Err(errors) = Profile::read(&document.root(), "example-box") {
        assert!(!errors.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "\\PC*|[\\x00-\\x7F]*") {
        check(&text);
        check_profile(text);
    }

    #[test]
    fn bits_of_configuration(text in shuffled()) {
        check(&text);
        check_profile(text);
    }

    #[test]
    fn a_damaged_device(text in damaged(DEVICE)) {
        check(&text);
    }

    #[test]
    fn a_damaged_profile(text in damaged(PROFILE)) {
        check_profile(text);
    }
}
