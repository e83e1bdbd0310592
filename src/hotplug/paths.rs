//! Paths that udev knows nothing of: ptys, and links that somebody else makes.
//!
//! One inotify instance watches, for each path, the directory in which its next missing or last
//! component will appear, the same for what it links to, and the node itself. Nothing is polled.

use std::collections::{HashMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::readiness::watch;
use crate::transport::is_pty;

/// How many links a path may lead through, as many as the kernel follows.
const LINKS: usize = 40;

/// What a watched path did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathChange {
    /// It leads to something now; again, if it leads to something else than before.
    Appeared(PathBuf),
    /// It leads nowhere any more.
    Gone(PathBuf),
    /// Somebody who could write to it has closed it, or its rights have changed: one that was busy
    /// or forbidden is worth another try. Our own close is told as well, and so is the end of an
    /// open that failed half-way: after any other error it is no reason to try again.
    Released(PathBuf),
}

/// Tells when paths appear, go, or become free.
#[derive(Debug)]
pub struct PathWatch {
    inotify: Inotify,
    ready: AsyncFd<OwnedFd>,
    watched: HashMap<PathBuf, Option<Identity>>,
    watches: HashMap<WatchDescriptor, Vec<Interested>>,
    news: VecDeque<PathChange>,
}

/// Which file it is, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    /// A pty's number may come back at once with the same inode; it was made at another time.
    changed: (i64, i64),
}

