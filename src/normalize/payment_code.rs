//! The code by which a customer pays.
//!
//! Contract: pure. Decided by the device's role, then the symbology, then the wallets' rules: a code
//! missed loses a sale, and a number wrongly taken for one loses whatever it was. What pays is a
//! secret, so what only may be one on a device for payments is treated as one, and says so.
//!
//! Sources and measured rates: `protocol-docs/payment-codes.md`.

pub mod ber_tlv;
pub mod emv_cpm;
pub mod wallet;

use std::fmt::Write as _;

use self::emv_cpm::{Application, Presented};
use self::wallet::{Rule, Standing};
use super::card::pan::Shown as Pan;
use super::card::{brand, pan};
use super::personal::resident_id;
use super::{Code, Meaning, Outcome, Reasons};
use crate::event::{Content, Detail, Role, Sensitivity, Symbology, Value};

/// The fewest and the most digits of any wallet's codes.
const FEWEST: usize = 16;
const MOST: usize = 32;
/// The digits of LINE Pay's codes outside Taiwan: fewer than anybody else's.
const SHORT: usize = 12;

/// How sure it is that a code is a payment code, and this wallet's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confidence {
    /// Its structure proves it.
    Certain,
    /// A wallet's rule fits, where payment codes are expected.
    Likely,
    /// It may be one, and much else may look alike.
    Possible,
}

impl Confidence {
    /// The word used on the bus.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Likely => "likely",
            Self::Possible => "possible",
        }
    }
}

/// What a symbology says of a code in it. Wallets show QR codes and Code 128.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// As wallets do.
    AsWalletsDo,
    /// The device does not say.
    Unnamed,
    /// Otherwise.
    Otherwise,
    /// As goods are marked.
    AsGoodsAre,
}

impl From<Symbology> for Shown {
    fn from(symbology: Symbology) -> Self {
        use Symbology as S;
        match symbology {
            S::Unknown => Self::Unnamed,
            S::Qr | S::Code128 => Self::AsWalletsDo,
            S::Ean13 | S::Ean8 | S::Ean13AddOn | S::Ean8AddOn | S::AddOn2 | S::AddOn5 => {
                Self::AsGoodsAre
            }
            S::UpcA | S::UpcE | S::UpcAAddOn | S::UpcEAddOn => Self::AsGoodsAre,
            S::UpcD1 | S::UpcD2 | S::UpcD3 | S::UpcD4 | S::UpcD5 => Self::AsGoodsAre,
            S::Itf | S::Databar | S::DatabarExpanded | S::DatabarLimited => Self::AsGoodsAre,
            S::Composite | S::CompositeA | S::CompositeB | S::CompositeC => Self::AsGoodsAre,
            S::Gs1Code128 | S::Gs1DataMatrix | S::Gs1Qr | S::Gs1Aztec => Self::AsGoodsAre,
            S::Gs1DotCode | S::Gs1HanXin | S::Gs1Code16K | S::Gs1CodablockF => Self::AsGoodsAre,
            _ => Self::Otherwise,
        }
    }
}

/// A payment code that is some wallet's.
pub(super) fn recognise(code: &Code<'_>, why: &mut impl Reasons) -> Option<Meaning> {
    if let Some(presented) = emv_cpm::read(code.bytes) {
        return Some(consumer_presented(&presented, why));
    }
    let text = digits(code, FEWEST)?;
    let shown = expected(code, why)?;
    let Some(rule) = wallet::of(code.bytes) else {
        why.note("wallet", Outcome::No, || {
            format!("no wallet's codes are known to begin so at {} digits", code.bytes.len())
        });
        return None;
    };
    let confidence = confidence(code, shown, rule, why)?;
    why.note("wallet", Outcome::Yes, || {
        format!("{} digits that begin as those of {} do", code.bytes.len(), rule.wallet)
    });
    let mut details =
        vec![("wallet", rule.wallet.into()), ("confidence", confidence.word().into())];
    if let Some((issuer, business)) = wallet::alipay_plus(rule, text) {
        details.push(("code-issuer", Value::from(issuer.to_owned())));
        details.push(("business-type", Value::from(business.to_owned())));
    }
    Some(Meaning { life: rule.life, ..bearer(details) })
}

