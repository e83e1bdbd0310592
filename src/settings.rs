//! TOML read by hand: every error names file, line, column, what was found and what is accepted.
//!
//! Contract: pure. A [`Section`] is one table, possibly laid over others (a device's `[device.line]`
//! over its profile's `[line]`): the first layer that has a key wins. Reading a key makes it known;
//! [`Section::finish`] refuses what nobody read, with the nearest known name.
//!
//! Rejected: serde. It reports the wrong place for a wrong variant, cannot say what is accepted, and
//! has no layers.

mod encoding;

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A file's name, as errors show it, and its text.
#[derive(Clone, Debug)]
pub struct File {
    /// The path, or `built-in profile NAME`.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// A wrong setting and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The file's name.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What was found and what is accepted.
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, message } = self;
        write!(formatter, "{file}:{line}:{column}: {message}")
    }
}

impl std::error::Error for Error {}

impl File {
    /// Parses the file.
    ///
    /// # Errors
    ///
    /// Where it is not TOML.
    pub fn parse(&self) -> Result<Document<'_>, Error> {
        let table = DeTable::parse(&self.text).map_err(|error| {
            self.error(error.span().unwrap_or(0..0), error.message().to_owned())
        })?;
        Ok(Document { file: self, table })
    }

    fn error(&self, span: Range<usize>, message: String) -> Error {
        let before = self.text.get(..span.start).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).unwrap_or("").chars().count() + 1;
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        Error { file: self.name.clone(), line, column, message }
    }
}

/// A parsed file.
#[derive(Debug)]
pub struct Document<'a> {
    file: &'a File,
    table: Spanned<DeTable<'a>>,
}

impl<'a> Document<'a> {
    /// The top-level table.
    #[must_use]
    pub fn root(&'a self) -> Section<'a> {
        Section::new(
            "the top level",
            vec![Layer { file: self.file, table: self.table.get_ref(), span: 0..0 }],
        )
    }
}

/// One table in one file.
#[derive(Clone, Debug)]
struct Layer<'a> {
    file: &'a File,
    table: &'a DeTable<'a>,
    span: Range<usize>,
}

/// A value and where it stands.
struct Found<'a> {
    file: &'a File,
    key: &'static str,
    span: Range<usize>,
    value: &'a DeValue<'a>,
}

