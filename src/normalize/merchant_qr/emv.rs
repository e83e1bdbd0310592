//! The EMVCo merchant-presented code, taken apart and put together.
//!
//! Contract: pure. EMV QR Code Specification for Payment Systems, Merchant-Presented Mode, version 1.1;
//! section and table numbers are its. [`read`] takes what generators really write and says what is odd
//! about it; [`write`](super::compose::emv) writes only what the specification allows. What one wrote
//! the other reads back.

use super::schemes::{self, Scheme};
use super::tlv::{self, Field, Lengths};
use crate::normalize::currency::Currency;

/// What every such code begins with: field 00, two characters, version 01.
pub const BEGINNING: &str = "000201";

/// Field numbers (table 3.4).
pub(super) mod id {
    pub(crate) const VERSION: u8 = 0;
    pub(crate) const INITIATION: u8 = 1;
    pub(crate) const FIRST_ACCOUNT: u8 = 2;
    pub(crate) const FIRST_TEMPLATE: u8 = 26;
    pub(crate) const LAST_ACCOUNT: u8 = 51;
    pub(crate) const CATEGORY: u8 = 52;
    pub(crate) const CURRENCY: u8 = 53;
    pub(crate) const AMOUNT: u8 = 54;
    pub(crate) const TIP: u8 = 55;
    pub(crate) const FEE: u8 = 56;
    pub(crate) const FEE_PERCENT: u8 = 57;
    pub(crate) const COUNTRY: u8 = 58;
    pub(crate) const NAME: u8 = 59;
    pub(crate) const CITY: u8 = 60;
    pub(crate) const POSTAL_CODE: u8 = 61;
    pub(crate) const ADDITIONAL: u8 = 62;
    pub(crate) const CHECKSUM: u8 = 63;
    pub(crate) const LANGUAGE: u8 = 64;
    pub(crate) const FIRST_UNRESERVED: u8 = 80;
}

/// What stands before the four digits of the checksum.
pub(super) const CHECKSUM_HEAD: &str = "6304";

/// What a code says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    /// Whether it is for one payment or for any number of them (01).
    pub initiation: Option<Initiation>,
    /// Where the money goes (02 to 51); a code may offer several.
    pub accounts: Vec<Account>,
    /// The merchant's category, four digits of ISO 18245 (52).
    pub category: Option<String>,
    /// The currency (53).
    pub currency: Option<Currency>,
    /// The amount in minor units (54); absent where the payer enters it.
    pub amount: Option<u64>,
    /// Whether there is something to be added (55 to 57).
    pub tip: Option<Tip>,
    /// The country, two letters (58).
    pub country: Option<String>,
    /// The merchant's name (59).
    pub name: Option<String>,
    /// The merchant's city (60).
    pub city: Option<String>,
    /// The merchant's postal code (61).
    pub postal_code: Option<String>,
    /// What else belongs to the payment (62), by the numbers of table 3.7.
    pub additional: Vec<(u8, String)>,
    /// The merchant in another language (64).
    pub local: Option<Local>,
    /// Whatever a scheme has of its own (80 to 99).
    pub unreserved: Vec<Account>,
}

/// For how many payments a code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiation {
    /// For any number (11).
    Static,
    /// For one (12).
    Dynamic,
}

impl Initiation {
    /// The word used on the bus.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Dynamic => "dynamic",
        }
    }
}

/// Something to be added to the amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tip {
    /// The payer is asked for a tip (01).
    Prompt,
    /// A fee, in minor units (02 and 56).
    Fixed(u64),
    /// A fee, in hundredths of a percent (03 and 57).
    Percentage(u16),
}

/// A merchant account, or what a scheme keeps under a number of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The field's number.
    pub id: u8,
    /// What it holds.
    pub holds: Holds,
}

/// What the field of an account holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// A merchant's number in a card network, or whatever is no template.
    Plain(String),
    /// A template: the identifier of its scheme (00), and the other fields.
    Template(String, Vec<(u8, String)>),
}

impl Account {
    /// A template of a scheme.
    #[must_use]
    pub fn of(scheme: &Scheme, id: u8, fields: Vec<(u8, String)>) -> Self {
        Self { id, holds: Holds::Template(scheme.identifier.to_owned(), fields) }
    }

