//! Rights: who may hear and ask what, by the bus's own credentials.

use crate::profile::errors::Errors;
use crate::settings::{Error, Section};

/// Who may do what. An empty list is nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Claim scanners and hear their public scans; group `tillbus` where nothing is said.
    pub scan: Vec<Principal>,
    /// Receive customers' payment codes.
    pub payment_code: Vec<Principal>,
    /// Receive card reads, and take the card out of an EMVCo payment code.
    pub card: Vec<Principal>,
    /// Begin transactions on terminals.
    pub terminal: Vec<Principal>,
    /// Give money back.
    pub refund: Vec<Principal>,
    /// Close a terminal's day.
    pub close: Vec<Principal>,
    /// Settle a transaction whose outcome is unknown.
    pub resolve: Vec<Principal>,
    /// Manage the daemon itself.
    pub admin: Vec<Principal>,
}

/// A user or group of the host, by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    /// `user:NAME`
    User(String),
    /// `group:NAME`
    Group(String),
}

impl Default for Access {
    fn default() -> Self {
        Self {
            scan: vec![Principal::Group("tillbus".to_owned())],
            payment_code: Vec::new(),
            card: Vec::new(),
            terminal: Vec::new(),
            refund: Vec::new(),
            close: Vec::new(),
            resolve: Vec::new(),
            admin: Vec::new(),
        }
    }
}

impl Access {
    /// Reads the section, with `below` for the keys it does not have.
    pub(crate) fn read(section: &Section<'_>, below: &Self, errors: &mut Errors) -> Option<Self> {
        let mut read = |key, below: &[Principal]| {
            errors.note(principals(section, key)).map(|read| read.unwrap_or_else(|| below.to_vec()))
        };
        let scan = read("scan", &below.scan);
        let payment_code = read("payment-code", &below.payment_code);
        let card = read("card", &below.card);
        let terminal = read("terminal", &below.terminal);
        let refund = read("refund", &below.refund);
        let close = read("close", &below.close);
        let resolve = read("resolve", &below.resolve);
        let admin = read("admin", &below.admin);
        errors.note(section.finish())?;
        Some(Self {
            scan: scan?,
            payment_code: payment_code?,
            card: card?,
            terminal: terminal?,
            refund: refund?,
            close: close?,
            resolve: resolve?,
            admin: admin?,
        })
    }
}

fn principals(section: &Section<'_>, key: &'static str) -> Result<Option<Vec<Principal>>, Error> {
    let Some(names) = section.strings_or_none(key)? else { return Ok(None) };
    names.into_iter().map(|name| principal(section, key, name)).collect::<Result<_, _>>().map(Some)
}

fn principal(section: &Section<'_>, key: &'static str, text: &str) -> Result<Principal, Error> {
    let plain = |name: &str| {
        !name.is_empty()
            && name.chars().all(|c| !c.is_whitespace() && !c.is_control() && !":/,".contains(c))
    };
    match text.split_once(':') {
        Some(("user", name)) if plain(name) => Ok(Principal::User(name.to_owned())),
        Some(("group", name)) if plain(name) => Ok(Principal::Group(name.to_owned())),
        _ => {
            let message = format!("`{key}` has {text:?}; accepted is user:NAME or group:NAME");
            Err(section.error(key, message))
        }
    }
}
