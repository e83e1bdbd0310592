//! What a terminal's word comes to: how a job ended, and what belongs to no job of ours.

use super::{Job, code};
use crate::event::Fault;
use crate::event::terminal::{Answer, Awaiting, Ending, Entry, Progress, Said};
use crate::protocol::{Item, Output};

/// Keeps the terminal's word on a transaction that is over for us. It names none of ours.
pub(super) fn late(answer: Box<Answer>, out: &mut Output) {
    out.fault(Fault::Late);
    out.push(Item::Persist(Entry::Late(None, answer)));
}

/// Whether something else is told behind an approval: a refusal, or another receipt or amount. One that is not told
/// again contradicts nothing.
pub(super) fn contradicts(before: &Answer, now: &Answer) -> bool {
    let has_other = |before: Option<u64>, now: Option<u64>| {
        before.zip(now).is_some_and(|(before, now)| before != now)
    };
    let receipt = |answer: &Answer| answer.receipt.map(u64::from);
    before.approved
        && (!now.approved
            || has_other(receipt(before), receipt(now))
            || has_other(before.amount, now.amount))
}

/// Takes over into an approval what the one before has told and it does not.
pub(super) fn fill(now: &mut Answer, before: &Answer) {
    if now.amount.is_none() {
        (now.amount, now.currency) = (before.amount, before.currency);
    }
    now.receipt = now.receipt.or(before.receipt);
    now.trace = now.trace.or(before.trace);
    now.original_trace = now.original_trace.or(before.original_trace);
    now.currency = now.currency.or(before.currency);
    now.entry_mode = now.entry_mode.or(before.entry_mode);
    now.signature |= before.signature;
    let texts = [
        (&mut now.terminal, &before.terminal),
        (&mut now.pan_masked, &before.pan_masked),
        (&mut now.brand, &before.brand),
        (&mut now.authorization_code, &before.authorization_code),
    ];
    for (text, before) in texts {
        *text = text.take().or_else(|| before.clone());
    }
}

pub(super) fn progress(awaiting: Awaiting, text: &'static str, out: &mut Output) {
    out.push(Item::Said(Said::Progress(Progress { awaiting, text: text.into() })));
}

/// How a job ended that the terminal says is complete.
pub(super) fn completed(job: &Job, result: Option<u8>, out: &mut Output) -> Ending {
    if job.is_contradicted {
        return contradicted();
    }
    let refused = result.filter(|result| *result != code::SUCCESS);
    let Some(answer) = &job.answer else {
        if let Some(reason) = refused {
            answered_no(reason, None, out);
            return if reason == code::ABORTED { Ending::Aborted } else { Ending::Declined };
        }
        return if job.order.operation.moves_money() {
            Ending::Unclear("the terminal completed without saying how it went".into())
        } else {
            Ending::Approved
        };
    };
    if !answer.approved {
        return if answer.code == ABORTED { Ending::Aborted } else { Ending::Declined };
    }
    if let Some(status) = refused {
        out.fault(Fault::Refused { status });
        return Ending::Contradictory("the terminal approved and completed with an error".into());
    }
    match job.order.misfit(answer, job.terminal.as_deref()) {
        Some(misfit) => {
            out.fault(Fault::Misfit { what: misfit.word() });
            Ending::Contradictory(misfit.to_string().into())
        }
        None => Ending::Approved,
    }
}

/// The code of an answer that was stopped, as [`Answer::code`] has it.
pub(super) const ABORTED: &str = "6C";

/// Puts on disk that the terminal says no, where it has sent no status information.
fn answered_no(reason: u8, words: Option<String>, out: &mut Output) {
    let text = words.unwrap_or_else(|| code::result(reason).to_owned());
    let answer = Answer { code: format!("{reason:02X}"), text, ..Answer::default() };
    out.push(Item::Persist(Entry::Answer(Box::new(answer))));
}

/// The end of a job of which the terminal has said two things. It is not asked what it did: it would repeat one of them.
pub(super) fn contradicted() -> Ending {
    Ending::Contradictory("the terminal approved and then said something else".into())
}

/// How a job ended that the terminal says it has stopped.
pub(super) fn aborted(job: &Job, reason: u8, words: Option<String>, out: &mut Output) -> Ending {
    let is_approved = job.answer.as_ref().is_some_and(|answer| answer.approved);
    if is_approved || job.is_contradicted {
        out.fault(Fault::Refused { status: reason });
        return Ending::Contradictory("the terminal approved and stopped all the same".into());
    }
    if job.answer.is_none() {
        answered_no(reason, words, out);
    }
    if reason == code::ABORTED { Ending::Aborted } else { Ending::Declined }
}
