//! A `[[device]]` laid over its profile.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use encoding_rs::Encoding;

use super::{Access, Below, Match, Sheet, Shelf, Wired, cards, content};
use crate::event::Role;
use crate::normalize::{CardRules, Rules, Shop};
use crate::profile::errors::Errors;
use crate::profile::{self, Line, Spoken, Status, required, text};
use crate::protocol::{Carrier, Factory, Info, Kind};
use crate::settings::{self, Error, Section};

/// One device that the daemon is to serve. Two are equal where their `source` is.
#[derive(Clone)]
pub struct DeviceConfig {
    /// Its name on the bus; no other device has it.
    pub name: String,
    /// The lane it stands at; empty where nothing is said.
    pub lane: String,
    /// What its scans may mean.
    pub role: Role,
    /// Which port it is.
    pub matches: Match,
    /// The profile's id.
    pub profile: String,
    /// How far the profile can be trusted: shown to the user, never hidden.
    pub status: Status,
    /// Who makes it.
    pub vendor: String,
    /// What its maker calls it.
    pub model: String,
    /// What kind of device it is.
    pub kind: Kind,
    /// The line settings.
    pub line: Line,
    /// The protocol it speaks.
    pub protocol: &'static Info,
    /// What it can be asked with the configured options, in the words of `Capabilities`.
    pub capabilities: Vec<&'static str>,
    /// Makes a conversation with the configured options.
    pub factory: Factory,
    /// How its text is encoded, tried in this order; never empty.
    pub encodings: Vec<&'static Encoding>,
    /// The same code again within this time is marked as a duplicate; zero marks none.
    pub duplicate_window: Duration,
    /// What the shop's own codes look like.
    pub shop: Arc<Shop>,
    /// What is let out of cards.
    pub cards: Arc<CardRules>,
    /// Who may do what with it.
    pub access: Access,
    /// Its end of two lines that are wired through, where it is on one.
    pub wired: Option<Wired>,
    /// Whether it is no real device.
    pub simulated: bool,
    /// Everything above as one text: equal on reload means that nothing changed.
    pub source: String,
}

impl DeviceConfig {
    /// Puts it on a route on which its line is wired through.
    pub(super) fn wire(&mut self, wired: Option<Wired>) {
        if let Some(wired) = wired {
            self.source.push_str(&format!(" wired={wired:?}"));
            self.wired = Some(wired);
        }
    }

    /// What its scans may mean and how they are written.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules {
            role: self.role,
            encodings: self.encodings.clone(),
            shop: Arc::clone(&self.shop),
            cards: Arc::clone(&self.cards),
        }
    }
}

impl PartialEq for DeviceConfig {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for DeviceConfig {}

impl fmt::Debug for DeviceConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("DeviceConfig").field(&self.source).finish()
    }
}

const ROLES: [(&str, Role); 3] = [
    (Role::Goods.word(), Role::Goods),
    (Role::Payment.word(), Role::Payment),
    (Role::Both.word(), Role::Both),
];

/// A cashier does not scan the same tin twice within it, a sensor sees a phone again well within it.
const DUPLICATE_WINDOW_MS: u32 = 700;

/// What a device says of itself, beside its profile.
struct Own {
    name: String,
    lane: String,
    role: Option<Role>,
    matches: Match,
    duplicate_window: Duration,
    access: Access,
    shop: Arc<Shop>,
    cards: Arc<CardRules>,
}

impl DeviceConfig {
    pub(super) fn read(
        section: &Section<'_>,
        shelf: &Shelf<'_>,
        below: &Below<'_>,
        errors: &mut Errors,
    ) -> Option<Self> {
        let own = Own::read(section, below, errors);
        let sheet = errors.note(sheet(section, shelf)).flatten();
        let line = errors.note(section.section("line"));
        let protocol = errors.note(section.section("protocol"));
        errors.note(section.finish());
        let Speaker { sheet, kind, spoken } = sheet?;
        let line = line.and_then(|line| match line {
            Some(line) => Line::read(&line, &sheet.profile.line, errors),
            None => Some(sheet.profile.line.clone()),
        });
        let spoken =
            protocol.and_then(|protocol| speak(protocol, &Speaker { sheet, kind, spoken }, errors));
        let role = errors.note(role(section, own.as_ref()?.role, kind))?;
        let (spoken, options) = spoken?;
        errors.note(spoken.has_line(section));
        errors.note(carried(section, &own.as_ref()?.matches, &spoken));
        Some(assemble(own?, role, (sheet, kind), line?, spoken, &options))
    }
}

impl Own {
    fn read(section: &Section<'_>, below: &Below<'_>, errors: &mut Errors) -> Option<Self> {
        let name = errors.note(name(section));
        let lane = errors.note(lane(section));
        let role = errors.note(section.word("role", &ROLES));
        let matches = errors.note(Match::read(section));
        let window = errors.note(section.integer("duplicate-window-ms", 0..=60_000));
        let own_access = errors.note(section.section("access"));
        let access = own_access.and_then(|own| match own {
            Some(own) => Access::read(&own, below.access, errors),
            None => Some(below.access.clone()),
        });
        let own_shop = errors.note(section.section("content"));
        let shop = own_shop.and_then(|own| match own {
            Some(own) => content::read(&own, below.shop, errors),
            None => Some(Arc::clone(below.shop)),
        });
        let own_cards = errors.note(section.section("cards"));
        let cards = own_cards.and_then(|own| match own {
            Some(own) => cards::read(&own, below.cards, below.credentials, errors),
            None => Some(Arc::clone(below.cards)),
        });
        let window = window?.unwrap_or(DUPLICATE_WINDOW_MS);
        Some(Self {
            name: name?,
            lane: lane?,
            role: role?,
            matches: matches?,
            duplicate_window: Duration::from_millis(window.into()),
            access: access?,
            shop: shop?,
            cards: cards?,
        })
    }
}