    /// The scheme, where its identifier is known.
    #[must_use]
    pub fn scheme(&self) -> Option<&'static Scheme> {
        match &self.holds {
            Holds::Template(identifier, _) => schemes::by_identifier(identifier),
            Holds::Plain(_) => None,
        }
    }
}

/// The merchant in another language (table 3.8).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Local {
    /// The language, two letters (00).
    pub language: String,
    /// The name (01).
    pub name: String,
    /// The city (02).
    pub city: Option<String>,
}

/// A code that has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// What it says.
    pub payload: Payload,
    /// The verdict on its checksum.
    pub checksum: Checksum,
    /// What in it is not as the specification has it, by field number; the field is left out.
    pub odd: Vec<(u8, &'static str)>,
    /// The amount as it stands there, where it could not be read.
    pub amount_text: Option<String>,
    /// The currency as it stands there, where it is not known.
    pub currency_text: Option<String>,
}

/// The verdict on a checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// It is right.
    Right,
    /// It is there and wrong: something in the code is not what the merchant wrote.
    Wrong,
    /// There is none.
    Missing,
}

impl Checksum {
    /// The word used on the bus.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Missing => "missing",
        }
    }
}

/// CRC-16/CCITT-FALSE (4.7.3): polynomial 1021, start FFFF, most significant bit first.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

/// The verdict on the checksum at the end of a code. It is of the text in UTF-8; a device that sends
/// another encoding may have had that from the code or made it itself, so the bytes may be right too.
#[must_use]
pub fn verdict(text: &str, bytes: &[u8]) -> Checksum {
    let Some((body, digits)) = text.len().checked_sub(4).and_then(|at| text.split_at_checked(at))
    else {
        return Checksum::Missing;
    };
    if !body.ends_with(CHECKSUM_HEAD) || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Checksum::Missing;
    }
    let given = u16::from_str_radix(digits, 16).ok();
    let sent = bytes.len().checked_sub(4).and_then(|at| bytes.get(..at)).unwrap_or_default();
    if given == Some(checksum(body.as_bytes())) || given == Some(checksum(sent)) {
        Checksum::Right
    } else {
        Checksum::Wrong
    }
}

/// Reads a code; `None` where it is none. `bytes` are those that `text` was decoded from.
#[must_use]
pub fn read(text: &str, bytes: &[u8]) -> Option<Read> {
    if !text.starts_with(BEGINNING) {
        return None;
    }
    let characters = tlv::fields(text, Lengths::Characters);
    let (fields, lengths) = match characters {
        Ok(fields) => (fields, Lengths::Characters),
        Err(_) => (tlv::fields(text, Lengths::Bytes).ok()?, Lengths::Bytes),
    };
    let has =
        |ids: std::ops::RangeInclusive<u8>| fields.iter().any(|field| ids.contains(&field.id));
    let pays = has(id::FIRST_ACCOUNT..=id::LAST_ACCOUNT);
    let is_code = has(id::CHECKSUM..=id::CHECKSUM)
        || (pays && has(id::CATEGORY..=id::CURRENCY) && has(id::COUNTRY..=id::COUNTRY));
    if !is_code {
        return None;
    }
    let mut reader = Reader::new(lengths);
    for field in &fields {
        reader.field(*field);
    }
    if lengths == Lengths::Bytes {
        reader.read.odd.push((id::VERSION, "lengths count bytes"));
    }
    let mut read = reader.finish();
    read.checksum = verdict(text, bytes);
    if read.checksum == Checksum::Missing && has(id::CHECKSUM..=id::CHECKSUM) {
        // It has to be the last field (4.7.3).
        read.checksum = Checksum::Wrong;
    }
    Some(read)
}

/// Where a code that begins as one stops being made of fields, where it ends in a checksum all the same.
#[must_use]
pub fn damage(text: &str, bytes: &[u8]) -> Option<(usize, Checksum)> {
    if !text.starts_with(BEGINNING) {
        return None;
    }
    let malformed = tlv::fields(text, Lengths::Characters).err()?;
    let verdict = verdict(text, bytes);
    (verdict != Checksum::Missing).then_some((malformed.at, verdict))
}

/// Puts the fields in their places.
struct Reader {
    lengths: Lengths,
    read: Read,
    seen: Vec<u8>,
    tip: Option<String>,
    fee: Option<String>,
    fee_percent: Option<String>,
}

