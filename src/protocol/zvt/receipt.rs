//! Lines of receipts: whose they are, and when they are told.
//!
//! Contract: pure. Each line is on the disk, masked, before it is acknowledged. Where a number may run on from its
//! end that end is masked too, and the line is put right when the next message has shown what it is. All that
//! the terminal says but a line ends the receipt, and so does all that changes whose its lines are: what is put
//! right is where it was put.

use super::{Job, Purpose, Step, Zvt};
use crate::event::terminal::{Answer, Copy, Entry, Line};
use crate::normalize::mask::Given;
use crate::protocol::{Item, Output};
use crate::secret::Secret;

/// How many lines of a receipt are kept for a transaction that may still be asked about.
const LINES: usize = 400;

impl Zvt {
    pub(super) fn print(&mut self, lines: Vec<(Copy, Secret<String>)>, out: &mut Output) {
        let given = self.receipt.block(lines);
        self.printed(given, out);
    }

    /// The receipt goes on no further: what was masked for what might follow is put right.
    pub(super) fn end_receipt(&mut self, out: &mut Output) {
        let given = self.receipt.end();
        self.printed(given, out);
    }

    fn printed(&mut self, given: Vec<Given>, out: &mut Output) {
        for given in given {
            match given {
                Given::New(line) => self.add(line, out),
                Given::Again(lines) => self.put_right(lines, out),
            }
        }
    }

    /// Keeps a line for the transaction that it is of.
    fn add(&mut self, line: Line, out: &mut Output) {
        if self.lines.len() < LINES {
            self.lines.push(line);
        }
        if self.is_of_job() {
            // The terminal is still at work on what is asked about.
            return persist(&mut self.lines, out);
        }
        if self.job.as_ref().is_some_and(is_of_last) {
            return self.reprinted(out);
        }
        if self.job.as_ref().is_some_and(|job| job.purpose != Purpose::Enquiry) {
            // Of an earlier transaction.
            self.lines.clear();
        }
    }

    /// Puts the last lines right, where they are.
    fn put_right(&mut self, lines: Vec<Line>, out: &mut Output) {
        let is_reprinted = self.job.as_ref().is_some_and(|job| job.is_reprinted);
        if self.lines.is_empty() && (self.is_of_job() || is_reprinted) {
            return out.push(Item::Persist(Entry::Amended(lines)));
        }
        // Of a receipt that is too long the last lines are not there, and of one that is nobody's none.
        let first = self.lines.len().checked_sub(lines.len());
        if let Some(first) = first.filter(|_| self.lines.len() < LINES) {
            self.lines.truncate(first);
            self.lines.extend(lines);
        }
    }

    /// Whether lines that come now are of what the terminal is at work on.
    fn is_of_job(&self) -> bool {
        match &self.job {
            Some(job) if job.purpose == Purpose::Enquiry => !is_of_last(job),
            Some(job) => job.step == Step::Command && job.is_accepted,
            None => false,
        }
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

/// Whether the terminal prints its last receipt again.
fn is_of_last(job: &Job) -> bool {
    job.step == Step::LastReceipt && job.is_accepted
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
