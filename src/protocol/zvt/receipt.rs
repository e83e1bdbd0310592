//! Lines of receipts: whose they are, and when they are told.
//!
//! Contract: pure. Lines are masked before they leave; one in which a number may run on waits for the next, and
//! has been acknowledged by then. Where the line is cut just there it comes again with the last receipt.

use super::{Job, Purpose, Step, Zvt};
use crate::event::terminal::{Answer, Copy, Entry, Line};
use crate::protocol::{Item, Output};
use crate::secret::Secret;

/// How many lines of a receipt are kept for a transaction that may still be asked about.
const LINES: usize = 400;

impl Zvt {
    pub(super) fn print(&mut self, lines: Vec<(Copy, Secret<String>)>, out: &mut Output) {
        for (copy, text) in lines {
            let lines = self.receipt.line(copy, text);
            self.printed(lines, out);
        }
    }

    /// The receipt goes on no further: what was held back of it is let go.
    pub(super) fn end_receipt(&mut self, out: &mut Output) {
        let lines = self.receipt.end();
        self.printed(lines, out);
    }

    /// Keeps lines for the transaction that they are of.
    pub(super) fn printed(&mut self, lines: Vec<Line>, out: &mut Output) {
        let of_last = |job: &Job| job.step == Step::LastReceipt && job.is_accepted;
        let is_theirs = match &self.job {
            Some(job) if job.purpose == Purpose::Enquiry => !of_last(job),
            Some(job) => job.step == Step::Command && job.is_accepted,
            None => false,
        };
        self.lines.extend(lines);
        if is_theirs {
            // The terminal is still at work on what is asked about.
            return persist(&mut self.lines, out);
        }
        if self.job.as_ref().is_some_and(of_last) {
            return self.reprinted(out);
        }
        if self.job.as_ref().is_some_and(|job| job.purpose != Purpose::Enquiry) {
            // Of an earlier transaction.
            self.lines.clear();
        }
        self.lines.truncate(LINES);
    }

    /// The terminal prints its last receipt again: where that can be the one asked about, its lines take the
    /// place of those that came before.
    pub(super) fn reprinted(&mut self, out: &mut Output) {
        let Some(job) = &mut self.job else { return };
        let overheard = self.overheard.as_ref().map(|(answer, _)| answer.as_ref());
        let Some(answer) = job.answer.as_deref().or(overheard) else { return };
        if !may_be_of(job, answer) {
            return self.lines.clear();
        }
        if !self.lines.is_empty() && !std::mem::replace(&mut job.is_reprinted, true) {
            out.push(Item::Persist(Entry::Reprint));
        }
        persist(&mut self.lines, out);
    }
}

/// Keeps lines for the transaction under way, or asked about.
pub(super) fn persist(lines: &mut Vec<Line>, out: &mut Output) {
    lines.drain(..).for_each(|line| out.push(Item::Persist(Entry::Receipt(line))));
}

/// Whether the terminal's last receipt can be that of the order asked about.
fn may_be_of(job: &Job, answer: &Answer) -> bool {
    let order = &job.order;
    let is_new = answer.receipt.is_some() && answer.receipt != order.last_receipt;
    let is_all = !order.operation.needs_amount() || answer.amount == Some(order.amount);
    let fits = order.misfit(answer, job.terminal.as_deref()).is_none();
    answer.approved && is_new && is_all && fits
}