impl Reader {
    fn new(lengths: Lengths) -> Self {
        let read = Read {
            payload: Payload::default(),
            checksum: Checksum::Missing,
            odd: Vec::new(),
            amount_text: None,
            currency_text: None,
        };
        Self { lengths, read, seen: Vec::new(), tip: None, fee: None, fee_percent: None }
    }

    fn field(&mut self, field: Field<'_>) {
        let Field { id, value } = field;
        if self.seen.contains(&id) {
            self.odd(id, "comes twice; the first counts");
            return;
        }
        self.seen.push(id);
        let own = || Some(value.to_owned());
        let payload = &mut self.read.payload;
        match id {
            id::INITIATION => self.initiation(value),
            id::FIRST_ACCOUNT..=id::LAST_ACCOUNT => {
                let account = account(id, value, self.lengths);
                payload.accounts.push(account);
            }
            id::CATEGORY => payload.category = own(),
            id::CURRENCY => {
                payload.currency = Currency::by_digits(value);
                self.read.currency_text = own();
            }
            id::AMOUNT => self.read.amount_text = own(),
            id::TIP => self.tip = own(),
            id::FEE => self.fee = own(),
            id::FEE_PERCENT => self.fee_percent = own(),
            id::COUNTRY => payload.country = own(),
            id::NAME => payload.name = own(),
            id::CITY => payload.city = own(),
            id::POSTAL_CODE => payload.postal_code = own(),
            id::ADDITIONAL => match pairs(value, self.lengths) {
                Some(pairs) => payload.additional = pairs,
                None => self.odd(id, "is not made of fields"),
            },
            id::LANGUAGE => match local(value, self.lengths) {
                Some(local) => payload.local = Some(local),
                None => self.odd(id, "has no language or no name"),
            },
            id::FIRST_UNRESERVED.. => {
                let account = account(id, value, self.lengths);
                payload.unreserved.push(account);
            }
            _ => {}
        }
    }

    fn odd(&mut self, id: u8, what: &'static str) {
        self.read.odd.push((id, what));
    }

    fn initiation(&mut self, value: &str) {
        // The first digit is how the code reaches the payer: 1 for an image, 2 and 3 for radio, which
        // PromptPay has.
        self.read.payload.initiation = match value {
            "11" | "21" | "31" => Some(Initiation::Static),
            "12" | "22" | "32" => Some(Initiation::Dynamic),
            _ => None,
        };
        if self.read.payload.initiation.is_none() {
            self.odd(id::INITIATION, "is neither 11 nor 12");
        }
    }

    /// What needs several fields to be read.
    fn finish(mut self) -> Read {
        let currency = self.read.payload.currency;
        let minor = |text: &str| currency.and_then(|currency| currency.minor_units(text));
        if let Some(text) = self.read.amount_text.take() {
            match minor(&text) {
                // Zero is not allowed (4.7.7), and means that there is none.
                Some(0) => {}
                Some(amount) => self.read.payload.amount = Some(amount),
                None => {
                    self.read.amount_text = Some(text);
                    self.odd(id::AMOUNT, "is no amount in the currency");
                }
            }
        }
        if currency.is_some() {
            self.read.currency_text = None;
        } else if self.read.currency_text.is_some() {
            self.odd(id::CURRENCY, "is no currency of ISO 4217");
        }
        let fee = self.fee.as_deref().and_then(minor);
        let percent = self.fee_percent.as_deref().and_then(hundredths);
        let tip = match (self.tip.as_deref(), fee, percent) {
            (None, ..) => None,
            (Some("01"), ..) => Some(Tip::Prompt),
            (Some("02"), Some(fee), _) => Some(Tip::Fixed(fee)),
            (Some("03"), _, Some(percent)) => Some(Tip::Percentage(percent)),
            _ => {
                self.odd(id::TIP, "does not fit the fee");
                None
            }
        };
        self.read.payload.tip = tip;
        self.read
    }
}

/// A percentage with at most two decimals, in hundredths of a percent (4.7.10).
fn hundredths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = (1..=2).contains(&whole.len()) && fraction.len() <= 2;
    if !fits || !digits(whole) || !digits(fraction) {
        return None;
    }
    format!("{whole}{fraction:0<2}").parse().ok()
}

