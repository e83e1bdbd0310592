//! The files of a directory, read whole, with errors that have a place.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::settings::{Error, File};

/// The file; nothing where there is none.
///
/// # Errors
///
/// Where it cannot be read or is not UTF-8.
pub(crate) fn read(path: &Path) -> Result<Option<File>, Error> {
    let name = path.display().to_string();
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, &error)),
    };
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(File { name, text })),
        Err(error) => Err(not_text(name, error.as_bytes(), error.utf8_error().valid_up_to())),
    }
}

/// The paths of the directory's `*.toml` files, by name; none where there is no directory.
/// Names that begin with a dot are editors' and package managers' own, and are passed over.
///
/// # Errors
///
/// Where the directory cannot be read.
pub(crate) fn list(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(directory, &error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(directory, &error))?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error {
        file: path.display().to_string(),
        line: 1,
        column: 1,
        message: format!("cannot be read: {error}"),
    }
}

fn not_text(file: String, bytes: &[u8], good: usize) -> Error {
    let before = String::from_utf8_lossy(bytes.get(..good).unwrap_or_default());
    let (line, start) = before
        .char_indices()
        .filter(|(_, character)| *character == '\n')
        .fold((1, 0), |(line, _), (at, _)| (line + 1, at + 1));
    let column = before.get(start..).unwrap_or_default().chars().count() + 1;
    let byte = bytes.get(good).copied().unwrap_or_default();
    Error {
        file,
        line,
        column,
        message: format!("byte {byte:02X} is not UTF-8; accepted is UTF-8"),
    }
}
