//! Configuration: files on disk -> [`Config`], or everything that is wrong with them.
//!
//! ```text
//! tillbus.toml, tillbus.toml.d/*.toml by name  \
//!                                               > load -> Config { devices, routes, access }
//! profiles: built in < /usr/share < /etc       /
//! ```
//!
//! Contract: [`load`] reads files and changes nothing, so a bad new configuration leaves the old one
//! working. It tells of every device and every profile that is wrong, not of the first. An absent
//! file is an empty one; one that cannot be read is an error.

mod access;
mod cards;
mod content;
mod device;
mod matches;
mod route;

pub use access::{Access, Principal};
pub use device::DeviceConfig;
pub use matches::Match;
pub use route::{Forward, Mode as RouteMode, Route, Tap, Wired};

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use crate::normalize::{CardRules, Shop};
use crate::profile::errors::Errors;
use crate::profile::{Catalogue, Profile, files};
use crate::settings::{Document, Error, File, Section};

/// Where configuration is looked for.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The main file; its drop-ins are in the directory of the same name with `.d` after it.
    pub config: PathBuf,
    /// Directories of profiles, the later overriding the earlier.
    pub profile_dirs: Vec<PathBuf>,
    /// Where the service manager has put credentials.
    pub credentials: Credentials,
}

/// Keys that the service manager keeps.
#[derive(Clone, Debug, Default)]
pub enum Credentials {
    /// It has passed none.
    #[default]
    Missing,
    /// They are in this directory.
    In(PathBuf),
    /// Whether they are there does not matter: nothing is started, a person checks a file.
    Unchecked,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            config: PathBuf::from("/etc/tillbus/tillbus.toml"),
            profile_dirs: vec![
                PathBuf::from("/usr/share/tillbus/profiles"),
                PathBuf::from("/etc/tillbus/profiles"),
            ],
            credentials: Credentials::Missing,
        }
    }
}

/// What the daemon is to do. Equal configurations ask for the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The devices in the order of the files.
    pub devices: Vec<DeviceConfig>,
    /// The ways between them.
    pub routes: Vec<Route>,
    /// Rights where a device says nothing of its own.
    pub access: Access,
}

/// Reads everything.
///
/// # Errors
///
/// All that is wrong in any file, file by file from top to bottom.
pub fn load(paths: &Paths) -> Result<Config, Vec<Error>> {
    read(paths).map_err(|mut errors| {
        errors.sort_by(|one, other| {
            let place = |error: &Error| (error.line, error.column);
            one.file.cmp(&other.file).then_with(|| place(one).cmp(&place(other)))
        });
        errors
    })
}

fn read(paths: &Paths) -> Result<Config, Vec<Error>> {
    let mut errors = Errors::default();
    let files = read_files(paths, &mut errors);
    let catalogue = match Catalogue::load(&paths.profile_dirs) {
        Ok(catalogue) => catalogue,
        Err(unreadable) => {
            errors.append(unreadable);
            return errors.or(None);
        }
    };
    let documents: Vec<Document<'_>> =
        files.iter().filter_map(|file| errors.note(file.parse())).collect();
    let mut tables = Tables::default();
    for document in &documents {
        tables.take(&document.root(), &mut errors);
    }
    let shelf = Shelf::fill(&catalogue, &tables.profiles(), &mut errors);
    let config = tables.read(&shelf, &paths.credentials, &mut errors);
    errors.or(Some(config))
}

fn read_files(paths: &Paths, errors: &mut Errors) -> Vec<File> {
    let mut drop_ins = paths.config.clone().into_os_string();
    drop_ins.push(".d");
    let drop_ins = errors.note(files::list(drop_ins.as_ref())).unwrap_or_default();
    std::iter::once(&paths.config)
        .chain(&drop_ins)
        .filter_map(|path| errors.note(files::read(path)).flatten())
        .collect()
}

/// The tables of all files, in their order.
#[derive(Default)]
struct Tables<'a> {
    devices: Vec<Section<'a>>,
    routes: Vec<Section<'a>>,
    access: Vec<Section<'a>>,
    cards: Vec<Section<'a>>,
    content: Vec<Section<'a>>,
}

impl<'a> Tables<'a> {
    fn take(&mut self, root: &Section<'a>, errors: &mut Errors) {
        for (key, tables) in [("device", &mut self.devices), ("route", &mut self.routes)] {
            let found = root.sections(key).map_err(|error| Error {
                message: format!("{}, each under [[{key}]]", error.message),
                ..error
            });
            tables.extend(errors.note(found).into_iter().flatten());
        }
        self.access.extend(errors.note(root.section("access")).flatten());
        self.cards.extend(errors.note(root.section("cards")).flatten());
        self.content.extend(errors.note(root.section("content")).flatten());
        errors.note(root.finish());
    }

