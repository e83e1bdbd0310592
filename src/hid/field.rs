//! One field of a report: some values of one size, side by side.

use super::{Kind, Usage};

/// Values of one size in a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Which way its report goes.
    pub kind: Kind,
    /// Its report's number; 0 where the device does not number its reports.
    pub report: u8,
    /// How many values it has.
    pub count: u32,
    /// Bits of each value.
    pub size: u32,
    /// Whether a value names a usage by its number, as keyboards do, rather than having one.
    pub is_array: bool,
    /// Of an array: the number that names the first usage.
    pub minimum: i32,
    /// The largest value that means something.
    pub maximum: i32,
    /// What the outermost collection around it is.
    pub application: Option<Usage>,
    /// Where it begins in the report, in bits behind the number.
    pub(super) offset: u32,
    pub(super) usages: Vec<Span>,
}

/// Usages that follow each other on one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) page: u16,
    pub(super) first: u16,
    pub(super) last: u16,
}

impl Span {
    fn length(self) -> u32 {
        u32::from(self.last) - u32::from(self.first) + 1
    }

    fn get(self, index: u32) -> Option<Usage> {
        let id = u16::try_from(u32::from(self.first).checked_add(index)?).ok()?;
        (id <= self.last).then_some(Usage { page: self.page, id })
    }
}

impl Field {
    /// The usage of a value, or of an array's choice, by its place.
    ///
    /// Of usages fewer than values the last one holds for the rest (6.2.2.8).
    #[must_use]
    pub fn usage(&self, place: u32) -> Option<Usage> {
        let mut rest = place;
        for span in &self.usages {
            if let Some(usage) = span.get(rest) {
                return Some(usage);
            }
            rest = rest.saturating_sub(span.length());
        }
        let last = self.usages.last().filter(|_| !self.is_array && place < self.count)?;
        Some(Usage { page: last.page, id: last.last })
    }

    /// The usage that an array's value names.
    #[must_use]
    pub fn choice(&self, value: u32) -> Option<Usage> {
        let place = i64::from(value) - i64::from(self.minimum);
        self.usage(u32::try_from(place).ok().filter(|_| self.is_array)?)
    }

    /// The place of a usage among the values, or among an array's choices.
    #[must_use]
    pub fn find(&self, usage: Usage) -> Option<u32> {
        let mut before: u32 = 0;
        for span in &self.usages {
            if span.page == usage.page && (span.first..=span.last).contains(&usage.id) {
                let place = before.checked_add(u32::from(usage.id - span.first))?;
                return (self.is_array || place < self.count).then_some(place);
            }
            before = before.saturating_add(span.length());
        }
        None
    }

    /// A value by its place, in a report without its number; `None` past the report's end.
    #[must_use]
    pub fn value(&self, report: &[u8], place: u32) -> Option<u32> {
        let first = self.bit(place)?;
        let mut value = 0;
        for bit in (0..self.size.min(32)).rev() {
            let (byte, mask) = position(first.checked_add(bit)?)?;
            value = value << 1 | u32::from(report.get(byte)? & mask != 0);
        }
        Some(value)
    }

    /// Sets a value by its place; what lies past the report's end is let go.
    pub fn set(&self, report: &mut [u8], place: u32, value: u32) {
        let Some(first) = self.bit(place) else { return };
        for bit in 0..self.size.min(32) {
            let Some((byte, mask)) = first.checked_add(bit).and_then(position) else { return };
            if let Some(byte) = report.get_mut(byte) {
                *byte = if value >> bit & 1 == 1 { *byte | mask } else { *byte & !mask };
            }
        }
    }

    /// All its values as bytes, as many as the report has; `None` where they are no whole bytes.
    #[must_use]
    pub fn bytes<'r>(&self, report: &'r [u8]) -> Option<&'r [u8]> {
        if !self.is_bytes() {
            return None;
        }
        let start = usize::try_from(self.offset / 8).ok()?;
        let rest = report.get(start..).unwrap_or_default();
        Some(rest.get(..self.length()).unwrap_or(rest))
    }

    /// Whether its values are whole bytes in their places.
    #[must_use]
    pub fn is_bytes(&self) -> bool {
        self.offset.is_multiple_of(8) && self.size.is_multiple_of(8)
    }

    /// How many whole bytes its values have.
    #[must_use]
    pub fn length(&self) -> usize {
        // The parser bounds a report, so neither multiplication nor conversion can fail.
        usize::try_from(self.size.saturating_mul(self.count) / 8).unwrap_or(0)
    }

    /// The report's byte in which it begins.
    #[must_use]
    pub fn start(&self) -> usize {
        usize::try_from(self.offset / 8).unwrap_or(usize::MAX)
    }

    fn bit(&self, place: u32) -> Option<u32> {
        if place >= self.count {
            return None;
        }
        self.offset.checked_add(place.checked_mul(self.size)?)
    }
}

fn position(bit: u32) -> Option<(usize, u8)> {
    Some((usize::try_from(bit / 8).ok()?, 1 << (bit % 8)))
}
