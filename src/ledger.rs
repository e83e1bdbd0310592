//! The ledger: every transaction of every terminal, before, while and after it happens.
//!
//! Contract: what a method returned `Ok` for is on the disk. Card and account numbers are masked before
//! they get here. One thread owns the file; [`Ledger`] is the way to it, so that a slow disk holds up
//! nobody but who waits for it.
//!
//! SQLite keeps it with a write-ahead log and `synchronous = FULL`: a commit is one append and one flush,
//! where a rollback journal needs several of each, and a receipt of forty lines is forty commits that a
//! terminal waits for. `tillbusctl ledger` reads it while the daemon writes.

mod book;
mod json;

use std::path::Path;
use std::sync::mpsc;
use std::thread;

use tokio::sync::oneshot;

pub use book::{Act, Answered, Begun, Book, End, Error, Refused, Row, Totals};

type Job = Box<dyn FnOnce(&mut Book) + Send>;

/// The way to the ledger. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ledger {
    jobs: mpsc::Sender<Job>,
}

impl Ledger {
    /// Opens the ledger at this path, or makes it, and gives it a thread.
    ///
    /// # Errors
    ///
    /// Where the file cannot be opened or is no ledger.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self::keep(Book::open(path)?))
    }

    /// Gives an open book a thread.
    #[must_use]
    pub fn keep(mut book: Book) -> Self {
        let (jobs, inbox) = mpsc::channel::<Job>();
        // It ends with the last way to it.
        thread::spawn(move || {
            while let Ok(job) = inbox.recv() {
                job(&mut book);
            }
        });
        Self { jobs }
    }

    /// Has something done; what has been asked for before is done before.
    pub fn run(&self, job: impl FnOnce(&mut Book) + Send + 'static) {
        // A thread that has panicked takes nothing: whoever waits sees its answer's sender dropped.
        let _ = self.jobs.send(Box::new(job));
    }

    /// Has something done and waits for it; nothing where the thread is gone.
    pub async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Book) -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.run(move |book| {
            let _ = reply.send(job(book));
        });
        answer.await.ok()
    }
}