/// A payment code of a wallet that is not known here: on a device for payments a number that nothing
/// else knows is one. Asked last, so that the shop's own numbers come first.
///
/// One that may just as well be a card's number is card data, and a payment code all the same: a tenth of
/// the codes that begin so have the right check digit. `financial-cards` does not govern it, since that
/// would cost the sale.
pub(super) fn unlisted(code: &Code<'_>, why: &mut impl Reasons) -> Option<Meaning> {
    if code.rules.role != Role::Payment {
        return None;
    }
    let number = digits(code, SHORT)?;
    let shown = Shown::from(code.symbology);
    let fits = match code.bytes.len() {
        // Unnamed it may just as well be an article number.
        SHORT => shown == Shown::AsWalletsDo,
        FEWEST..=MOST => shown != Shown::AsGoodsAre,
        _ => false,
    };
    if !fits {
        return None;
    }
    why.note("wallet not known", Outcome::Yes, || {
        format!("{} digits on a device for payments, and nothing else", code.bytes.len())
    });
    let details =
        vec![("wallet", "unknown".into()), ("confidence", Confidence::Possible.word().into())];
    let Some(brand) = card_of(number, code) else { return Some(bearer(details)) };
    why.note("card number", Outcome::Yes, || {
        format!(
            "it may be one that {brand} gives out, too, and its check digit is right (ISO/IEC 7812-1): it is \
             shown masked, and all of it is handed out by Take"
        )
    });
    Some(Meaning {
        sensitivity: Sensitivity::Card,
        masked: Some(pan::masked(number, Pan::LastFour)),
        details: [details, vec![("takeable", Value::Flag(true))]].concat(),
        ..Meaning::of(Content::PaymentCode)
    })
}

/// Whose card's number digits may be that are none of the shop's own.
fn card_of(number: &str, code: &Code<'_>) -> Option<&'static str> {
    let digits = number.as_bytes();
    let is_one = pan::LENGTHS.contains(&digits.len())
        && pan::passes_luhn(digits)
        && !code.rules.cards.allow.hold(number);
    brand::of(digits).filter(|_| is_one).map(|brand| brand.word)
}

/// The code as digits, where it has no others and so many.
fn digits<'a>(code: &Code<'a>, fewest: usize) -> Option<&'a str> {
    let fits =
        (fewest..=MOST).contains(&code.bytes.len()) && code.bytes.iter().all(u8::is_ascii_digit);
    code.text.filter(|_| fits)
}

/// How digits are shown, where payment codes are expected at all.
fn expected(code: &Code<'_>, why: &mut impl Reasons) -> Option<Shown> {
    let shown = Shown::from(code.symbology);
    let refusal = match (code.rules.role, shown) {
        (Role::Goods, _) => "the device is for goods, and digits alone pay nothing there",
        (_, Shown::AsGoodsAre) => "wallets use no symbology that marks goods",
        (Role::Both, Shown::Otherwise) => "wallets show QR codes and Code 128",
        _ => return Some(shown),
    };
    why.note("payment code expected", Outcome::No, || refusal.to_owned());
    None
}

/// How sure it is; `None` where something else is likelier.
fn confidence(
    code: &Code<'_>,
    shown: Shown,
    rule: &Rule,
    why: &mut impl Reasons,
) -> Option<Confidence> {
    let person = resident_id::is_valid(code.bytes);
    let refusal = match (code.rules.role, rule.standing) {
        // One in 18,000 of such codes passes as an identity number, and no identity number fails.
        (Role::Both, _) | (_, Standing::Legacy) if person => {
            "it passes every check of a resident identity number"
        }
        (Role::Both, Standing::Legacy) => "too much else looks like this wallet's codes",
        (Role::Both, Standing::Reserved) if code.bytes.len() > 24 => {
            "no wallet gives out codes of this length yet"
        }
        (Role::Payment, Standing::Current) if !person => return Some(Confidence::Likely),
        (Role::Both, Standing::Current) if shown == Shown::AsWalletsDo => {
            return Some(Confidence::Likely);
        }
        _ => return Some(Confidence::Possible),
    };
    why.note("payment code likelier than others", Outcome::No, || refusal.to_owned());
    None
}

/// Whoever has the code can pay with it.
fn bearer(details: Vec<Detail>) -> Meaning {
    Meaning { sensitivity: Sensitivity::Bearer, details, ..Meaning::of(Content::PaymentCode) }
}