impl Identity {
    /// Whether it is in the same place; new rights change the time as well.
    fn is_at(self, other: Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// A path that depends on what is watched.
#[derive(Debug)]
struct Interested {
    path: PathBuf,
    /// The entry of the directory that matters to it; `None` where the node itself is watched.
    name: Option<OsString>,
}

impl PathWatch {
    /// Watches nothing yet. Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// Where the system has no inotify instance left.
    pub fn new() -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        let ready = watch(inotify.as_fd().try_clone_to_owned()?, Interest::READABLE)?;
        Ok(Self {
            inotify,
            ready,
            watched: HashMap::new(),
            watches: HashMap::new(),
            news: VecDeque::new(),
        })
    }

    /// Watches one more path; if it leads somewhere already, that is its first change. One that is
    /// watched already stays so.
    pub fn add(&mut self, path: &Path) {
        if self.watched.contains_key(path) {
            return;
        }
        // Nothing is known of it, so there is nothing to forget first: hundreds of ports are added
        // at a start, and looking through all of them for each would take the longest of it.
        let found = self.follow(path);
        self.watched.insert(path.to_owned(), found);
        if found.is_some() {
            self.news.push_back(PathChange::Appeared(path.to_owned()));
        }
    }

    /// Watches a path no longer.
    pub fn remove(&mut self, path: &Path) {
        self.watched.remove(path);
        self.forget(path);
        self.drop_idle_watches();
    }

    /// The next change; waits for ever while nothing is watched. Safe to cancel.
    ///
    /// # Errors
    ///
    /// Where inotify fails, which it does not.
    pub async fn next(&mut self) -> io::Result<PathChange> {
        loop {
            while let Some(change) = self.news.pop_front() {
                let (PathChange::Appeared(path)
                | PathChange::Gone(path)
                | PathChange::Released(path)) = &change;
                if self.watched.contains_key(path) {
                    return Ok(change);
                }
            }
            let mut ready = self.ready.readable().await?;
            match self.inotify.read_events() {
                Ok(events) => self.hear(&events),
                Err(Errno::EAGAIN) => ready.clear_ready(),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    fn hear(&mut self, events: &[InotifyEvent]) {
        for event in events {
            if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
                let all: Vec<_> = self.watched.keys().cloned().collect();
                all.iter().for_each(|path| self.look(path));
                continue;
            }
            let interested = self.watches.get(&event.wd).map(Vec::as_slice).unwrap_or_default();
            let concerned = interested.iter().filter(|interested| {
                // An event without a name is about the watched thing itself.
                event.name.is_none() || interested.name == event.name
            });
            let released = AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_ATTRIB;
            let is_release = event.mask.intersects(released);
            for path in concerned.map(|interested| interested.path.clone()).collect::<Vec<_>>() {
                if is_release {
                    self.release(&path);
                } else {
                    self.look(&path);
                }
            }
        }
    }

    /// A node was closed or its rights changed; unless it is another one by now, say so once.
    fn release(&mut self, path: &Path) {
        let before = self.watched.get(path).copied().flatten();
        match (before, identity(path)) {
            (Some(before), Some(now)) if before.is_at(now) => {
                self.watched.insert(path.to_owned(), Some(now));
                let release = PathChange::Released(path.to_owned());
                if !self.news.contains(&release) {
                    self.news.push_back(release);
                }
            }
            _ => self.look(path),
        }
    }

    /// Looks where a path leads now, watches what matters to it and tells what is different.
    fn look(&mut self, path: &Path) {
        if !self.watched.contains_key(path) {
            return;
        }
        self.forget(path);
        let found = self.follow(path);
        self.drop_idle_watches();
        let before = self.watched.insert(path.to_owned(), found).flatten();
        if before == found {
            return;
        }
        if before.is_some() {
            self.news.push_back(PathChange::Gone(path.to_owned()));
        }
        if found.is_some() {
            self.news.push_back(PathChange::Appeared(path.to_owned()));
        }
    }

    /// Follows a path component by component, each watched before it is looked at.
    fn follow(&mut self, path: &Path) -> Option<Identity> {
        let mut at = path.to_owned();
        for _ in 0..LINKS {
            let (directory, name) = nearest(&at)?;
            self.watch_directory(path, &directory, name);
            match std::fs::symlink_metadata(&at) {
                Ok(metadata) if metadata.is_symlink() => {
                    at = at.parent()?.join(std::fs::read_link(&at).ok()?);
                }
                Ok(_) => {
                    self.watch_node(path, &at);
                    return identity(&at);
                }
                // It appeared between the two looks, or a directory went: look again.
                Err(_) if nearest(&at)?.0 != directory => {}
                Err(_) => return None,
            }
        }
        None
    }

    fn watch_directory(&mut self, path: &Path, directory: &Path, name: OsString) {
        // IN_CLOSE_WRITE is not among them: in /dev it would tell of every use of /dev/null.
        let mask = AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_MOVED_FROM
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_ONLYDIR;
        self.watch(path, directory, mask, Some(name));
    }

    fn watch_node(&mut self, path: &Path, node: &Path) {
        // Its rights may forbid us to watch it; its directory tells when they change.
        self.watch(path, node, AddWatchFlags::IN_CLOSE_WRITE, None);
    }

    fn watch(&mut self, path: &Path, at: &Path, mask: AddWatchFlags, name: Option<OsString>) {
        match self.inotify.add_watch(at, mask) {
            Ok(watch) => {
                let interested = Interested { path: path.to_owned(), name };
                self.watches.entry(watch).or_default().push(interested);
            }
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES) => {}
            Err(errno) => {
                tracing::warn!(path = %at.display(), error = %errno, "cannot be watched");
            }
        }
    }

    fn forget(&mut self, path: &Path) {
        for interested in self.watches.values_mut() {
            interested.retain(|interested| interested.path != path);
        }
    }

    fn drop_idle_watches(&mut self) {
        let inotify = &self.inotify;
        self.watches.retain(|watch, interested| {
            if interested.is_empty() {
                // The kernel has dropped it already where the thing watched is gone.
                let _ = inotify.rm_watch(*watch);
            }
            !interested.is_empty()
        });
    }
}

/// The nearest directory on the way to a path that exists, and the entry missing or looked for.
fn nearest(path: &Path) -> Option<(PathBuf, OsString)> {
    let mut name = path.file_name()?;
    for directory in path.ancestors().skip(1) {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        if directory.is_dir() {
            return Some((directory.to_owned(), name.to_owned()));
        }
        name =
            directory.components().next_back().map(Component::as_os_str).unwrap_or(OsStr::new(""));
    }
    None
}

fn identity(node: &Path) -> Option<Identity> {
    let metadata = std::fs::metadata(node).ok()?;
    let changed =
        if is_pty(metadata.rdev()) { (metadata.ctime(), metadata.ctime_nsec()) } else { (0, 0) };
    Some(Identity { device: metadata.dev(), inode: metadata.ino(), changed })
}