/// A table being read, the first layer that has a key winning.
#[derive(Debug)]
pub struct Section<'a> {
    name: Cow<'a, str>,
    layers: Vec<Layer<'a>>,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    fn new(name: impl Into<Cow<'a, str>>, layers: Vec<Layer<'a>>) -> Self {
        Self { name: name.into(), layers, known: RefCell::default() }
    }

    /// A section without a single key, for defaults.
    #[must_use]
    pub fn empty(name: &'a str) -> Self {
        Self::new(name, Vec::new())
    }

    /// The same section with the keys of `below` where this one has none.
    #[must_use]
    pub fn over(mut self, below: Self) -> Self {
        self.layers.extend(below.layers);
        self
    }

    /// Whether any layer has the key. Does not make it known.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.layers.iter().any(|layer| layer.table.iter().any(|(name, _)| name.get_ref() == key))
    }

    /// A string.
    ///
    /// # Errors
    ///
    /// Where the value is not one; so in all readers below.
    pub fn string(&self, key: &'static str) -> Result<Option<&'a str>, Error> {
        self.find(key).map(|found| found.string()).transpose()
    }

    /// A string that has to be there.
    ///
    /// # Errors
    ///
    /// Where it is missing or not a string.
    pub fn required_string(&self, key: &'static str) -> Result<&'a str, Error> {
        self.string(key)?.ok_or_else(|| {
            self.error_here(format!("`{key}` is missing in {}; accepted is a string", self.name))
        })
    }

    /// A boolean.
    ///
    /// # Errors
    ///
    /// Where the value is not one.
    pub fn boolean(&self, key: &'static str) -> Result<Option<bool>, Error> {
        self.find(key)
            .map(|found| found.value.as_bool().ok_or_else(|| found.wrong("true or false")))
            .transpose()
    }

    /// A whole number within a range.
    ///
    /// # Errors
    ///
    /// Where the value is not one or lies outside.
    pub fn integer(
        &self,
        key: &'static str,
        range: RangeInclusive<u32>,
    ) -> Result<Option<u32>, Error> {
        self.find(key).map(|found| found.integer(&range)).transpose()
    }

    /// A whole number or a list of them, each within a range.
    ///
    /// # Errors
    ///
    /// Where a value is not one or lies outside, and where the list is empty.
    pub fn integers(
        &self,
        key: &'static str,
        range: RangeInclusive<u32>,
    ) -> Result<Option<Vec<u32>>, Error> {
        self.list(key, |found| found.integer(&range))
    }

    /// A string or a list of them.
    ///
    /// # Errors
    ///
    /// Where a value is not one, and where the list is empty.
    pub fn strings(&self, key: &'static str) -> Result<Option<Vec<&'a str>>, Error> {
        self.list(key, |found| found.string())
    }

    /// A string or a list of them, which may be empty.
    ///
    /// # Errors
    ///
    /// Where a value is not one.
    pub fn strings_or_none(&self, key: &'static str) -> Result<Option<Vec<&'a str>>, Error> {
        match self.find(key) {
            Some(found) if found.value.as_array().is_some_and(|items| items.is_empty()) => {
                Ok(Some(Vec::new()))
            }
            _ => self.strings(key),
        }
    }

    /// A string in a form of its own, or a list of them, which may be empty. `parse` says what was
    /// found and what is accepted.
    ///
    /// # Errors
    ///
    /// Where a value is no string, or `parse` refuses it; at the value itself.
    pub fn parsed<T>(
        &self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<Vec<T>>, Error> {
        if self.strings_or_none(key)?.is_some_and(|values| values.is_empty()) {
            return Ok(Some(Vec::new()));
        }
        self.list(key, |found| {
            parse(found.string()?).map_err(|wrong| found.error(format!("`{key}`: {wrong}")))
        })
    }

    /// One of the accepted words.
    ///
    /// # Errors
    ///
    /// Where the value is another, with the nearest accepted one.
    pub fn word<T: Copy>(
        &self,
        key: &'static str,
        accepted: &[(&str, T)],
    ) -> Result<Option<T>, Error> {
        self.find(key).map(|found| found.word(accepted)).transpose()
    }

    /// One of the accepted words or a list of them.
    ///
    /// # Errors
    ///
    /// Where a value is another, with the nearest accepted one, and where the list is empty.
    pub fn words<T: Copy>(
        &self,
        key: &'static str,
        accepted: &[(&str, T)],
    ) -> Result<Option<Vec<T>>, Error> {
        self.list(key, |found| found.word(accepted))
    }

    /// Bytes, written as words: a control character's name (`CR`, `STX`), a byte in hex (`0x1D`),
    /// anything else as it stands. `"CR LF"` is two bytes, `"0x7E SOH 0000"` is six.
    ///
    /// # Errors
    ///
    /// Where the value is not a string or a hex byte is not one.
    pub fn bytes(&self, key: &'static str) -> Result<Option<Vec<u8>>, Error> {
        self.find(key).map(|found| found.bytes()).transpose()
    }

    /// Bytes as [`bytes`](Self::bytes) reads them, or a list of such.
    ///
    /// # Errors
    ///
    /// Where a value is not a string or a hex byte is not one, and where the list is empty.
    pub fn byte_strings(&self, key: &'static str) -> Result<Option<Vec<Vec<u8>>>, Error> {
        self.list(key, |found| found.bytes())
    }

    /// A table, its layers those of this section that have it.
    ///
    /// # Errors
    ///
    /// Where the value is not a table.
    pub fn section(&self, key: &'static str) -> Result<Option<Section<'a>>, Error> {
        self.learn(key);
        let mut layers = Vec::new();
        for layer in &self.layers {
            if let Some(found) = layer.find(key) {
                layers.push(found.layer()?);
            }
        }
        Ok((!layers.is_empty()).then(|| Section::new(key, layers)))
    }

    /// An array of tables (`[[key]]`) of the first layer that has it; empty where none has.
    ///
    /// # Errors
    ///
    /// Where the value is not an array of tables.
    pub fn sections(&self, key: &'static str) -> Result<Vec<Section<'a>>, Error> {
        let Some(found) = self.find(key) else { return Ok(Vec::new()) };
        let items = found.value.as_array().ok_or_else(|| found.wrong("an array of tables"))?;
        items.iter().map(|item| Ok(Section::new(key, vec![found.at(item).layer()?]))).collect()
    }

    /// The keys that are there, each once, in no order that means anything.
    #[must_use]
    pub fn keys(&self) -> Vec<&'a str> {
        let mut keys: Vec<&str> = self
            .layers
            .iter()
            .flat_map(|layer| layer.table.iter().map(|(name, _)| name.get_ref().as_ref()))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// The same table read under keys that are data rather than names (contact numbers).
    /// Calls `read` with each key and a section of that key's value where it is a table, or its
    /// string.
    ///
    /// # Errors
    ///
    /// What `read` returns, and where a value is neither a string nor a table.
    pub fn each<T>(
        &self,
        mut read: impl FnMut(&'a str, Entry<'a>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let Some(layer) = self.layers.first() else { return Ok(Vec::new()) };
        let mut entries: Vec<_> = layer.table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        entries
            .into_iter()
            .map(|(name, value)| {
                let found =
                    Found { file: layer.file, key: "", span: value.span(), value: value.get_ref() };
                let content = match value.get_ref() {
                    DeValue::String(text) => EntryValue::Text(text.as_ref()),
                    DeValue::Table(_) => EntryValue::Section(Section::new(
                        name.get_ref().as_ref(),
                        vec![found.layer()?],
                    )),
                    other => {
                        let kind = other.type_str();
                        return Err(found.error(format!(
                            "`{}` is of type {kind}; accepted is a string or a table",
                            name.get_ref()
                        )));
                    }
                };
                read(
                    name.get_ref().as_ref(),
                    Entry {
                        file: layer.file,
                        key: name.span(),
                        span: value.span(),
                        value: content,
                    },
                )
            })
            .collect()
    }

    /// The settings as one text, whatever their order, comments and layout: where two texts are
    /// equal, so is everything that can be read from the two sections.
    #[must_use]
    pub fn canonical(&self) -> String {
        let tables: Vec<&DeTable<'_>> = self.layers.iter().map(|layer| layer.table).collect();
        let mut text = String::new();
        canonical_table(&tables, &mut text);
        text
    }

    /// An error at a key, or at the section where the key is absent.
    #[must_use]
    pub fn error(&self, key: &str, message: impl Into<String>) -> Error {
        for layer in &self.layers {
            if let Some((_, value)) = layer.table.iter().find(|(name, _)| name.get_ref() == key) {
                return layer.file.error(value.span(), message.into());
            }
        }
        self.error_here(message)
    }

    /// An error at the section itself.
    #[must_use]
    pub fn error_here(&self, message: impl Into<String>) -> Error {
        match self.layers.first() {
            Some(layer) => layer.file.error(layer.span.clone(), message.into()),
            None => Error {
                file: self.name.clone().into_owned(),
                line: 1,
                column: 1,
                message: message.into(),
            },
        }
    }

    /// The error for a key that has to be there and is not.
    #[must_use]
    pub fn missing(&self, key: &str) -> Error {
        self.error_here(format!("`{key}` is missing in {}", self.name))
    }

    /// Refuses every key that nobody read.
    ///
    /// # Errors
    ///
    /// The first such key in file order, with the nearest known one.
    pub fn finish(&self) -> Result<(), Error> {
        let known = self.known.borrow();
        for layer in &self.layers {
            let unknown = layer
                .table
                .iter()
                .map(|(name, _)| name)
                .filter(|name| !known.contains(&name.get_ref().as_ref()))
                .min_by_key(|name| name.span().start);
            if let Some(name) = unknown {
                let found = name.get_ref();
                let hint = suggest(found, known.iter().copied());
                return Err(layer.file.error(
                    name.span(),
                    format!("unknown key `{found}` in {}; {hint}", self.name),
                ));
            }
        }
        Ok(())
    }

    fn learn(&self, key: &'static str) {
        let mut known = self.known.borrow_mut();
        if !known.contains(&key) {
            known.push(key);
        }
    }

    fn find(&self, key: &'static str) -> Option<Found<'a>> {
        self.learn(key);
        self.layers.iter().find_map(|layer| layer.find(key))
    }

    fn list<T>(
        &self,
        key: &'static str,
        read: impl Fn(&Found<'a>) -> Result<T, Error>,
    ) -> Result<Option<Vec<T>>, Error> {
        let Some(found) = self.find(key) else { return Ok(None) };
        let Some(items) = found.value.as_array() else {
            return Ok(Some(vec![read(&found)?]));
        };
        if items.iter().next().is_none() {
            return Err(found.error(format!("`{key}` is an empty list; name at least one value")));
        }
        items.iter().map(|item| read(&found.at(item))).collect::<Result<_, _>>().map(Some)
    }
}

/// One entry of a table whose keys are data.
#[derive(Debug)]
pub struct Entry<'a> {
    file: &'a File,
    key: Range<usize>,
    span: Range<usize>,
    /// What stands there.
    pub value: EntryValue<'a>,
}

/// What an [`Entry`] holds.
#[derive(Debug)]
pub enum EntryValue<'a> {
    /// A string.
    Text(&'a str),
    /// A table.
    Section(Section<'a>),
}

impl Entry<'_> {
    /// An error at the entry's key.
    #[must_use]
    pub fn key_error(&self, message: impl Into<String>) -> Error {
        self.file.error(self.key.clone(), message.into())
    }

    /// An error at the entry's value.
    #[must_use]
    pub fn error(&self, message: impl Into<String>) -> Error {
        self.file.error(self.span.clone(), message.into())
    }
}

impl<'a> Layer<'a> {
    fn find(&self, key: &'static str) -> Option<Found<'a>> {
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| Found {
            file: self.file,
            key,
            span: value.span(),
            value: value.get_ref(),
        })
    }
}

impl<'a> Found<'a> {
    fn at(&self, item: &'a Spanned<DeValue<'a>>) -> Self {
        Found { file: self.file, key: self.key, span: item.span(), value: item.get_ref() }
    }

    fn error(&self, message: String) -> Error {
        self.file.error(self.span.clone(), message)
    }

    fn wrong(&self, accepted: &str) -> Error {
        let key = self.key;
        let found = self.file.text.get(self.span.clone()).unwrap_or("");
        let found = match found.lines().next() {
            Some(first) if first.len() < found.len() => format!("{first} …"),
            _ => found.to_owned(),
        };
        let kind = self.value.type_str();
        self.error(format!("`{key}` is {found} ({kind}); accepted is {accepted}"))
    }

    fn string(&self) -> Result<&'a str, Error> {
        match self.value {
            DeValue::String(text) => Ok(text.as_ref()),
            _ => Err(self.wrong("a string")),
        }
    }

    fn integer(&self, range: &RangeInclusive<u32>) -> Result<u32, Error> {
        self.value
            .as_integer()
            .and_then(|number| u32::from_str_radix(number.as_str(), number.radix()).ok())
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                self.wrong(&format!("a whole number from {} to {}", range.start(), range.end()))
            })
    }

    fn bytes(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        for word in self.string()?.split_ascii_whitespace() {
            if let Some(code) = CONTROL_NAMES.iter().position(|name| *name == word) {
                bytes.push(u8::try_from(code).unwrap_or(0x7F));
            } else if word == "DEL" {
                bytes.push(0x7F);
            } else if let Some(digits) = word.strip_prefix("0x") {
                bytes.push(u8::from_str_radix(digits, 16).map_err(|_| {
                    self.error(format!(
                        "`{}`: {word:?} is not a byte; accepted are 0x00 to 0xFF, control names \
                         such as CR, and plain text",
                        self.key
                    ))
                })?);
            } else {
                bytes.extend_from_slice(word.as_bytes());
            }
        }
        Ok(bytes)
    }

    fn word<T: Copy>(&self, accepted: &[(&str, T)]) -> Result<T, Error> {
        let text = self.string()?;
        accepted.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
            let key = self.key;
            let hint = suggest(text, accepted.iter().map(|(word, _)| *word));
            self.error(format!("`{key}` is {text:?}; {hint}"))
        })
    }

    fn layer(&self) -> Result<Layer<'a>, Error> {
        let table = self.value.as_table().ok_or_else(|| self.wrong("a table"))?;
        Ok(Layer { file: self.file, table, span: self.span.clone() })
    }
}

/// Writes the keys in their order, each with the value of the first table that has it; tables under
/// the same key are laid over one another, as [`Section::section`] reads them.
fn canonical_table(tables: &[&DeTable<'_>], text: &mut String) {
    let mut keys: Vec<&str> =
        tables.iter().flat_map(|table| table.keys()).map(|key| key.get_ref().as_ref()).collect();
    keys.sort_unstable();
    keys.dedup();
    text.push('{');
    for key in keys {
        let values: Vec<&DeValue<'_>> =
            tables.iter().filter_map(|table| table.get(key)).map(Spanned::get_ref).collect();
        let layers: Vec<&DeTable<'_>> =
            values.iter().filter_map(|value| value.as_table()).collect();
        text.push_str(&format!("{key:?}="));
        match values.first() {
            Some(DeValue::Table(_)) => canonical_table(&layers, text),
            Some(value) => canonical_value(value, text),
            None => {}
        }
        text.push(';');
    }
    text.push('}');
}

fn canonical_value(value: &DeValue<'_>, text: &mut String) {
    match value {
        DeValue::String(string) => text.push_str(&format!("{string:?}")),
        DeValue::Integer(number) => {
            text.push_str(&format!("{}:{}", number.radix(), number.as_str()));
        }
        DeValue::Float(number) => text.push_str(number.as_str()),
        DeValue::Boolean(boolean) => text.push_str(&boolean.to_string()),
        DeValue::Datetime(datetime) => text.push_str(&datetime.to_string()),
        DeValue::Array(items) => {
            text.push('[');
            for item in items.iter() {
                canonical_value(item.get_ref(), text);
                text.push(',');
            }
            text.push(']');
        }
        DeValue::Table(table) => canonical_table(&[table], text),
    }
}

/// "did you mean …?" where one is near, else all that is accepted.
#[must_use]
pub fn suggest<'w>(found: &str, words: impl Iterator<Item = &'w str>) -> String {
    let mut words: Vec<&str> = words.collect();
    words.sort_unstable();
    let nearest = words
        .iter()
        .map(|word| (strsim::damerau_levenshtein(found, word), *word))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, word)| *distance <= 1 + word.len() / 4);
    match nearest {
        Some((_, word)) => format!("did you mean `{word}`? (accepted: {})", words.join(", ")),
        None => format!("accepted: {}", words.join(", ")),
    }
}