/// A payment code and a card: on every device, since its structure leaves no doubt.
fn consumer_presented(presented: &Presented, why: &mut impl Reasons) -> Meaning {
    let confidence = if presented.whole { Confidence::Certain } else { Confidence::Possible };
    why.note("EMVCo consumer-presented code", Outcome::Yes, || {
        let count = presented.applications.len();
        let state = if presented.whole { "whole" } else { "cut off or damaged" };
        format!("it begins with the indicator CPV, offers {count} applications and is {state}")
    });
    let last_four = presented.applications.iter().find_map(|found| found.last_four.as_deref());
    let applications = presented.applications.iter().map(shown).collect();
    Meaning {
        sensitivity: Sensitivity::Card,
        masked: Some(masked(last_four)),
        details: vec![
            ("wallet", "emv".into()),
            ("confidence", confidence.word().into()),
            ("applications", Value::List(applications)),
        ],
        ..Meaning::of(Content::PaymentCode)
    }
}

/// What may be shown of an application.
fn shown(application: &Application) -> Value {
    let aid = application.aid.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02X}");
        text
    });
    let mut entries = vec![("aid".into(), Value::from(aid))];
    if let Some(label) = &application.label {
        entries.push(("label".into(), Value::from(label.clone())));
    }
    if let Some(last_four) = &application.last_four {
        entries.push(("pan-masked".into(), Value::from(masked(Some(last_four)))));
    }
    Value::Map(entries)
}

