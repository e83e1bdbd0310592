//! A recorded conversation in place of a line: bytes, line errors and hang-ups at their times.
//!
//! What is written goes nowhere, and requests in the recording are passed over: in a replay the
//! clients ask for themselves.

use std::collections::VecDeque;
use std::future::pending;

use super::Error;
use crate::clock;
use crate::event::Timestamp;
use crate::protocol::Input;
use crate::recording::{Recording, Step};

#[derive(Debug)]
pub(super) struct Replay {
    header: Vec<String>,
    steps: VecDeque<Step>,
    /// The end of the wait being waited, so that a cancelled wait does not begin anew.
    until: Option<Timestamp>,
    closed: bool,
}

impl Replay {
    pub(super) fn new(recording: Recording) -> Self {
        let Recording { header, steps } = recording;
        Self { header, steps: steps.into(), until: None, closed: false }
    }

    pub(super) fn rest(self) -> Recording {
        Recording { header: self.header, steps: self.steps.into() }
    }

    pub(super) async fn receive(
        &mut self,
        sink: &mut (dyn FnMut(Input<'_>) + Send),
    ) -> Result<(), Error> {
        // A recording without waits is always ready; others want their turn too.
        tokio::task::consume_budget().await;
        loop {
            if self.closed {
                return Err(Error::Disconnected);
            }
            if let Some(Step::Wait(duration)) = self.steps.front() {
                let now = clock::boottime();
                let until = *self.until.get_or_insert(now + *duration);
                tokio::time::sleep(until.since(now)).await;
                self.until = None;
            }
            // At its end the device is still there, and says nothing more.
            let Some(step) = self.steps.pop_front() else { return pending().await };
            match step {
                Step::Bytes(bytes) => sink(Input::Bytes(&bytes)),
                Step::BadByte(byte) => sink(Input::BadByte(byte)),
                Step::Break => sink(Input::Break),
                Step::Descriptor(bytes) => sink(Input::Descriptor(&bytes)),
                Step::Report { id, data } => sink(Input::Report { id, data: &data }),
                Step::Close => {
                    self.closed = true;
                    continue;
                }
                Step::Wait(_) | Step::Ask(_) | Step::Instruct(_) => continue,
            }
            return Ok(());
        }
    }

    /// Nobody is there to hear it, and a device that is gone says so.
    pub(super) fn write(&self) -> Result<(), Error> {
        if self.closed { Err(Error::Disconnected) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::transport::Port;

    async fn hear(port: &mut Port) -> Result<Vec<String>, Error> {
        let mut heard = Vec::new();
        let mut sink = |input: Input<'_>| heard.push(format!("{input:?}"));
        tokio::time::timeout(Duration::from_secs(10), port.receive(&mut sink)).await.unwrap()?;
        Ok(heard)
    }

    #[tokio::test]
    async fn all_that_was_recorded_comes_in_its_order() {
        let text = "# device: none, synthetic\n< 34 30\n~ bad 41\n! trigger on\n+ 20ms\n~ break\n\
                    ~ hang-up\n< 0D\n";
        let mut port = Port::replay(Recording::parse(text).unwrap());
        assert_eq!(hear(&mut port).await.unwrap(), ["Bytes([52, 48])"]);
        assert_eq!(hear(&mut port).await.unwrap(), ["BadByte(65)"]);
        let before = clock::boottime();
        assert_eq!(hear(&mut port).await.unwrap(), ["Break"]);
        assert!(clock::boottime().since(before) >= Duration::from_millis(20));
        port.write(b"into the void").await.unwrap();
        for _ in 0..2 {
            assert!(matches!(hear(&mut port).await, Err(Error::Disconnected)));
        }
        let error = port.write(b"x").await.unwrap_err();
        assert!(matches!(error.error, Error::Disconnected));
        let mut again = Port::replay(port.close().await.unwrap());
        assert_eq!(hear(&mut again).await.unwrap(), ["Bytes([13])"]);
    }

    #[tokio::test]
    async fn a_cancelled_wait_goes_on_where_it_was() {
        let mut port = Port::replay(Recording::parse("+ 60ms\n< 41\n").unwrap());
        let before = clock::boottime();
        let mut tries = 0;
        let heard = loop {
            tries += 1;
            let attempt = hear(&mut port);
            if let Ok(heard) = tokio::time::timeout(Duration::from_millis(10), attempt).await {
                break heard.unwrap();
            }
            assert!(clock::boottime().since(before) < Duration::from_secs(10), "it began anew");
        };
        assert_eq!(heard, ["Bytes([65])"]);
        assert!(tries > 1, "nothing was cancelled");
    }
}
