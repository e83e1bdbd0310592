//! The file that what was seen is kept in: a line for each change, the last one of a code counts.
//!
//! Contract: what is appended outlives the process at once, and a power cut once it has been synced. That
//! waits for the disk, so a thread of its own does it; what comes meanwhile is synced with it. A file of
//! which nobody knows any more what is in it is written anew.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use super::Then;

/// The file.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    /// Open to be appended to; nothing while it has to be written anew.
    open: Option<Arc<fs::File>>,
    lines: usize,
    state: Arc<State>,
    /// The thread that syncs it, once there was anything to sync.
    syncs: Option<mpsc::Sender<Job>>,
}

#[derive(Debug, Default)]
struct State {
    /// A sync has failed: what is on the disk is not known.
    is_broken: AtomicBool,
    /// Its name is new, and the directory has not been synced since.
    is_renamed: AtomicBool,
}

struct Job {
    file: Arc<fs::File>,
    then: Then,
}

impl File {
    /// The file at this path, which has so many lines; nothing where it cannot be gone on with.
    pub(super) fn at(path: &Path, lines: Option<usize>) -> Self {
        let open = lines.and_then(|_| OpenOptions::new().append(true).open(path).ok());
        Self {
            path: path.to_owned(),
            open: open.map(Arc::new),
            lines: lines.unwrap_or_default(),
            state: Arc::default(),
            syncs: None,
        }
    }

    /// How many lines it has; nothing where it has to be written anew.
    pub(super) fn lines(&self) -> Option<usize> {
        let is_broken = self.state.is_broken.load(Ordering::Acquire);
        self.open.as_ref().filter(|_| !is_broken).map(|_| self.lines)
    }

    /// Writes lines behind what is there.
    pub(super) fn append(&mut self, text: &str) -> io::Result<()> {
        let Some(open) = &self.open else { return Err(io::ErrorKind::NotFound.into()) };
        let written = open.as_ref().write_all(text.as_bytes());
        self.lines += text.lines().count();
        if written.is_err() {
            // A part of a line may be there, which the next one would be joined to.
            self.open = None;
        }
        written
    }

    /// Writes all of it anew: all or nothing. What is `precious` must not be missing from it after a power
    /// cut, though it was in the file before.
    pub(super) fn rewrite(&mut self, text: &str, precious: bool) -> io::Result<()> {
        // Where this fails the old file lacks what was to be written, and must not be gone on with.
        self.open = None;
        let new = self.path.with_extension("new");
        // The key is in it. What was left of an earlier try may have other permissions.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&new)?;
        (&file).write_all(text.as_bytes())?;
        if precious {
            file.sync_all()?;
        }
        fs::rename(&new, &self.path)?;
        self.state.is_renamed.store(true, Ordering::Release);
        self.state.is_broken.store(false, Ordering::Release);
        (self.open, self.lines) = (Some(Arc::new(file)), text.lines().count());
        Ok(())
    }

    /// Has what was written put on the disk. `then` hears whether it is there; given back where nobody could
    /// be asked to.
    pub(super) fn sync(&mut self, then: Then) -> Result<(), Then> {
        let Some(file) = self.open.clone() else { return Err(then) };
        let (state, path) = (&self.state, &self.path);
        let syncs = self.syncs.get_or_insert_with(|| serve(path, Arc::clone(state)));
        syncs.send(Job { file, then }).map_err(|unsent| unsent.0.then)
    }
}

/// A thread that syncs; it ends with the last way to it.
fn serve(path: &Path, state: Arc<State>) -> mpsc::Sender<Job> {
    let (syncs, inbox) = mpsc::channel::<Job>();
    let directory = path.parent().map(Path::to_owned).unwrap_or_default();
    thread::spawn(move || {
        while let Ok(first) = inbox.recv() {
            let jobs: Vec<Job> = std::iter::once(first).chain(inbox.try_iter()).collect();
            // The newest file has all that was ever to be kept.
            let is_there = jobs.last().is_some_and(|job| is_synced(&job.file, &directory, &state));
            for job in jobs {
                (job.then)(is_there);
            }
        }
    });
    syncs
}

fn is_synced(file: &fs::File, directory: &Path, state: &State) -> bool {
    if file.sync_data().is_err() {
        // What the system has given up to write it does not try again.
        state.is_broken.store(true, Ordering::Release);
        return false;
    }
    if !state.is_renamed.swap(false, Ordering::AcqRel) {
        return true;
    }
    let is_named = fs::File::open(directory).and_then(|directory| directory.sync_all()).is_ok();
    if !is_named {
        state.is_renamed.store(true, Ordering::Release);
    }
    is_named
}