/// The names of the control characters, by code.
const CONTROL_NAMES: [&str; 32] = [
    "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR",
    "SO", "SI", "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC",
    "FS", "GS", "RS", "US",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> File {
        File { name: "box.toml".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_wrong_number_names_its_place_and_what_is_accepted() {
        let file = file("[line]\nbaud = \"9600\"\n");
        let document = file.parse().unwrap();
        let line = document.root().section("line").unwrap().unwrap();
        let error = line.integer("baud", 50..=4_000_000).unwrap_err();
        assert_eq!(
            error.to_string(),
            "box.toml:2:8: `baud` is \"9600\" (string); \
             accepted is a whole number from 50 to 4000000"
        );
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_known_one() {
        let file = file("[line]\nbuad = 9600\n");
        let document = file.parse().unwrap();
        let line = document.root().section("line").unwrap().unwrap();
        assert_eq!(line.integer("baud", 50..=4_000_000).unwrap(), None);
        assert_eq!(line.integer("stop-bits", 1..=2).unwrap(), None);
        assert_eq!(
            line.finish().unwrap_err().to_string(),
            "box.toml:2:1: unknown key `buad` in line; \
             did you mean `baud`? (accepted: baud, stop-bits)"
        );
    }

    #[test]
    fn the_upper_layer_wins_key_by_key() {
        let (above, below) = (file("baud = 115200\n"), file("baud = 9600\nparity = \"even\"\n"));
        let (above, below) = (above.parse().unwrap(), below.parse().unwrap());
        let line = above.root().over(below.root());
        assert_eq!(line.integer("baud", 50..=4_000_000).unwrap(), Some(115_200));
        assert_eq!(line.string("parity").unwrap(), Some("even"));
        line.finish().unwrap();
    }

    #[test]
    fn the_canonical_text_follows_the_settings_and_nothing_else() {
        let canonical = |above: &str, below: &str| {
            let (above, below) = (file(above), file(below));
            let (above, below) = (above.parse().unwrap(), below.parse().unwrap());
            above.root().over(below.root()).canonical()
        };
        let plain = canonical("a = 1\nb = [\"x\", true]\n[c]\nd = 'y'\ne = 2\n", "");
        assert_eq!(plain, canonical("# why\nc.e=2", "b=[ \"x\",true, ]\nc.d=\"y\"\nc.e=3\na=1"));
        assert_ne!(plain, canonical("a = 1\nb = [\"x\", true]\n[c]\nd = 'y'\ne = 3\n", ""));
        assert_ne!(canonical("a = ['x', 'y']", ""), canonical("a = ['x,y']", ""));
    }

    #[test]
    fn bytes_are_control_names_hex_and_text() {
        let file = file("prefix = \"0x7E SOH 0000\"\nsuffix = \"CR LF\"\n");
        let document = file.parse().unwrap();
        let root = document.root();
        assert_eq!(root.bytes("prefix").unwrap().unwrap(), b"~\x010000");
        assert_eq!(root.bytes("suffix").unwrap().unwrap(), b"\r\n");
    }

    #[test]
    fn a_syntax_error_has_its_place() {
        let error = file("[line\n").parse().unwrap_err();
        assert_eq!((error.line, error.file.as_str()), (1, "box.toml"));
    }
}