    /// The profiles that devices ask for. A `profile` that is no string is told of later.
    fn profiles(&self) -> BTreeSet<&'a str> {
        self.devices.iter().filter_map(|device| device.string("profile").ok().flatten()).collect()
    }

    fn read(self, shelf: &Shelf<'a>, credentials: &Credentials, errors: &mut Errors) -> Config {
        let mut access = Access::default();
        for section in &self.access {
            access = Access::read(section, &access, errors).unwrap_or(access);
        }
        let mut shop = Arc::default();
        for section in &self.content {
            shop = content::read(section, &shop, errors).unwrap_or(shop);
        }
        let mut cards = Arc::default();
        for section in &self.cards {
            cards = cards::read(section, &cards, credentials, errors).unwrap_or(cards);
        }
        let below = Below { access: &access, shop: &shop, cards: &cards, credentials };
        let devices: Vec<_> = self
            .devices
            .iter()
            .map(|section| DeviceConfig::read(section, shelf, &below, errors))
            .collect();
        refuse_doubles(&self.devices, errors);
        refuse_shared_matches(&self.devices, &devices, errors);
        let names: BTreeSet<&str> =
            self.devices.iter().filter_map(|device| device.string("name").ok().flatten()).collect();
        let mut devices: Vec<DeviceConfig> = devices.into_iter().flatten().collect();
        let routes = route::read(&self.routes, &devices, &names, errors);
        for device in &mut devices {
            let wired = route::wired_end(&routes, &device.name);
            device.wire(wired);
        }
        Config { devices, routes, access }
    }
}

/// What holds where a device says nothing of its own.
struct Below<'a> {
    access: &'a Access,
    shop: &'a Arc<Shop>,
    cards: &'a Arc<CardRules>,
    credentials: &'a Credentials,
}

fn refuse_doubles(sections: &[Section<'_>], errors: &mut Errors) {
    let mut seen: BTreeMap<&str, &Section<'_>> = BTreeMap::new();
    for section in sections {
        let Ok(Some(name)) = section.string("name") else { continue };
        if let Some(first) = seen.get(name) {
            let place = place(first, "name");
            let message = format!(
                "`name` is {name:?}, which the device at {place} has already; accepted is a name \
                 of its own"
            );
            errors.push(section.error("name", message));
        } else {
            seen.insert(name, section);
        }
    }
}

/// Two devices that name the same port would fight over it for ever.
fn refuse_shared_matches(
    sections: &[Section<'_>],
    devices: &[Option<DeviceConfig>],
    errors: &mut Errors,
) {
    let mut seen: HashMap<&Match, &Section<'_>> = HashMap::new();
    for (section, device) in sections.iter().zip(devices) {
        let Some(device) = device else { continue };
        if let Some(first) = seen.get(&device.matches) {
            let place = place(first, "match");
            let message =
                format!("`match` is that of the device at {place}; accepted is a port of its own");
            errors.push(section.error("match", message));
        } else {
            seen.insert(&device.matches, section);
        }
    }
}

/// Where a key stands, as errors show it.
fn place(section: &Section<'_>, key: &str) -> String {
    let Error { file, line, column, .. } = section.error(key, "");
    format!("{file}:{line}:{column}")
}

/// The profiles at hand: every one that devices ask for, and every one that someone put into a
/// directory. The others were compiled in, and a test reads each of them.
struct Shelf<'a> {
    catalogue: &'a Catalogue,
    sheets: BTreeMap<&'a str, Sheet<'a>>,
}

/// A profile and the text it came from, for laying a device's settings over it.
struct Sheet<'a> {
    profile: Profile,
    document: Document<'a>,
}

impl<'a> Shelf<'a> {
    fn fill(catalogue: &'a Catalogue, used: &BTreeSet<&str>, errors: &mut Errors) -> Self {
        let mut sheets = BTreeMap::new();
        for id in catalogue.ids() {
            if catalogue.is_built_in(id) && !used.contains(id) {
                continue;
            }
            let Some(file) = catalogue.file(id) else { continue };
            let Some(document) = errors.note(file.parse()) else { continue };
            match Profile::read(&document.root(), id) {
                Ok(profile) => {
                    sheets.insert(id, Sheet { profile, document });
                }
                Err(wrong) => errors.append(wrong),
            }
        }
        Self { catalogue, sheets }
    }
}
