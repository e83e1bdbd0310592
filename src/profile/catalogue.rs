//! All profiles by id: those compiled in, under those of the directories.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::errors::Errors;
use super::{Profile, files};
use crate::settings::{Error, File};

/// Stem and text of each file in `profiles/`, by stem.
const BUILT_IN: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/profiles.rs"));

/// The profiles that there are, unparsed.
#[derive(Clone, Debug)]
pub struct Catalogue {
    entries: BTreeMap<String, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    file: File,
    built_in: bool,
}

impl Catalogue {
    /// The profiles compiled in.
    #[must_use]
    pub fn built_in() -> Self {
        let entry = |(id, text): &(&str, &str)| {
            let file = File { name: format!("built-in profile {id}"), text: (*text).to_owned() };
            ((*id).to_owned(), Entry { file, built_in: true })
        };
        Self { entries: BUILT_IN.iter().map(entry).collect() }
    }

    /// The profiles compiled in and those of the directories, a later one in place of an earlier
    /// one of the same id.
    ///
    /// # Errors
    ///
    /// One for each file or directory that cannot be read.
    pub fn load(directories: &[PathBuf]) -> Result<Self, Vec<Error>> {
        let mut catalogue = Self::built_in();
        let mut errors = Errors::default();
        let listed = |path: &PathBuf| errors.note(files::list(path)).unwrap_or_default();
        let paths: Vec<PathBuf> = directories.iter().flat_map(listed).collect();
        for path in paths {
            // A file that went away between listing and reading is as good as never there.
            let Some(Some(file)) = errors.note(files::read(&path)) else { continue };
            let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            catalogue.entries.insert(id, Entry { file, built_in: false });
        }
        errors.or(Some(catalogue))
    }

    /// The ids, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The file of this id.
    #[must_use]
    pub fn file(&self, id: &str) -> Option<&File> {
        self.entries.get(id).map(|entry| &entry.file)
    }

    /// Whether the profile of this id is the one compiled in.
    #[must_use]
    pub fn is_built_in(&self, id: &str) -> bool {
        self.entries.get(id).is_some_and(|entry| entry.built_in)
    }

    /// The profile of this id; nothing where there is none.
    ///
    /// # Errors
    ///
    /// All that is wrong in its file.
    pub fn profile(&self, id: &str) -> Result<Option<Profile>, Vec<Error>> {
        let Some(file) = self.file(id) else { return Ok(None) };
        let document = file.parse().map_err(|error| vec![error])?;
        Profile::read(&document.root(), id).map(Some)
    }
}