fn account(id: u8, value: &str, lengths: Lengths) -> Account {
    let is_template = id >= id::FIRST_TEMPLATE;
    let template = is_template.then(|| template(value, lengths)).flatten();
    let plain = || Holds::Plain(value.to_owned());
    Account { id, holds: template.map_or_else(plain, |(name, rest)| Holds::Template(name, rest)) }
}

/// The identifier and the other fields, where it has the one and is made of the others.
fn template(value: &str, lengths: Lengths) -> Option<(String, Vec<(u8, String)>)> {
    let mut pairs = pairs(value, lengths)?;
    let place = pairs.iter().position(|(id, _)| *id == 0)?;
    let (_, identifier) = pairs.remove(place);
    Some((identifier, pairs))
}

pub(super) fn pairs(value: &str, lengths: Lengths) -> Option<Vec<(u8, String)>> {
    let fields = tlv::fields(value, lengths).ok()?;
    Some(fields.into_iter().map(|field| (field.id, field.value.to_owned())).collect())
}

fn local(value: &str, lengths: Lengths) -> Option<Local> {
    let pairs = pairs(value, lengths)?;
    let find =
        |wanted: u8| pairs.iter().find(|(id, _)| *id == wanted).map(|(_, value)| value.clone());
    Some(Local { language: find(0)?, name: find(1)?, city: find(2) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Read {
        read(text, text.as_bytes()).unwrap_or_else(|| panic!("{text}: not read"))
    }

    #[test]
    fn the_check_value_of_the_checksum() {
        assert_eq!(checksum(b"123456789"), 0x29B1);
    }

    #[test]
    fn the_sample_of_the_central_bank_of_brazil() {
        let read = read_text(
            "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR\
             5913Fulano de Tal6008BRASILIA62070503***63041D3D",
        );
        assert_eq!(read.checksum, Checksum::Right);
        assert_eq!(read.odd, []);
        let payload = read.payload;
        assert_eq!(payload.accounts[0].scheme().map(|scheme| scheme.word), Some("pix"));
        assert_eq!(
            payload.accounts[0].holds,
            Holds::Template(
                "br.gov.bcb.pix".to_owned(),
                vec![(1, "123e4567-e12b-12d1-a456-426655440000".to_owned())]
            )
        );
        assert_eq!(payload.currency.map(|currency| currency.alpha), Some("BRL"));
        assert_eq!((payload.amount, payload.initiation), (None, None));
        assert_eq!(payload.name.as_deref(), Some("Fulano de Tal"));
        assert_eq!(payload.additional, [(5, "***".to_owned())]);
    }

    #[test]
    fn the_sample_of_emvco_has_lengths_in_characters_and_a_checksum_of_bytes() {
        let read = read_text(
            "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802\
             CN5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412\
             340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A",
        );
        assert_eq!((read.checksum, read.odd.len()), (Checksum::Right, 0));
        let payload = read.payload;
        assert_eq!(payload.accounts.len(), 2);
        assert_eq!((payload.amount, payload.initiation), (Some(2372), Some(Initiation::Dynamic)));
        assert_eq!(payload.tip, Some(Tip::Prompt));
        let local = payload.local.unwrap();
        assert_eq!((local.language.as_str(), local.name.as_str()), ("ZH", "最佳运输"));
        assert_eq!(local.city.as_deref(), Some("北京"));
        assert_eq!(payload.unreserved.len(), 1);
        let additional: Vec<_> =
            payload.additional.iter().map(|(id, value)| (*id, value.as_str())).collect();
        assert_eq!(additional, [(3, "1234"), (6, "***"), (7, "A6008667"), (9, "ME")]);
    }

    #[test]
    fn the_sample_of_promptpay_and_that_of_emv_qrcode() {
        let read = read_text(
            "00020101021229370016A0000006770101110113006692754538553037645802TH540550.006304B5FD",
        );
        assert_eq!(read.checksum, Checksum::Right);
        assert_eq!(read.payload.amount, Some(5000));
        assert_eq!(read.payload.accounts[0].scheme().map(|scheme| scheme.word), Some("promptpay"));
        let read = read_text(
            "0002010102121313JCB12345678900416MASTER12345678905204531153033925407999.1235802JP5906DONGRI\
             6005TOKYO62240104hoge0504fuga0704piyo6304C343",
        );
        assert_eq!(read.checksum, Checksum::Right);
        // Yen have no decimals: 999.123 is no amount of them.
        assert_eq!((read.payload.amount, read.amount_text.as_deref()), (None, Some("999.123")));
        assert_eq!(read.odd, [(id::AMOUNT, "is no amount in the currency")]);
        assert_eq!(read.payload.accounts[1].holds, Holds::Plain("MASTER1234567890".to_owned()));
    }

    #[test]
    fn what_is_odd_is_told_and_left_out() {
        let sum = |body: &str| {
            let body = format!("{body}{CHECKSUM_HEAD}");
            format!("{body}{:04X}", checksum(body.as_bytes()))
        };
        for (name, text, odd) in [
            ("a third initiation", sum("000201010213"), Some((1, "is neither 11 nor 12"))),
            (
                "a field twice",
                sum("0002015802TH5802SG"),
                Some((58, "comes twice; the first counts")),
            ),
            (
                "a currency that is none",
                sum("00020153030005401x"),
                Some((53, "is no currency of ISO 4217")),
            ),
            ("no fields in 62", sum("0002016203abc"), Some((62, "is not made of fields"))),
            (
                "a fee without its kind",
                sum("00020155020253039865601x"),
                Some((55, "does not fit the fee")),
            ),
            ("an amount of zero", sum("000201530398654010"), None),
            ("lengths in bytes", sum("0002015906北京"), Some((0, "lengths count bytes"))),
        ] {
            let read = read_text(&text);
            assert_eq!(read.checksum, Checksum::Right, "{name}");
            match odd {
                Some(odd) => assert!(read.odd.contains(&odd), "{name}: {:?}", read.odd),
                None => assert_eq!(read.odd, [], "{name}"),
            }
        }
    }

    #[test]
    fn fees_are_read() {
        for (tip, fee, want) in [
            ("550201", "", Some(Tip::Prompt)),
            ("550202", "56041.50", Some(Tip::Fixed(150))),
            ("550203", "570512.34", Some(Tip::Percentage(1234))),
            ("550203", "57013", Some(Tip::Percentage(300))),
            ("550203", "5703100", None),
            ("550202", "57013", None),
        ] {
            let text = format!("0002015303986{tip}{fee}63040000");
            let read = read_text(&text);
            assert_eq!(read.payload.tip, want, "{tip} {fee}");
            assert_eq!(read.checksum, Checksum::Wrong);
        }
    }

    #[test]
    fn checksums_in_their_place_or_not() {
        for (name, text, want) in [
            ("lower case", "00020163041d3d", Checksum::Wrong),
            ("not last", "0002016304ABCD5802BR", Checksum::Wrong),
            ("none", "00020126060002ab53039865802BR", Checksum::Missing),
        ] {
            assert_eq!(read_text(text).checksum, want, "{name}");
        }
        let body = format!("0002015802BR{CHECKSUM_HEAD}");
        let lower = format!("{body}{:04x}", checksum(body.as_bytes()));
        assert_eq!(read_text(&lower).checksum, Checksum::Right);
    }

    #[test]
    fn a_device_that_sends_another_encoding_may_have_the_checksum_of_either() {
        let text = "0002015902北京6304";
        let (gbk, _, _) = encoding_rs::GBK.encode(text);
        for body in [text.as_bytes(), gbk.as_ref()] {
            let digits = format!("{:04X}", checksum(body));
            let sent = [gbk.as_ref(), digits.as_bytes()].concat();
            let whole = format!("{text}{digits}");
            assert_eq!(read(&whole, &sent).unwrap().checksum, Checksum::Right);
        }
    }

    #[test]
    fn numbers_and_texts_that_only_begin_so_are_none() {
        for text in
            ["000201", "0002010102", "00020112345678", "000201-2024", "0002015802BR", "00020"]
        {
            assert!(read(text, text.as_bytes()).is_none(), "{text}");
            assert!(damage(text, text.as_bytes()).is_none(), "{text}");
        }
        let cut = "00020126580014br.gov.bcb.pix6304ABCD";
        assert!(read(cut, cut.as_bytes()).is_none());
        assert_eq!(damage(cut, cut.as_bytes()), Some((6, Checksum::Wrong)));
    }
}
