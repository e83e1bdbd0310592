//! Gathering errors, so that one run tells of all that is wrong.

use crate::settings::Error;

/// The errors found so far.
#[derive(Debug, Default)]
pub(crate) struct Errors(Vec<Error>);

impl Errors {
    /// The value, or nothing once its error is noted.
    pub(crate) fn note<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// Notes an error.
    pub(crate) fn push(&mut self, error: Error) {
        self.0.push(error);
    }

    /// Notes errors found elsewhere.
    pub(crate) fn append(&mut self, errors: Vec<Error>) {
        self.0.extend(errors);
    }

    /// The value where there is one and nothing was wrong.
    pub(crate) fn or<T>(self, value: Option<T>) -> Result<T, Vec<Error>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }
}
