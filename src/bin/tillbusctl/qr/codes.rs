//! The schemes that can be composed, as commands.

use clap::{Subcommand, ValueEnum};
use tillbus::normalize::currency::Currency;
use tillbus::normalize::merchant_qr::compose::{
    self, PayNow, PayNowTo, Pix, PixTo, PromptPay, PromptPayTo, Transfer, VietQr,
};
use tillbus::normalize::merchant_qr::emv::{Account, Holds, Initiation, Local, Payload, Tip};

use crate::error::Error;

#[derive(Debug, Subcommand)]
pub(super) enum Scheme {
    /// PIX, Brazil
    Pix(PixOptions),
    /// PromptPay, Thailand
    Promptpay(PromptPayOptions),
    /// PayNow, Singapore
    Paynow(PayNowOptions),
    /// VietQR, Vietnam
    Vietqr(VietQrOptions),
    /// Any other code of EMVCo's kind
    Emv(Box<EmvOptions>),
    /// A transfer in euros (GiroCode)
    Epc(EpcOptions),
}

#[derive(Debug, clap::Args)]
pub(super) struct PixOptions {
    /// The key that the money goes to
    #[arg(long, required_unless_present = "url", conflicts_with = "url")]
    key: Option<String>,
    /// The address where the payment is found, without https://
    #[arg(long)]
    url: Option<String>,
    /// What it is for, in words
    #[arg(long, value_name = "TEXT", conflicts_with = "url")]
    description: Option<String>,
    /// The merchant's name
    #[arg(long)]
    name: String,
    /// The merchant's city
    #[arg(long)]
    city: String,
    /// The amount in reais, such as 12.50; without it the customer enters one
    #[arg(long)]
    amount: Option<String>,
    /// The merchant's reference, letters and digits
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,
}

