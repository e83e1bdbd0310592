//! Reads the items of a report descriptor (HID 1.11, 6.2.2).

use super::field::Span;
use super::{Descriptor, Field, Kind, LONGEST, Usage};

/// The longest report, its number not counted, in bits. A USB control transfer ends at 64 kB, and no
/// scanner or card reader comes near.
const LONGEST_REPORT: u32 = 8 * 16 * 1024;

/// Nesting deeper than any device's.
const DEEPEST: usize = 32;

/// Why bytes are no report descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {at} of the report descriptor: {what}")]
pub struct Error {
    /// Where the item begins.
    pub at: usize,
    what: &'static str,
}

/// Item types (6.2.2.2) and tags (6.2.2.4, 6.2.2.7, 6.2.2.8), as the prefix has them without the size.
mod tag {
    pub(super) const INPUT: u8 = 0x80;
    pub(super) const OUTPUT: u8 = 0x90;
    pub(super) const COLLECTION: u8 = 0xA0;
    pub(super) const FEATURE: u8 = 0xB0;
    pub(super) const END_COLLECTION: u8 = 0xC0;
    pub(super) const USAGE_PAGE: u8 = 0x04;
    pub(super) const LOGICAL_MINIMUM: u8 = 0x14;
    pub(super) const LOGICAL_MAXIMUM: u8 = 0x24;
    pub(super) const REPORT_SIZE: u8 = 0x74;
    pub(super) const REPORT_ID: u8 = 0x84;
    pub(super) const REPORT_COUNT: u8 = 0x94;
    pub(super) const PUSH: u8 = 0xA4;
    pub(super) const POP: u8 = 0xB4;
    pub(super) const USAGE: u8 = 0x08;
    pub(super) const USAGE_MINIMUM: u8 = 0x18;
    pub(super) const USAGE_MAXIMUM: u8 = 0x28;
}

/// The prefix of an item with a length byte; none is defined (6.2.2.3).
const LONG: u8 = 0xFE;

/// Bits of Input, Output and Feature (6.2.2.5).
const CONSTANT: u32 = 1;
const VARIABLE: u32 = 2;

/// The type of a collection that is an application (6.2.2.6).
const APPLICATION: u32 = 1;

pub(super) fn descriptor(bytes: &[u8]) -> Result<Descriptor, Error> {
    if bytes.len() > LONGEST {
        return Err(Error { at: LONGEST, what: "longer than any device's" });
    }
    let mut parser = Parser::default();
    let mut rest = bytes;
    while let Some((&prefix, after)) = rest.split_first() {
        let at = bytes.len() - rest.len();
        let length = match prefix {
            LONG => 2 + usize::from(after.first().copied().unwrap_or(0)),
            _ => [0, 1, 2, 4].get(usize::from(prefix & 3)).copied().unwrap_or(0),
        };
        let (data, after) =
            after.split_at_checked(length).ok_or(Error { at, what: "an item is cut off" })?;
        if prefix != LONG {
            let item = Item { tag: prefix & 0xFC, data };
            parser.item(item).map_err(|what| Error { at, what })?;
        }
        rest = after;
    }
    Ok(parser.descriptor)
}

struct Item<'a> {
    tag: u8,
    data: &'a [u8],
}

impl Item<'_> {
    fn unsigned(&self) -> u32 {
        self.data.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte))
    }

    fn signed(&self) -> i32 {
        let value = self.unsigned();
        match self.data.len() {
            1 => i8::from_le_bytes([self.data.first().copied().unwrap_or(0)]).into(),
            2 => i16::from_le_bytes([low(value), low(value >> 8)]).into(),
            _ => i32::from_le_bytes(value.to_le_bytes()),
        }
    }
}

fn low(value: u32) -> u8 {
    let [low, ..] = value.to_le_bytes();
    low
}

#[derive(Clone, Copy, Default)]
struct Globals {
    page: u16,
    minimum: i32,
    maximum: i32,
    size: u32,
    count: u32,
    report: u8,
}

/// Usages as they stand before a main item; those without a page get the one in force there.
#[derive(Default)]
struct Locals {
    usages: Vec<(Option<u16>, u16, u16)>,
    minimum: Option<(Option<u16>, u16)>,
}

#[derive(Default)]
struct Parser {
    descriptor: Descriptor,
    globals: Globals,
    stack: Vec<Globals>,
    locals: Locals,
    depth: usize,
    application: Option<Usage>,
}

