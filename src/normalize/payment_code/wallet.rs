//! The wallets' own rules: how long their codes are and what they begin with.
//!
//! Contract: one table. Only what a document says, or two independent sources; all else is *Not
//! confirmed* in `protocol-docs/payment-codes.md`. The first row that fits decides.

use std::ops::RangeInclusive;
use std::time::Duration;

/// How sure a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// In use, by the wallet's own document.
    Current,
    /// Given out by the document and kept for later.
    Reserved,
    /// Of a wallet that is hardly seen any more, with a rule that much else fits.
    Legacy,
}

/// What codes of a wallet look like.
#[derive(Debug)]
pub struct Rule {
    /// The wallet, as the bus has it.
    pub wallet: &'static str,
    /// How many digits.
    lengths: RangeInclusive<usize>,
    /// The first two digits.
    heads: RangeInclusive<u8>,
    /// How sure that is.
    pub standing: Standing,
    /// How long a code lives at most, where the wallet documents it.
    pub life: Option<Duration>,
}

const fn rule(
    wallet: &'static str,
    lengths: RangeInclusive<usize>,
    heads: RangeInclusive<u8>,
    standing: Standing,
    life: Option<Duration>,
) -> Rule {
    Rule { wallet, lengths, heads, standing, life }
}

use Standing::{Current, Legacy, Reserved};

/// The sources stand in `protocol-docs/payment-codes.md`, row by row.
const RULES: [Rule; 8] = [
    rule("wechat-pay", 18..=18, 10..=15, Current, Some(Duration::from_secs(60))),
    rule(ALIPAY_PLUS, 24..=24, 25..=30, Current, None),
    rule("alipay", 16..=19, 25..=30, Current, None),
    rule("alipay", 20..=23, 25..=30, Reserved, None),
    rule(ALIPAY_PLUS, 25..=32, 25..=30, Reserved, None),
    rule("unionpay", 19..=19, 62..=62, Current, None),
    rule("baidu", 16..=18, 31..=31, Legacy, None),
    rule("bestpay", 18..=18, 51..=51, Legacy, None),
];

const ALIPAY_PLUS: &str = "alipay-plus";

/// The rule that these digits fit.
#[must_use]
pub fn of(digits: &[u8]) -> Option<&'static Rule> {
    let &[tens @ b'0'..=b'9', ones @ b'0'..=b'9', ..] = digits else { return None };
    let head = (tens - b'0') * 10 + (ones - b'0');
    RULES.iter().find(|rule| rule.lengths.contains(&digits.len()) && rule.heads.contains(&head))
}

/// Whose an Alipay+ code is and for what: the identifiers of its issuer and of its kind of business.
/// What follows them is the customer's and a secret.
#[must_use]
pub fn alipay_plus<'a>(rule: &Rule, digits: &'a str) -> Option<(&'a str, &'a str)> {
    if rule.wallet != ALIPAY_PLUS || rule.standing != Current {
        return None;
    }
    Some((digits.get(..6)?, digits.get(6..8)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `head` and zeros to this length.
    fn digits(head: &str, length: usize) -> String {
        format!("{head:0<length$}")
    }

    #[test]
    fn lengths_and_heads() {
        for (head, lengths, wallet) in [
            ("10", &[18][..], "wechat-pay"),
            ("15", &[18], "wechat-pay"),
            ("25", &[16, 17, 18, 19, 20, 21, 22, 23], "alipay"),
            ("28", &[16, 17, 18, 19, 20, 21, 22, 23], "alipay"),
            ("30", &[16, 17, 18, 19, 20, 21, 22, 23], "alipay"),
            ("25", &[24, 25, 32], "alipay-plus"),
            ("30", &[24, 25, 32], "alipay-plus"),
            ("62", &[19], "unionpay"),
            ("31", &[16, 17, 18], "baidu"),
            ("51", &[18], "bestpay"),
        ] {
            for length in lengths {
                let found = of(digits(head, *length).as_bytes()).map(|rule| rule.wallet);
                assert_eq!(found, Some(wallet), "{length} digits from {head}");
            }
        }
    }

    #[test]
    fn what_fits_no_rule() {
        for (name, code) in [
            ("an in-store article number", digits("28", 13)),
            ("fifteen digits from 28", digits("28", 15)),
            ("thirty-three digits from 28", digits("28", 33)),
            ("eighteen digits from 16", digits("16", 18)),
            ("eighteen digits from 09", digits("09", 18)),
            ("nineteen digits from 10", digits("10", 19)),
            ("seventeen digits from 10", digits("10", 17)),
            ("sixteen digits from 24", digits("24", 16)),
            ("nineteen digits from 31", digits("31", 19)),
            ("nineteen digits from 51", digits("51", 19)),
            ("eighteen digits from 62", digits("62", 18)),
            ("nothing", String::new()),
        ] {
            assert!(of(code.as_bytes()).is_none(), "{name}");
        }
    }

    #[test]
    fn only_wechat_says_how_long_a_code_lives() {
        for rule in &RULES {
            let want = (rule.wallet == "wechat-pay").then_some(Duration::from_secs(60));
            assert_eq!(rule.life, want, "{}", rule.wallet);
        }
    }
}
