//! Puts the packets of an interrupt endpoint together to reports.
//!
//! A report longer than a packet comes in several, the last of them shorter than the others or the
//! report complete with it (USB 2.0, 5.7.3). How long a report is its number tells.

use zeroize::Zeroize;

use super::{Descriptor, Kind};

/// What has come of a report.
#[derive(Debug)]
pub struct Packets {
    numbered: bool,
    /// The whole length of each report, its number counted.
    lengths: Vec<(u8, usize)>,
    packet: usize,
    partial: Vec<u8>,
}

impl Packets {
    /// Packets of at most `packet` bytes that carry the input reports of a descriptor.
    #[must_use]
    pub fn new(descriptor: &Descriptor, packet: usize) -> Self {
        let numbered = descriptor.is_numbered();
        let ids = if numbered { 1..=u8::MAX } else { 0..=0 };
        let length = |id| Some((id, descriptor.length(Kind::Input, id)? + usize::from(numbered)));
        let lengths = ids.filter_map(length).collect();
        Self { numbered, lengths, packet, partial: Vec::new() }
    }

    /// Takes a packet; a report that it completes is handed on, number and data.
    pub fn take(&mut self, packet: &[u8], report: &mut dyn FnMut(u8, &[u8])) {
        if self.partial.is_empty() && self.completes(packet, packet) {
            self.hand_on(packet, report);
            return;
        }
        self.partial.extend_from_slice(packet);
        if self.completes(&self.partial, packet) {
            let mut whole = std::mem::take(&mut self.partial);
            self.hand_on(&whole, report);
            // A payment code may just have passed through.
            whole.zeroize();
        }
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