/// The longest name: it becomes part of an object path, three bytes for one at worst.
const LONGEST_NAME: usize = 64;

fn name(section: &Section<'_>) -> Result<String, Error> {
    let name = text(section, "name")?;
    if name.len() > LONGEST_NAME {
        let message = format!("`name` has {} bytes; accepted are up to {LONGEST_NAME}", name.len());
        return Err(section.error("name", message));
    }
    Ok(name)
}

fn lane(section: &Section<'_>) -> Result<String, Error> {
    match section.string("lane")? {
        Some(_) => text(section, "lane"),
        None => Ok(String::new()),
    }
}

/// Refuses a built-in serial port for what is no serial protocol.
fn carried(section: &Section<'_>, matches: &Match, spoken: &Spoken) -> Result<(), Error> {
    if spoken.info.carrier == Carrier::Serial || !matches!(matches, Match::Tty(_)) {
        return Ok(());
    }
    let message = format!(
        "`match` names a serial port, but protocol `{}` comes over USB HID; accepted is `usb`, `path` \
         or `pty`",
        spoken.info.name
    );
    Err(section.error("match", message))
}

/// What scans may mean decides who gets to see them, so it is never assumed.
fn role(section: &Section<'_>, role: Option<Role>, kind: Kind) -> Result<Role, Error> {
    match (role, kind) {
        (Some(role), _) => Ok(role),
        (None, Kind::CardReader | Kind::Terminal) => Ok(Role::default()),
        (None, Kind::Scanner) => {
            let words: Vec<&str> = ROLES.iter().map(|(word, _)| *word).collect();
            let words = words.join(", ");
            Err(section.error_here(format!("`role` is missing for a scanner; accepted: {words}")))
        }
    }
}

/// A profile of something that is talked to.
struct Speaker<'s, 'a> {
    sheet: &'s Sheet<'a>,
    kind: Kind,
    spoken: &'s Spoken,
}

/// The profile; nothing where its own file is wrong, which has been told already.
fn sheet<'s, 'a>(
    section: &Section<'_>,
    shelf: &'s Shelf<'a>,
) -> Result<Option<Speaker<'s, 'a>>, Error> {
    let id = section.required_string("profile")?;
    if shelf.catalogue.file(id).is_none() {
        let hint = settings::suggest(id, shelf.catalogue.ids());
        return Err(section.error("profile", format!("no profile is called {id:?}; {hint}")));
    }
    let Some(sheet) = shelf.sheets.get(id) else { return Ok(None) };
    match (sheet.profile.kind, &sheet.profile.protocol) {
        (profile::Kind::Device(kind), Some(spoken)) => Ok(Some(Speaker { sheet, kind, spoken })),
        (kind, _) => Err(section.error(
            "profile",
            format!(
                "profile {id:?} is of kind {:?}, for the wiring alone: nothing is spoken there; \
                 accepted is the profile of a scanner, card-reader or terminal",
                kind.word()
            ),
        )),
    }
}

/// The profile's protocol with the device's options over the profile's, and all of them as text.
/// Where the device names another protocol, the profile's options are not that one's.
fn speak(
    own: Option<Section<'_>>,
    Speaker { sheet, kind, spoken }: &Speaker<'_, '_>,
    errors: &mut Errors,
) -> Option<(Spoken, String)> {
    let below = errors.note(required(&sheet.document.root(), "protocol"))?;
    let Some(own) = own else {
        return Some(((*spoken).clone(), below.canonical()));
    };
    let name = errors.note(own.string("name"))?;
    let section = match name {
        Some(name) if name != spoken.info.name => own,
        _ => own.over(below),
    };
    let spoken = Spoken::read(&section, Some(*kind), errors)?;
    Some((spoken, section.canonical()))
}

fn assemble(
    own: Own,
    role: Role,
    (sheet, kind): (&Sheet<'_>, Kind),
    line: Line,
    spoken: Spoken,
    options: &str,
) -> DeviceConfig {
    let profile = &sheet.profile;
    let simulated = matches!(own.matches, Match::Pty(_));
    let Own { name, lane, matches, duplicate_window, access, shop, cards, .. } = own;
    let (id, status, vendor, model) =
        (&profile.id, profile.status, &profile.vendor, &profile.model);
    let source = format!(
        "name={name:?} lane={lane:?} role={} match={matches:?} profile={id:?} status={} \
         vendor={vendor:?} model={model:?} kind={} line={line:?} protocol={options} \
         duplicate-window={duplicate_window:?} access={access:?} content={shop:?} cards={cards:?}",
        role.word(),
        status.word(),
        kind.word(),
    );
    DeviceConfig {
        name,
        lane,
        role,
        matches,
        profile: id.clone(),
        status,
        vendor: vendor.clone(),
        model: model.clone(),
        kind,
        line,
        protocol: spoken.info,
        capabilities: spoken.capabilities,
        factory: spoken.factory,
        encodings: spoken.encodings,
        duplicate_window,
        shop,
        cards,
        access,
        wired: None,
        simulated,
        source,
    }
}
