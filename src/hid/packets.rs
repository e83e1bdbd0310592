//! Puts the packets of an interrupt endpoint together to reports.
//!
//! A report longer than a packet comes in several, the last of them shorter than the others or the
//! report complete with it (USB 2.0, 5.7.3). How long a report is its number tells.

use super::{Descriptor, Kind};
use crate::frame::Buffer;

/// What has come of a report.
#[derive(Debug)]
pub struct Packets {
    numbered: bool,
    /// The whole length of each report, its number counted.
    lengths: Vec<(u8, usize)>,
    packet: usize,
    /// Wiped as it grows and empties: a payment code may just pass through.
    partial: Buffer,
    /// How many more packets may belong to a report that was lost.
    adrift: usize,
}

impl Packets {
    /// Packets of at most `packet` bytes that carry the input reports of a descriptor.
    #[must_use]
    pub fn new(descriptor: &Descriptor, packet: usize) -> Self {
        let numbered = descriptor.is_numbered();
        let ids = if numbered { 1..=u8::MAX } else { 0..=0 };
        let length = |id| Some((id, descriptor.length(Kind::Input, id)? + usize::from(numbered)));
        let lengths = ids.filter_map(length).collect();
        Self { numbered, lengths, packet, partial: Buffer::default(), adrift: 0 }
    }

    /// Takes a packet; a report that it completes is handed on, number and data.
    pub fn take(&mut self, packet: &[u8], report: &mut dyn FnMut(u8, &[u8])) {
        if self.adrift > 0 {
            let is_last = packet.len() < self.packet;
            self.adrift = if is_last { 0 } else { self.adrift - 1 };
            return;
        }
        if self.partial.is_empty() && self.completes(packet, packet) {
            self.hand_on(packet, report);
            return;
        }
        self.partial.extend(packet);
        if self.completes(self.partial.bytes(), packet) {
            self.hand_on(self.partial.bytes(), report);
            self.partial.clear();
        }
    }

    /// A packet failed on its way: the report that it belonged to is given up.
    ///
    /// What is left of it would be taken for a report of its own, so packets are passed over up to the
    /// next short one. A report that fills its packets has none: then it is as many as the longest
    /// report has, and where that is wrong a number tells, for most bytes are none.
    pub fn lost(&mut self) {
        self.partial.clear();
        let longest = self.lengths.iter().map(|(_, length)| *length).max().unwrap_or(0);
        let packets = longest.div_ceil(self.packet.max(1));
        self.adrift = if packets > 1 { packets } else { 0 };
    }

    fn completes(&self, all: &[u8], packet: &[u8]) -> bool {
        let id = all.first().copied().filter(|_| self.numbered).unwrap_or(0);
        let known = self.lengths.iter().find(|(other, _)| *other == id);
        packet.len() < self.packet || known.is_none_or(|(_, length)| all.len() >= *length)
    }

    fn hand_on(&self, whole: &[u8], report: &mut dyn FnMut(u8, &[u8])) {
        match whole.split_first() {
            None => {}
            Some((id, data)) if self.numbered => report(*id, data),
            Some(_) => report(0, whole),
        }
    }
}
