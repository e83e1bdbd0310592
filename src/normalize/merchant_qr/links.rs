//! Links that pay a merchant: UPI's, which say how much and to whom, and those of wallets, which say it
//! to the wallet's own servers alone.
//!
//! Contract: pure. A declared table of how links begin, in any case, as codes in capitals are shorter.

use super::{Details, Meaning, Outcome, Reasons};
use crate::normalize::currency::Currency;

/// How a wallet's links begin, and whose they are.
const WALLETS: &[(&str, &str)] = &[
    // Alipay's answer to alipay.trade.precreate, and the codes that people print.
    ("https://qr.alipay.com/", "alipay"),
    // WeChat Pay's answer to a Native order.
    ("weixin://wxpay/bizpayurl", "wechat-pay"),
    // What WeChat prints for people and small shops.
    ("wxp://", "wechat-pay"),
    ("https://payapp.weixin.qq.com/qr/", "wechat-pay"),
    // UnionPay's answer to an order for a code.
    ("https://qr.95516.com/", "unionpay"),
];

pub(super) fn recognise(text: &str, why: &mut impl Reasons) -> Option<Meaning> {
    if let Some(query) = after("upi://pay?", text) {
        return Some(upi(query, why));
    }
    let (beginning, wallet) = WALLETS.iter().find(|(beginning, _)| {
        after(beginning, text).is_some_and(|rest| {
            !rest.is_empty() && !rest.chars().any(|one| one.is_whitespace() || one.is_control())
        })
    })?;
    why.note("link of a wallet", Outcome::Yes, || format!("it begins with {beginning}"));
    let mut details = Details::new("link");
    details.schemes(&[wallet]);
    Some(details.public())
}

/// What follows a beginning, in any case.
fn after<'a>(beginning: &str, text: &'a str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(beginning.len())?;
    start.eq_ignore_ascii_case(beginning).then_some(rest)
}

/// UPI's parameters (NPCI, UPI Linking Specification 1.6) and what they are called here.
const UPI: &[(&str, &str)] = &[
    ("pa", "account"),
    ("pn", "merchant-name"),
    ("mc", "category"),
    ("tr", "reference"),
    ("tid", "transaction"),
    ("tn", "purpose"),
    ("url", "url"),
];

fn upi(query: &str, why: &mut impl Reasons) -> Meaning {
    let parameters: Vec<(&str, String)> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter_map(|(name, value)| Some((name, unescaped(value)?)))
        .collect();
    let find = |wanted: &str| {
        let found = parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.as_str())
    };
    why.note("UPI link", Outcome::Yes, || format!("{} parameters", parameters.len()));
    let mut details = Details::new("upi");
    details.schemes(&["upi"]);
    for (name, detail) in UPI {
        details.text(detail, find(name));
    }
    // Rupees where nothing else is said: UPI had no other currency for long.
    if let Some(currency) = Currency::by_letters(find("cu").unwrap_or("INR")) {
        details.currency(currency);
        for (name, detail) in [("am", "amount"), ("mam", "least-amount")] {
            let amount = find(name).and_then(|amount| currency.minor_units(amount));
            details.counted(detail, amount.filter(|amount| *amount > 0));
        }
    } else {
        details.text("currency-text", find("cu"));
    }
    if find("sign").is_some() {
        details.word("signature", "unchecked");
    }
    details.public()
}

/// A value with its `%NN` and `+` undone; `None` where that is no text.
pub(crate) fn unescaped(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                let byte = digit(high)? * 16 + digit(low)?;
                bytes.push(u8::try_from(byte).ok()?);
                rest = after;
            }
            (b'%', _) => return None,
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{details_of, sensitivity_of};
    use super::*;
    use crate::event::Sensitivity;
    use crate::normalize::Silent;

    #[test]
    fn a_upi_link_says_whom_and_how_much() {
        let code = "upi://pay?pa=shop@upi&pn=Corner%20Shop&am=12.50&cu=INR&tr=A42&tn=Bon+42&mc=5411&sign=x";
        let want = [
            ("format", "upi"),
            ("schemes", "upi"),
            ("account", "shop@upi"),
            ("merchant-name", "Corner Shop"),
            ("category", "5411"),
            ("reference", "A42"),
            ("purpose", "Bon 42"),
            ("currency", "INR"),
            ("currency-exponent", "2"),
            ("amount", "1250"),
            ("signature", "unchecked"),
        ]
        .map(|(name, value)| (name, value.to_owned()));
        assert_eq!(details_of(code), want);
        assert_eq!(sensitivity_of(code), Sensitivity::Public);
        assert!(!details_of("UPI://PAY?pa=a@b&am=1.234").iter().any(|(name, _)| *name == "amount"));
    }

    #[test]
    fn links_of_wallets() {
        for (text, wallet) in [
            ("https://qr.alipay.com/bax03431ljhokirwl38f00a7", Some("alipay")),
            ("HTTPS://QR.ALIPAY.COM/FKX074142EKXD0OIMV8B60", Some("alipay")),
            ("weixin://wxpay/bizpayurl/up?pr=NwY5Mz9&groupid=00", Some("wechat-pay")),
            ("wxp://f2f0JG_gcoclfMI3", Some("wechat-pay")),
            ("https://qr.95516.com/00010000/01213270247009520084852952021972", Some("unionpay")),
            ("https://qr.alipay.com/", None),
            ("https://qr.alipay.com.example.org/x", None),
            ("wxp://a b", None),
            ("see https://qr.alipay.com/x", None),
        ] {
            let meaning = recognise(text, &mut Silent);
            let words = meaning.map(|meaning| format!("{:?}", meaning.details.last()));
            assert_eq!(words.is_some(), wallet.is_some(), "{text}");
            if let (Some(words), Some(wallet)) = (words, wallet) {
                assert!(words.contains(wallet), "{text}: {words}");
            }
        }
    }

    #[test]
    fn escapes() {
        for (value, want) in [
            ("a%20b+c", Some("a b c")),
            ("%E5%8C%97", Some("北")),
            ("%E5", None),
            ("%4", None),
            ("%+1", None),
            ("", Some("")),
        ] {
            assert_eq!(unescaped(value).as_deref(), want, "{value}");
        }
    }
}
