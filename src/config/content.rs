//! `[content]`: what the shop's own codes look like.

use std::sync::Arc;

use crate::normalize::Shop;
use crate::normalize::article::{Mask, Masks};
use crate::normalize::gs1::Separators;
use crate::normalize::order_number::{Pattern, Patterns};
use crate::profile::errors::Errors;
use crate::settings::Section;

/// Reads the section, with `below` for the keys it does not have. An empty list takes away what is
/// below.
pub(super) fn read(
    section: &Section<'_>,
    below: &Arc<Shop>,
    errors: &mut Errors,
) -> Option<Arc<Shop>> {
    let masks = errors.note(section.parsed("variable-measure", Mask::parse));
    let patterns = errors.note(section.parsed("order-number", Pattern::parse));
    let separators = errors.note(section.parsed("gs1-separator", separator));
    errors.note(section.finish())?;
    let (masks, patterns, separators) = (masks?, patterns?, separators?);
    Some(Arc::new(Shop {
        variable_measure: masks.map_or_else(|| below.variable_measure.clone(), Masks::new),
        order_numbers: patterns.map_or_else(|| below.order_numbers.clone(), Patterns::new),
        separators: separators.map_or_else(|| below.separators.clone(), Separators::new),
    }))
}

/// A letter or a digit would be taken out of values that have it.
fn separator(text: &str) -> Result<String, String> {
    let alone = text.len() == 1 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if text.is_empty() || alone {
        return Err(format!(
            "{text:?} cannot be told from data; accepted is a sign such as | or a text such as <GS>"
        ));
    }
    Ok(text.to_owned())
}