#[derive(Debug, clap::Args)]
#[group(id = "promptpay-to", required = true, multiple = false)]
pub(super) struct PromptPayAccount {
    /// A Thai telephone number
    #[arg(long, value_name = "NUMBER", group = "promptpay-to")]
    mobile: Option<String>,
    /// A national identity or tax number
    #[arg(long, value_name = "NUMBER", group = "promptpay-to")]
    id: Option<String>,
    /// An e-wallet
    #[arg(long, value_name = "NUMBER", group = "promptpay-to")]
    wallet: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct PromptPayOptions {
    #[command(flatten)]
    to: PromptPayAccount,
    /// The amount in baht, such as 12.50; without it the customer enters one
    #[arg(long)]
    amount: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct PayNowOptions {
    /// A company, by its unique entity number
    #[arg(long, required_unless_present = "mobile", conflicts_with = "mobile")]
    uen: Option<String>,
    /// A telephone number with its country code
    #[arg(long, value_name = "NUMBER")]
    mobile: Option<String>,
    /// The customer may change the amount
    #[arg(long)]
    editable: bool,
    /// The last day on which it may be paid, such as 20301231
    #[arg(long, value_name = "DAY")]
    expires: Option<String>,
    /// The merchant's name
    #[arg(long)]
    name: String,
    /// The amount in Singapore dollars, such as 12.50; without it the customer enters one
    #[arg(long)]
    amount: Option<String>,
    /// The merchant's reference
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct VietQrOptions {
    /// The bank, six digits
    #[arg(long, value_name = "DIGITS")]
    bank: String,
    /// The account there
    #[arg(long, value_name = "NUMBER")]
    account: String,
    /// The amount in dong; without it the customer enters one
    #[arg(long)]
    amount: Option<String>,
    /// What it is for, in words
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct EmvOptions {
    /// Where the money goes: a scheme's identifier and its fields, such as com.example,01=4711; several
    /// take the numbers 26, 27 and so on, unless one stands before them, as in 51:com.example
    #[arg(long, value_name = "ACCOUNT", required = true, value_parser = account)]
    account: Vec<GivenAccount>,
    /// The currency's three letters
    #[arg(long)]
    currency: String,
    /// The amount, such as 12.50; without it the customer enters one
    #[arg(long)]
    amount: Option<String>,
    /// For how many payments the code is; without it once where there is an amount
    #[arg(long, value_enum, value_name = "WORD")]
    initiation: Option<InitiationWord>,
    /// Ask the customer for a tip
    #[arg(long, conflicts_with_all = ["fee", "fee_percent"])]
    tip: bool,
    /// A fee on top
    #[arg(long, value_name = "AMOUNT", conflicts_with = "fee_percent")]
    fee: Option<String>,
    /// A fee on top in percent, such as 1.50
    #[arg(long, value_name = "PERCENT")]
    fee_percent: Option<String>,
    /// The merchant's category, four digits of ISO 18245
    #[arg(long, value_name = "DIGITS", default_value = "0000")]
    category: String,
    /// The country's two letters
    #[arg(long)]
    country: String,
    /// The merchant's name
    #[arg(long)]
    name: String,
    /// The merchant's city
    #[arg(long)]
    city: String,
    /// The merchant's postal code
    #[arg(long, value_name = "CODE")]
    postal_code: Option<String>,
    /// The number of the bill
    #[arg(long, value_name = "TEXT")]
    bill_number: Option<String>,
    /// The store
    #[arg(long, value_name = "TEXT")]
    store: Option<String>,
    /// The merchant's reference
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,
    /// The till
    #[arg(long, value_name = "TEXT")]
    terminal: Option<String>,
    /// What it is for, in words
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
    /// The merchant's name in another language
    #[arg(long, value_name = "TEXT", requires = "language")]
    local_name: Option<String>,
    /// The merchant's city in that language
    #[arg(long, value_name = "TEXT", requires = "local_name")]
    local_city: Option<String>,
    /// That language's two letters
    #[arg(long, value_name = "LETTERS", requires = "local_name")]
    language: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum InitiationWord {
    Static,
    Dynamic,
}

#[derive(Debug, clap::Args)]
pub(super) struct EpcOptions {
    /// The account that the money goes to
    #[arg(long)]
    iban: String,
    /// Whose account it is
    #[arg(long)]
    name: String,
    /// Its bank
    #[arg(long)]
    bic: Option<String>,
    /// The amount in euros, such as 12.50; without it the customer enters one
    #[arg(long)]
    amount: Option<String>,
    /// What for, a code of ISO 20022 of up to four letters
    #[arg(long, value_name = "CODE")]
    purpose: Option<String>,
    /// A reference of ISO 11649 (RF…)
    #[arg(long, value_name = "TEXT", conflicts_with = "message")]
    reference: Option<String>,
    /// A message in words
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// A note for the customer
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

impl Scheme {
    /// What the code carries.
    pub(super) fn payload(&self) -> Result<String, Error> {
        let written = match self {
            Self::Pix(options) => options.payload()?,
            Self::Promptpay(options) => options.payload()?,
            Self::Paynow(options) => options.payload()?,
            Self::Vietqr(options) => options.payload()?,
            Self::Emv(options) => options.payload()?,
            Self::Epc(options) => return options.payload(),
        };
        compose::emv(&written).map_err(refused)
    }
}

fn refused(error: compose::Error) -> Error {
    Error::failed(error.to_string())
}

/// An amount in the minor units of a currency.
fn minor_units(
    name: &str,
    amount: Option<&String>,
    currency: Option<Currency>,
) -> Result<Option<u64>, Error> {
    let (Some(amount), Some(currency)) = (amount, currency) else { return Ok(None) };
    currency.minor_units(amount).map(Some).ok_or_else(|| {
        Error::failed(format!(
            "{name} is {amount:?}; accepted is a number of {} with up to {} decimals, such as {}",
            currency.alpha,
            currency.exponent,
            currency.decimal(1250)
        ))
    })
}

fn of_scheme(amount: Option<&String>, letters: &str) -> Result<Option<u64>, Error> {
    minor_units("amount", amount, Currency::by_letters(letters))
}

impl PixOptions {
    fn payload(&self) -> Result<Payload, Error> {
        let key = self.key.clone().map(PixTo::Key);
        let to = key.unwrap_or_else(|| PixTo::Url(self.url.clone().unwrap_or_default()));
        let pix = Pix {
            to,
            description: self.description.clone(),
            name: self.name.clone(),
            city: self.city.clone(),
            amount: of_scheme(self.amount.as_ref(), "BRL")?,
            reference: self.reference.clone(),
        };
        compose::pix(&pix).map_err(refused)
    }
}

impl PromptPayOptions {
    fn payload(&self) -> Result<Payload, Error> {
        let PromptPayAccount { mobile, id, wallet } = &self.to;
        let mobile = mobile.clone().map(PromptPayTo::Mobile);
        let to = mobile
            .or_else(|| id.clone().map(PromptPayTo::Id))
            .unwrap_or_else(|| PromptPayTo::Wallet(wallet.clone().unwrap_or_default()));
        let amount = of_scheme(self.amount.as_ref(), "THB")?;
        compose::promptpay(&PromptPay { to, amount }).map_err(refused)
    }
}

impl PayNowOptions {
    fn payload(&self) -> Result<Payload, Error> {
        let uen = self.uen.clone().map(PayNowTo::Uen);
        let paynow = PayNow {
            to: uen.unwrap_or_else(|| PayNowTo::Mobile(self.mobile.clone().unwrap_or_default())),
            editable: self.editable,
            expires: self.expires.clone(),
            name: self.name.clone(),
            amount: of_scheme(self.amount.as_ref(), "SGD")?,
            reference: self.reference.clone(),
        };
        compose::paynow(&paynow).map_err(refused)
    }
}

impl VietQrOptions {
    fn payload(&self) -> Result<Payload, Error> {
        let vietqr = VietQr {
            bank: self.bank.clone(),
            account: self.account.clone(),
            amount: of_scheme(self.amount.as_ref(), "VND")?,
            purpose: self.purpose.clone(),
        };
        compose::vietqr(&vietqr).map_err(refused)
    }
}

impl EmvOptions {
    fn payload(&self) -> Result<Payload, Error> {
        let currency = Currency::by_letters(&self.currency).ok_or_else(|| {
            Error::failed(format!(
                "currency is {:?}; accepted are the three letters of ISO 4217, such as EUR",
                self.currency
            ))
        })?;
        let amount = minor_units("amount", self.amount.as_ref(), Some(currency))?;
        let initiation = match (self.initiation, amount) {
            (Some(InitiationWord::Dynamic), _) | (None, Some(_)) => Initiation::Dynamic,
            (Some(InitiationWord::Static), _) | (None, None) => Initiation::Static,
        };
        let own = |value: &Option<String>, id: u8| value.clone().map(|value| (id, value));
        let additional = [
            own(&self.bill_number, 1),
            own(&self.store, 3),
            own(&self.reference, 5),
            own(&self.terminal, 7),
            own(&self.purpose, 8),
        ];
        let local = self.local_name.clone().map(|name| Local {
            language: self.language.clone().unwrap_or_default(),
            name,
            city: self.local_city.clone(),
        });
        Ok(Payload {
            initiation: Some(initiation),
            accounts: numbered(&self.account),
            category: Some(self.category.clone()),
            currency: Some(currency),
            amount,
            tip: self.tip(currency)?,
            country: Some(self.country.clone()),
            name: Some(self.name.clone()),
            city: Some(self.city.clone()),
            postal_code: self.postal_code.clone(),
            additional: additional.into_iter().flatten().collect(),
            local,
            unreserved: Vec::new(),
        })
    }

    fn tip(&self, currency: Currency) -> Result<Option<Tip>, Error> {
        if self.tip {
            return Ok(Some(Tip::Prompt));
        }
        if let Some(fee) = minor_units("fee", self.fee.as_ref(), Some(currency))? {
            return Ok(Some(Tip::Fixed(fee)));
        }
        let Some(percent) = &self.fee_percent else { return Ok(None) };
        // A percentage has two decimals, as euros have.
        let hundredths = Currency::by_letters("EUR").and_then(|euros| euros.minor_units(percent));
        let hundredths = hundredths.and_then(|hundredths| u16::try_from(hundredths).ok());
        hundredths.map(|hundredths| Some(Tip::Percentage(hundredths))).ok_or_else(|| {
            Error::failed(format!("fee in percent is {percent:?}; accepted is 0.01 to 99.99"))
        })
    }
}

impl EpcOptions {
    fn payload(&self) -> Result<String, Error> {
        let transfer = Transfer {
            iban: self.iban.clone(),
            bic: self.bic.clone(),
            name: self.name.clone(),
            amount: of_scheme(self.amount.as_ref(), "EUR")?,
            purpose: self.purpose.clone(),
            reference: self.reference.clone(),
            message: self.message.clone(),
            note: self.note.clone(),
        };
        compose::epc(&transfer).map_err(refused)
    }
}

/// An account as typed, with its number where one was given.
#[derive(Clone, Debug)]
struct GivenAccount {
    id: Option<u8>,
    identifier: String,
    fields: Vec<(u8, String)>,
}

const ACCOUNT: &str = "accepted is an identifier and its fields, such as com.example,01=4711";

fn account(text: &str) -> Result<GivenAccount, String> {
    let number = |digits: &str| {
        let is_number = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse::<u8>().ok()).flatten()
    };
    let numbered = text.split_once(':').and_then(|(id, rest)| Some((number(id)?, rest)));
    let (id, text) = numbered.map_or((None, text), |(id, rest)| (Some(id), rest));
    let mut parts = text.split(',');
    let identifier = parts.next().unwrap_or_default().to_owned();
    let fields = parts.map(|part| {
        let field =
            part.split_once('=').and_then(|(id, value)| Some((number(id)?, value.to_owned())));
        field.ok_or_else(|| format!("{part:?} is no field; {ACCOUNT}"))
    });
    let fields = fields.collect::<Result<_, _>>()?;
    if identifier.is_empty() {
        return Err(format!("there is no identifier; {ACCOUNT}"));
    }
    Ok(GivenAccount { id, identifier, fields })
}

/// The accounts with their numbers: those given, and for the others the first that are free.
fn numbered(given: &[GivenAccount]) -> Vec<Account> {
    let taken: Vec<u8> = given.iter().filter_map(|account| account.id).collect();
    let mut free = (26_u8..=51).filter(|id| !taken.contains(id));
    let number = |account: &GivenAccount, free: &mut dyn Iterator<Item = u8>| {
        // With more than 26 of them the code is too long anyway, and refused.
        account.id.or_else(|| free.next()).unwrap_or(51)
    };
    given
        .iter()
        .map(|account| Account {
            id: number(account, &mut free),
            holds: Holds::Template(account.identifier.clone(), account.fields.clone()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_typed_with_or_without_their_numbers() {
        let given = ["com.example,01=4711,02=x=y", "27:org.example", "net.example"];
        let given: Vec<_> = given.iter().map(|text| account(text).unwrap()).collect();
        let accounts = numbered(&given);
        let ids: Vec<u8> = accounts.iter().map(|account| account.id).collect();
        assert_eq!(ids, [26, 27, 28]);
        let fields = vec![(1, "4711".to_owned()), (2, "x=y".to_owned())];
        assert_eq!(accounts[0].holds, Holds::Template("com.example".to_owned(), fields));
        for text in ["", ",01=x", "com.example,1=x", "com.example,x", "26:"] {
            assert!(account(text).unwrap_err().contains("accepted is"), "{text}");
        }
    }

    #[test]
    fn an_amount_has_the_decimals_of_its_currency() {
        let amount = |text: &str, letters| of_scheme(Some(&text.to_owned()), letters);
        assert_eq!(amount("12.5", "BRL").unwrap(), Some(1250));
        let error = amount("12.5", "VND").unwrap_err();
        assert!(
            format!("{error:?}").contains("VND with up to 0 decimals, such as 1250"),
            "{error:?}"
        );
    }
}
