//! `[cards]`: what a shop lets out of cards.

use std::sync::Arc;

use super::Credentials;
use crate::normalize::card::pan::Shown;
use crate::normalize::card::rules::{Range, Ranges, TokenKey};
use crate::normalize::card::{CardRules, Financial};
use crate::profile::errors::Errors;
use crate::secret::Secret;
use crate::settings::{Error, Section};

const FINANCIAL: [(&str, Financial); 3] =
    [("refuse", Financial::Refuse), ("masked", Financial::Masked), ("allow", Financial::Allow)];
const SHOWN: [(&str, Shown); 2] =
    [("last-four", Shown::LastFour), ("bin-and-last-four", Shown::Bin)];

/// What the credential of a token's key is called, before the key's id.
const CREDENTIAL: &str = "card-token-";
/// The fewest bytes of a key: as many as its hashes have.
const KEY: usize = 32;

/// Reads the section, with `below` for the keys it does not have. An empty list takes away what is
/// below.
pub(super) fn read(
    section: &Section<'_>,
    below: &Arc<CardRules>,
    credentials: &Credentials,
    errors: &mut Errors,
) -> Option<Arc<CardRules>> {
    let financial = errors.note(section.word("financial-cards", &FINANCIAL));
    let shown = errors.note(section.word("pan-masked", &SHOWN));
    let allow = errors.note(section.parsed("allow-ranges", Range::parse));
    let token = errors.note(token(section, credentials));
    errors.note(section.finish())?;
    let rules = CardRules {
        financial: financial?.or(below.financial),
        shown: shown?.unwrap_or(below.shown),
        allow: allow?.map_or_else(|| below.allow.clone(), Ranges::new),
        token: token?.or_else(|| below.token.clone()),
    };
    errors.note(apart(section, &rules))?;
    Some(Arc::new(rules))
}

/// Few numbers have the same beginning and end: with both and a token a number can be tried out.
fn apart(section: &Section<'_>, rules: &CardRules) -> Result<(), Error> {
    if rules.token.is_none() || rules.shown == Shown::LastFour {
        return Ok(());
    }
    let key = if section.has("pan-masked") { "pan-masked" } else { "token-key-id" };
    let message = "the first six digits are never shown beside a token; accepted is `pan-masked` = \
                   \"last-four\", or no `token-key-id`";
    Err(section.error(key, message))
}

fn token(section: &Section<'_>, credentials: &Credentials) -> Result<Option<TokenKey>, Error> {
    let Some(id) = section.string("token-key-id")? else { return Ok(None) };
    let wrong = |message: String| section.error("token-key-id", message);
    let is_id = (1..=32).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_id {
        return Err(wrong(format!(
            "`token-key-id` is {id:?}; accepted are up to 32 letters, digits and hyphens, such as \
             \"2026-11\""
        )));
    }
    let name = format!("{CREDENTIAL}{id}");
    let directory = match credentials {
        Credentials::In(directory) => directory,
        Credentials::Missing => {
            return Err(wrong(format!(
                "the key {id:?} is wanted, and no credentials were passed; accepted is a service \
                 with LoadCredential={name}:PATH"
            )));
        }
        Credentials::Unchecked => {
            return Ok(Some(TokenKey { id: id.to_owned(), key: Secret::default() }));
        }
    };
    let key = Secret::new(
        std::fs::read(directory.join(&name))
            .map_err(|error| wrong(format!("the credential {name} cannot be read: {error}")))?,
    );
    let length = key.len();
    if length < KEY {
        return Err(wrong(format!(
            "the credential {name} has {length} bytes; accepted are {KEY} or more, random ones"
        )));
    }
    Ok(Some(TokenKey { id: id.to_owned(), key }))
}
