//! `[content]`: what the shop's own codes look like, and what is wrong with it.

use super::shop::{DEVICE, Row, Shop, refuse};

#[test]
fn a_wrong_code_is_told_with_its_place() {
    let rows: [Row; 7] = [
        (
            "a mask",
            "[content]\nvariable-measure = [\"21IIIIIWWwwwC\", \"21IIIIIXXXXXC\"]\n".to_owned(),
            "tillbus.toml:2:38: `variable-measure`: 'X' stands for nothing; accepted are 0 to 9, `.`, \
             I, P, p, W, w, Q, V and C",
        ),
        (
            "a prefix of the world's",
            "[content]\nvariable-measure = \"40IIIIIWWwwwC\"\n".to_owned(),
            "tillbus.toml:2:20: `variable-measure`: the first digits are not a shop's to give out; \
             accepted are 02, 04 and 20 to 29, in 12 places 2 and 4, in 8 places 0 and 2",
        ),
        (
            "a pattern that matches nothing",
            "[content]\norder-number = \"x*\"\n".to_owned(),
            "tillbus.toml:2:16: `order-number`: \"x*\" matches nothing at all; accepted is a pattern \
             of something",
        ),
        (
            "a letter for a separator",
            "[content]\ngs1-separator = \"G\"\n".to_owned(),
            "tillbus.toml:2:17: `gs1-separator`: \"G\" cannot be told from data; accepted is a sign \
             such as | or a text such as <GS>",
        ),
        (
            "no string",
            "[content]\norder-number = 5\n".to_owned(),
            "tillbus.toml:2:16: `order-number` is 5 (integer); accepted is a string",
        ),
        (
            "an unknown key",
            "[content]\norder-numbers = \"x\"\n".to_owned(),
            "tillbus.toml:2:1: unknown key `order-numbers` in content; did you mean `order-number`? \
             (accepted: gs1-separator, order-number, variable-measure)",
        ),
        (
            "in a device",
            format!("{DEVICE}[device.content]\ngs1-separator = [\"\"]\n"),
            "tillbus.toml:9:18: `gs1-separator`: \"\" cannot be told from data; accepted is a sign such \
             as | or a text such as <GS>",
        ),
    ];
    refuse("tillbus.toml", &rows);
}

#[test]
fn a_pattern_that_is_none_is_told() {
    let shop = Shop::with("[content]\norder-number = [\"A\", \"R-(\"]\n");
    let error = shop.load().unwrap_err();
    assert!(
        error.starts_with("tillbus.toml:2:22: `order-number`: \"R-(\" is no pattern ("),
        "{error}"
    );
    assert!(error.ends_with("accepted are regular expressions such as R-[0-9]{8}"), "{error}");
}

#[test]
fn a_device_has_the_shops_codes_key_by_key() {
    let content = "[content]\nvariable-measure = \"21IIIIIWWwwwC\"\norder-number = \"R-[0-9]+\"\n";
    let other = DEVICE.replace("lane1-box", "lane2-box").replace("ttyS1", "ttyS2");
    let own = "[device.content]\norder-number = []\ngs1-separator = \"|\"\n";
    let shop = Shop::with(&format!("{DEVICE}{other}{own}"));
    let shop = shop.file("tillbus.toml.d/10.toml", content);
    let config = shop.load().unwrap();
    let [first, second] = &config.devices[..] else { panic!("two devices") };
    assert_eq!(first.shop.variable_measure, second.shop.variable_measure);
    assert_ne!(first.shop.variable_measure, Default::default());
    assert_ne!(first.shop.order_numbers, Default::default());
    assert_eq!(second.shop.order_numbers, Default::default());
    assert_ne!(second.shop.separators, first.shop.separators);
}

#[test]
fn a_changed_code_is_a_changed_device() {
    let load = |content: &str| Shop::with(&format!("{DEVICE}{content}")).load().unwrap();
    let plain = load("");
    for content in [
        "[content]\nvariable-measure = \"21IIIIIWWwwwC\"\n",
        "[content]\norder-number = \"R-[0-9]+\"\n",
        "[device.content]\ngs1-separator = \"|\"\n",
    ] {
        assert_ne!(load(content), plain, "{content}");
        assert_eq!(load(content), load(content), "{content}");
    }
    let again = load("[content]\norder-number = []\n");
    assert_eq!(again, plain, "an empty list is nothing");
}