/// A card number as it may be shown; how long it is stays hidden too.
fn masked(last_four: Option<&str>) -> String {
    format!("************{}", last_four.unwrap_or("****"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::{Rules, Step};

    fn recognised(role: Role, symbology: Symbology, bytes: &[u8]) -> Option<Meaning> {
        let rules = Rules { role, ..Rules::default() };
        let text = std::str::from_utf8(bytes).ok();
        let code = Code { symbology, aim: None, bytes, text, rules: &rules };
        let mut why: Vec<Step> = Vec::new();
        let meaning = recognise(&code, &mut why).or_else(|| unlisted(&code, &mut why));
        let told: String = why.iter().map(|step| format!("{} {}", step.rule, step.why)).collect();
        assert!(!told.contains(&String::from_utf8_lossy(bytes).into_owned()), "{told}");
        meaning
    }

    /// The wallet and the confidence.
    fn verdict(role: Role, symbology: Symbology, code: &str) -> Option<(String, String)> {
        let meaning = recognised(role, symbology, code.as_bytes())?;
        assert_eq!(meaning.content, Content::PaymentCode);
        let word = |name| {
            let found = meaning.details.iter().find(|(known, _)| *known == name);
            match &found.unwrap().1 {
                Value::Text(text) => text.clone().into_owned(),
                other => panic!("{other:?}"),
            }
        };
        Some((word("wallet"), word("confidence")))
    }

    #[test]
    fn by_role_then_symbology_then_rule() {
        use Role::{Both, Goods, Payment};
        use Symbology::{Code128, DataMatrix, Ean13, Gs1Code128, Itf, Qr, Unknown};
        // Codes of documentations: WeChat Pay's and Alipay's from the parameter `auth_code` in
        // integrators' examples, Alipay+'s from its page on the code format.
        let wechat = "135112298638468293";
        let alipay = "289431869362714645";
        let plus = "251001020123456789012345";
        let quickpass = "6220485073630469936";
        // 18 digits and 13 to 15 are those of other numbers.
        let line = "381311008781708305";
        for (name, role, symbology, code, want) in [
            ("WeChat Pay", Payment, Unknown, wechat, Some(("wechat-pay", "likely"))),
            ("WeChat Pay in a QR code", Both, Qr, wechat, Some(("wechat-pay", "likely"))),
            ("in Code 128", Both, Code128, wechat, Some(("wechat-pay", "likely"))),
            ("unnamed on both", Both, Unknown, wechat, Some(("wechat-pay", "possible"))),
            ("never on goods", Goods, Qr, wechat, None),
            ("as goods are marked", Payment, Gs1Code128, wechat, None),
            ("as no wallet shows it, on both", Both, DataMatrix, wechat, None),
            ("on payments", Payment, DataMatrix, wechat, Some(("wechat-pay", "likely"))),
            ("Alipay", Payment, Unknown, alipay, Some(("alipay", "likely"))),
            ("Alipay+", Both, Code128, plus, Some(("alipay-plus", "likely"))),
            ("UnionPay", Payment, Qr, quickpass, Some(("unionpay", "likely"))),
            (
                "UnionPay that passes Luhn",
                Payment,
                Unknown,
                "6220485073630469939",
                Some(("unionpay", "likely")),
            ),
            ("kept for later", Both, Qr, "28000000000000000000", Some(("alipay", "possible"))),
            ("25 digits on both", Both, Qr, "2800000000000000000000000", None),
            (
                "25 digits on payments",
                Payment,
                Qr,
                "2800000000000000000000000",
                Some(("alipay-plus", "possible")),
            ),
            ("legacy", Payment, Code128, "3100000000000000", Some(("baidu", "possible"))),
            ("legacy on both", Both, Code128, "3100000000000000", None),
            ("an unlisted wallet", Payment, Code128, line, Some(("unknown", "possible"))),
            ("an unlisted wallet on both", Both, Code128, line, None),
            ("twelve digits", Payment, Qr, "381311008781", Some(("unknown", "possible"))),
            ("twelve digits, unnamed", Payment, Unknown, "381311008781", None),
            ("an in-store article", Payment, Ean13, "2812345678906", None),
            ("thirteen digits from 28", Payment, Unknown, "2812345678905", None),
            ("a carton", Payment, Itf, "28123456789012345678", None),
            ("letters", Payment, Qr, "13511229863846829A", None),
            ("too many", Payment, Qr, "281234567890123456789012345678901", None),
        ] {
            let want = want.map(|(wallet, sure): (&str, &str)| (wallet.into(), sure.into()));
            assert_eq!(verdict(role, symbology, code), want, "{name}");
        }
    }

    #[test]
    fn an_identity_number_pays_only_where_nothing_else_is_scanned() {
        // The example of the standard's check digit: GB 11643-1999, Annex A.
        let person = "11010519491231002X";
        // The same with a birth date whose check digit is one, so that it is digits alone.
        let digits = "110105194912310038";
        assert!(
            resident_id::is_valid(person.as_bytes()) && resident_id::is_valid(digits.as_bytes())
        );
        for (role, code, want) in [
            (Role::Payment, digits, Some(("wechat-pay".into(), "possible".into()))),
            (Role::Both, digits, None),
            (Role::Goods, digits, None),
            (Role::Payment, person, None),
        ] {
            assert_eq!(verdict(role, Symbology::Qr, code), want, "{role:?}");
        }
    }

    #[test]
    fn an_unlisted_code_that_may_be_a_card_s_number_is_masked() {
        for (code, masked) in [
            ("4111111111111111", Some("************1111")),
            ("6759649826438453", Some("************8453")),
            ("4111111111111112", None),
            ("9011111111111111", None),
        ] {
            let meaning = recognised(Role::Payment, Symbology::Qr, code.as_bytes()).unwrap();
            assert_eq!(meaning.content, Content::PaymentCode, "{code}");
            assert_eq!(meaning.masked.as_deref(), masked, "{code}");
            let is_card = meaning.sensitivity == Sensitivity::Card;
            assert_eq!((is_card, meaning.wiped), (masked.is_some(), false), "{code}");
            let told = format!("{meaning:?}");
            assert!(told.contains("unknown") && !told.contains(code), "{told}");
        }
    }

    #[test]
    fn alipay_plus_says_whose_it_is_and_not_who_pays() {
        let code = "251001020123456789012345";
        let meaning = recognised(Role::Payment, Symbology::Qr, code.as_bytes()).unwrap();
        assert!(meaning.details.contains(&("code-issuer", Value::from("251001".to_owned()))));
        assert!(meaning.details.contains(&("business-type", Value::from("02".to_owned()))));
        assert!(!format!("{meaning:?}").contains("0123456789012345"));
    }

    #[test]
    fn a_consumer_presented_code_is_a_card_on_every_device() {
        let code = b"hQVDUFYwMWETTwegAAAAVVVVUAhQcm9kdWN0MWETTwegAAAAZmZmUAhQcm9kdWN0MmJJWggSNFZ4kBI0WF8gDkNBUkRIT0xERVIvRU1WXy0IcnVlc2RlZW5kIZ8QBwYBCgMAAACfJghYT9OF+iNLzJ82AgABnzcEbVjvEw==";
        for role in [Role::Goods, Role::Payment, Role::Both] {
            let meaning = recognised(role, Symbology::Qr, code).unwrap();
            assert_eq!(meaning.sensitivity, Sensitivity::Card);
            assert_eq!(meaning.masked.as_deref(), Some("************3458"));
            let told = format!("{meaning:?}");
            assert!(told.contains("A0000000555555") && told.contains("Product1"), "{told}");
            assert!(told.contains("certain") && meaning.life.is_none(), "{told}");
            for secret in ["12345678", "CARDHOLDER", "584FD385"] {
                assert!(!told.contains(secret), "{told}");
            }
        }
        let cut = recognised(Role::Goods, Symbology::Qr, &code[..60]).unwrap();
        assert_eq!(cut.sensitivity, Sensitivity::Card);
        assert!(cut.details.contains(&("confidence", "possible".into())));
    }
}