impl Parser {
    fn item(&mut self, item: Item<'_>) -> Result<(), &'static str> {
        match item.tag {
            tag::INPUT => self.field(Kind::Input, item.unsigned())?,
            tag::OUTPUT => self.field(Kind::Output, item.unsigned())?,
            tag::FEATURE => self.field(Kind::Feature, item.unsigned())?,
            tag::COLLECTION => self.begin(item.unsigned())?,
            tag::END_COLLECTION => self.end()?,
            tag::USAGE => {
                let (page, id) = usage(&item);
                self.locals.usages.push((page, id, id));
                return Ok(());
            }
            tag::USAGE_MINIMUM => {
                self.locals.minimum = Some(usage(&item));
                return Ok(());
            }
            tag::USAGE_MAXIMUM => return self.usages_up_to(&item),
            _ => return self.global(&item),
        }
        self.locals = Locals::default();
        Ok(())
    }

    fn global(&mut self, item: &Item<'_>) -> Result<(), &'static str> {
        match item.tag {
            tag::USAGE_PAGE => {
                let page = u16::try_from(item.unsigned());
                self.globals.page = page.map_err(|_| "a usage page has at most 16 bits")?;
            }
            tag::LOGICAL_MINIMUM => self.globals.minimum = item.signed(),
            // Written unsigned by many devices, where nothing below zero is meant.
            tag::LOGICAL_MAXIMUM => {
                let unsigned = i32::try_from(item.unsigned()).unwrap_or(i32::MAX);
                let signed = item.signed();
                self.globals.maximum = if self.globals.minimum >= 0 { unsigned } else { signed };
            }
            tag::REPORT_SIZE => self.globals.size = item.unsigned(),
            tag::REPORT_COUNT => self.globals.count = item.unsigned(),
            tag::REPORT_ID => {
                let id = u8::try_from(item.unsigned()).ok().filter(|id| *id != 0);
                self.globals.report = id.ok_or("a report's number is 1 to 255")?;
                self.descriptor.numbered = true;
            }
            tag::PUSH if self.stack.len() >= DEEPEST => return Err("too many pushes"),
            tag::PUSH => self.stack.push(self.globals),
            tag::POP => self.globals = self.stack.pop().ok_or("a pop without its push")?,
            // Physical range, unit, designators, strings: of no use here.
            _ => {}
        }
        Ok(())
    }

    fn usages_up_to(&mut self, item: &Item<'_>) -> Result<(), &'static str> {
        let (page, last) = usage(item);
        let (page_of_first, first) =
            self.locals.minimum.take().ok_or("a usage maximum without its minimum")?;
        if first > last {
            return Err("a usage maximum below its minimum");
        }
        self.locals.usages.push((page_of_first.or(page), first, last));
        Ok(())
    }

    fn field(&mut self, kind: Kind, flags: u32) -> Result<(), &'static str> {
        let Globals { minimum, maximum, size, count, report, .. } = self.globals;
        let bits = self.descriptor.bits.entry((kind, report)).or_default();
        let offset = *bits;
        let end = size.checked_mul(count).and_then(|length| offset.checked_add(length));
        *bits =
            end.filter(|end| *end <= LONGEST_REPORT).ok_or("a report longer than any device's")?;
        if flags & CONSTANT != 0 || count == 0 || size == 0 {
            return Ok(());
        }
        let is_array = flags & VARIABLE == 0;
        let usages = self.locals.usages.iter().map(|(page, first, last)| Span {
            page: page.unwrap_or(self.globals.page),
            first: *first,
            last: *last,
        });
        self.descriptor.fields.push(Field {
            kind,
            report,
            count,
            size,
            is_array,
            minimum,
            maximum,
            application: self.application,
            offset,
            usages: usages.collect(),
        });
        Ok(())
    }

    fn begin(&mut self, kind: u32) -> Result<(), &'static str> {
        if self.depth >= DEEPEST {
            return Err("collections nested too deep");
        }
        if self.depth == 0 && kind == APPLICATION {
            let first = self.locals.usages.first();
            let usage = first
                .map(|(page, id, _)| Usage { page: page.unwrap_or(self.globals.page), id: *id });
            self.application = usage;
            self.descriptor.applications.extend(usage);
        }
        self.depth += 1;
        Ok(())
    }

    fn end(&mut self) -> Result<(), &'static str> {
        self.depth = self.depth.checked_sub(1).ok_or("an end of no collection")?;
        if self.depth == 0 {
            self.application = None;
        }
        Ok(())
    }
}

/// Four bytes have the page in their upper half (6.2.2.8).
fn usage(item: &Item<'_>) -> (Option<u16>, u16) {
    let value = item.unsigned();
    let [low, high, page_low, page_high] = value.to_le_bytes();
    let id = u16::from_le_bytes([low, high]);
    let page = u16::from_le_bytes([page_low, page_high]);
    ((item.data.len() == 4).then_some(page), id)
}
