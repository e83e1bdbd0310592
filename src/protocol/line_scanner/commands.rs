//! [`Commands`]: what a scanner is told, one command at a time, each with a reply.
//!
//! Contract: pure. A request may take several commands; it is done when the last of them is, and fails
//! with the first that does. Commands that no client asked for come from the configuration: what
//! becomes of them is told by faults alone, and the next one is sent all the same.

use std::collections::VecDeque;
use std::time::Duration;

use crate::event::{Failure, Fault, Timestamp};
use crate::protocol::{Item, Output, RequestId, Token};

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::protocol) struct Command {
    /// What goes over the line.
    pub bytes: Vec<u8>,
    /// By what its reply is known; the protocol says how.
    pub key: Vec<u8>,
    /// The request of which it is part, where a client asked.
    pub id: Option<RequestId>,
}

/// The commands that have no reply yet.
#[derive(Debug)]
pub(in crate::protocol) struct Commands {
    patience: Duration,
    asked: Option<(Command, Timestamp)>,
    waiting: VecDeque<Command>,
    /// The last command's.
    token: Token,
}

impl Commands {
    /// None yet; a device has `patience` for each reply.
    pub(in crate::protocol) fn new(patience: Duration) -> Self {
        Self { patience, asked: None, waiting: VecDeque::new(), token: Token(0) }
    }

    /// The command whose reply is due.
    pub(in crate::protocol) fn asked(&self) -> Option<&Command> {
        self.asked.as_ref().map(|(command, _)| command)
    }

    /// Whether a client waits for one of them.
    pub(in crate::protocol) fn is_request_open(&self) -> bool {
        self.asked().into_iter().chain(&self.waiting).any(|command| command.id.is_some())
    }

    /// Sends these, after those that are there.
    pub(in crate::protocol) fn ask(
        &mut self,
        now: Timestamp,
        commands: impl IntoIterator<Item = Command>,
        out: &mut Output,
    ) {
        self.waiting.extend(commands);
        self.next(now, out);
    }

    /// The reply says that this command is to be sent to go on with the same request.
    pub(in crate::protocol) fn go_on(
        &mut self,
        now: Timestamp,
        command: Command,
        out: &mut Output,
    ) {
        self.asked = None;
        self.waiting.push_front(command);
        self.next(now, out);
    }

    /// The reply has come: yes, or no with this status.
    pub(in crate::protocol) fn replied(
        &mut self,
        now: Timestamp,
        reply: Result<(), u8>,
        out: &mut Output,
    ) {
        if let Err(status) = reply {
            out.fault(Fault::Refused { status });
        }
        self.end(now, reply.map_err(|_| Failure::Refused), out);
    }

    /// The bytes of a command have left.
    pub(in crate::protocol) fn sent(&mut self, now: Timestamp, token: Token) {
        if let (Some((_, deadline)), true) = (&mut self.asked, token == self.token) {
            *deadline = now + self.patience;
        }
    }

    /// When the reply is overdue.
    pub(in crate::protocol) fn deadline(&self) -> Option<Timestamp> {
        self.asked.as_ref().map(|(_, deadline)| *deadline)
    }

    /// Gives up a reply that is overdue.
    pub(in crate::protocol) fn timeout(&mut self, now: Timestamp, out: &mut Output) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            out.fault(Fault::NoReply);
            self.end(now, Err(Failure::NoReply), out);
        }
    }

    /// The line is gone.
    pub(in crate::protocol) fn closed(&mut self, out: &mut Output) {
        let asked = self.asked.take().map(|(command, _)| command);
        let mut ids: Vec<RequestId> =
            asked.into_iter().chain(self.waiting.drain(..)).filter_map(|one| one.id).collect();
        ids.dedup();
        for id in ids {
            out.push(Item::Answer(id, Err(Failure::Gone)));
        }
    }

    fn end(&mut self, now: Timestamp, result: Result<(), Failure>, out: &mut Output) {
        let Some((command, _)) = self.asked.take() else { return };
        if let Some(id) = command.id {
            if result.is_err() {
                self.waiting.retain(|waiting| waiting.id != Some(id));
            }
            if !self.waiting.iter().any(|waiting| waiting.id == Some(id)) {
                out.push(Item::Answer(id, result));
            }
        }
        self.next(now, out);
    }

    fn next(&mut self, now: Timestamp, out: &mut Output) {
        if self.asked.is_none()
            && let Some(command) = self.waiting.pop_front()
        {
            self.token = Token(self.token.0.wrapping_add(1));
            out.push(Item::Write(command.bytes.clone(), Some(self.token)));
            self.asked = Some((command, now + self.patience));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str, id: Option<u64>) -> Command {
        Command { bytes: text.into(), key: text.into(), id: id.map(RequestId) }
    }

    fn said(out: &mut Output) -> Vec<String> {
        std::iter::from_fn(|| out.pop())
            .map(|item| match item {
                Item::Write(bytes, _) => String::from_utf8(bytes).unwrap(),
                Item::Fault(fault) => fault.kind().to_owned(),
                Item::Answer(id, result) => format!("{} {}", id.0, result.is_ok()),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn a_request_is_done_with_its_last_command_and_fails_with_the_first() {
        let (mut commands, mut out) = (Commands::new(Duration::from_secs(1)), Output::default());
        commands.ask(Timestamp(0), [command("a", None)], &mut out);
        commands.ask(Timestamp(0), [command("b", Some(1)), command("c", Some(1))], &mut out);
        commands.ask(Timestamp(0), [command("d", Some(2)), command("e", Some(2))], &mut out);
        assert_eq!(said(&mut out), ["a"]);
        commands.replied(Timestamp(1), Err(0x15), &mut out);
        assert_eq!(said(&mut out), ["refused", "b"]);
        commands.replied(Timestamp(2), Ok(()), &mut out);
        assert_eq!(said(&mut out), ["c"]);
        commands.replied(Timestamp(3), Ok(()), &mut out);
        assert_eq!(said(&mut out), ["1 true", "d"]);
        commands.timeout(Timestamp(1_000_002), &mut out);
        assert_eq!(said(&mut out), [""; 0]);
        commands.timeout(Timestamp(1_000_003), &mut out);
        assert_eq!(said(&mut out), ["no-reply", "2 false"]);
        assert_eq!(commands.deadline(), None);
    }

    #[test]
    fn a_line_that_goes_away_ends_each_request_once() {
        let (mut commands, mut out) = (Commands::new(Duration::from_secs(1)), Output::default());
        let all = [command("a", Some(1)), command("b", Some(1)), command("c", Some(2))];
        commands.ask(Timestamp(0), all, &mut out);
        commands.closed(&mut out);
        assert_eq!(said(&mut out), ["a", "1 false", "2 false"]);
        commands.replied(Timestamp(1), Ok(()), &mut out);
        assert!(out.is_empty());
    }
}
