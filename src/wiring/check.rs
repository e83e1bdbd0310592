//! Whether a cable can work, and what it would burn.
//!
//! Contract: every net is judged by what its contacts do. A [`Problem`] is a sentence for whoever holds
//! the cable, and a word for a program. Anything refused here must not be plugged in; nothing that is
//! not refused can put power on a data line, as far as the two profiles are right.

mod power;
mod signals;
mod words;

pub(crate) use words::look_alikes;

use super::cable::{Cable, Contact, Loop, Made, Side};
use super::connector::Shape;
use super::cord::Run;
use super::signal::{Duty, Line};
use super::{Flow, Position};

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Must not be plugged in.
    Refused,
    /// Good to know.
    Warning,
}

/// What kind of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words say it")]
pub enum Kind {
    NoSuchContact,
    ContactTwice,
    UnknownContact,
    SupplyOnData,
    ShortCircuit,
    TwoSupplies,
    WrongVoltage,
    Overdrawn,
    DrawOnData,
    TwoDrivers,
    NobodyDrives,
    MixedLines,
    GroundOnData,
    NotSerial,
    LevelMismatch,
    NoCommonGround,
    NoData,
    FlowWithoutWires,
    Unconfirmed,
    Unfed,
    CurrentUnknown,
    UnusedPower,
    LivesOnLine,
    OneWay,
    Marginal,
    LevelUnknown,
    Mirror,
    Shield,
    Narrow,
    LookAlike,
}

impl Kind {
    /// The word for a program.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoSuchContact => "no-such-contact",
            Self::ContactTwice => "contact-twice",
            Self::UnknownContact => "unknown-contact",
            Self::SupplyOnData => "supply-on-data",
            Self::ShortCircuit => "short-circuit",
            Self::TwoSupplies => "two-supplies",
            Self::WrongVoltage => "wrong-voltage",
            Self::Overdrawn => "overdrawn",
            Self::DrawOnData => "draw-on-data",
            Self::TwoDrivers => "two-drivers",
            Self::NobodyDrives => "nobody-drives",
            Self::MixedLines => "mixed-lines",
            Self::GroundOnData => "ground-on-data",
            Self::NotSerial => "not-serial",
            Self::LevelMismatch => "level-mismatch",
            Self::NoCommonGround => "no-common-ground",
            Self::NoData => "no-data",
            Self::FlowWithoutWires => "flow-without-wires",
            Self::Unconfirmed => "unconfirmed",
            Self::Unfed => "unfed",
            Self::CurrentUnknown => "current-unknown",
            Self::UnusedPower => "unused-power",
            Self::LivesOnLine => "lives-on-line",
            Self::OneWay => "one-way",
            Self::Marginal => "marginal",
            Self::LevelUnknown => "level-unknown",
            Self::Mirror => "mirror",
            Self::Shield => "shield",
            Self::Narrow => "narrow-plug",
            Self::LookAlike => "look-alike",
        }
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::Unconfirmed
            | Self::Unfed
            | Self::CurrentUnknown
            | Self::UnusedPower
            | Self::LivesOnLine
            | Self::OneWay
            | Self::Marginal
            | Self::LevelUnknown
            | Self::Mirror
            | Self::Shield
            | Self::Narrow
            | Self::LookAlike => Severity::Warning,
            _ => Severity::Refused,
        }
    }
}

/// Something about a cable that whoever makes it has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub kind: Kind,
    /// The contacts it is about.
    pub contacts: Vec<Contact>,
    /// In words.
    pub text: String,
}

/// Whether TXD of one end meets RXD of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// TXD to TXD: a terminal at a modem.
    Straight,
    /// TXD to RXD: two of the same.
    Crossed,
    /// Neither.
    Neither,
}

impl Crossing {
    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Straight => "straight",
            Self::Crossed => "crossed",
            Self::Neither => "neither",
        }
    }
}

/// All there is to say of a cable.
#[derive(Clone, Debug)]
pub struct Report {
    /// The worst first.
    pub problems: Vec<Problem>,
    /// Straight or crossed, by the names of the signals.
    pub crossing: Crossing,
    /// How the wires run through the plugs, where they run like a cord.
    pub run: Option<Run>,
    /// From whom bytes arrive at the other.
    pub data_from: Vec<Side>,
    /// The flow controls that its wires carry.
    pub permitted: Vec<Flow>,
    /// The bridges that a device needs in its plug to send at all.
    pub loops_needed: Vec<Loop>,
}

impl Report {
    /// What forbids plugging it in.
    pub fn refusals(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|problem| problem.kind.severity() == Severity::Refused)
    }

    /// What is good to know.
    pub fn warnings(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().filter(|problem| problem.kind.severity() == Severity::Warning)
    }

    /// Whether it may be plugged in.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.refusals().next().is_none()
    }

    /// Whether there is a problem of this kind.
    #[must_use]
    pub fn has(&self, kind: Kind) -> bool {
        self.problems.iter().any(|problem| problem.kind == kind)
    }
}

/// Judges a cable.
#[must_use]
pub fn check(cable: &Cable<'_>) -> Report {
    let mut report = as_told(cable);
    let at = report.refusals().count();
    for side in [Side::A, Side::B] {
        if let Some(problem) = words::mirror(cable, side, &report) {
            report.problems.insert(at, problem);
        }
    }
    report
}

/// Judges a cable whose profiles say all that they are thought to say.
fn as_told(cable: &Cable<'_>) -> Report {
    let nets: Vec<Net<'_, '_>> =
        cable.nets().into_iter().map(|contacts| Net { cable, contacts }).collect();
    let mut problems = contacts(cable);
    for net in &nets {
        net.power(&mut problems);
        net.signals(&mut problems);
    }
    signals::ground(cable, &nets, &mut problems);
    let data_from = signals::data(cable, &nets, &mut problems);
    let permitted = signals::permitted(&nets, &data_from);
    let loops_needed = signals::loops_needed(cable, &nets, &permitted);
    signals::flow(cable, &permitted, &loops_needed, &mut problems);
    power::open_ends(cable, &nets, &mut problems);
    words::of_sockets(cable, &mut problems);
    // Sorting is stable: what was found first of the same severity stays first.
    problems.sort_by_key(|problem| problem.kind.severity());
    let mut told: Vec<String> = Vec::new();
    problems.retain_mut(|problem| {
        problem.text = words::begun(&problem.text);
        let is_new = !told.contains(&problem.text);
        told.push(problem.text.clone());
        is_new
    });
    let (crossing, run) = (crossing(&nets), run(cable));
    Report { problems, crossing, run, data_from, permitted, loops_needed }
}

/// Contacts that the cable makes one.
struct Net<'c, 's> {
    cable: &'c Cable<'s>,
    contacts: Vec<Contact>,
}

impl Net<'_, '_> {
    /// The contacts that do something of this kind.
    fn with(&self, is: impl Fn(Duty) -> bool) -> Vec<Contact> {
        let does = |contact: &Contact| self.cable.duty(*contact).is_some_and(&is);
        self.contacts.iter().copied().filter(does).collect()
    }

    /// Whether a contact of this side does this.
    fn has(&self, side: Side, duty: Duty) -> bool {
        self.contacts
            .iter()
            .any(|contact| contact.side == side && self.cable.duty(*contact) == Some(duty))
    }

    /// Whether one side drives a line and the other hears it.
    fn carries(&self, from: Side, out: Line, heard: Line) -> bool {
        self.has(from, Duty::Out(out)) && self.has(from.other(), Duty::In(heard))
    }

    /// The contacts in a sentence.
    fn call(&self, contacts: &[Contact]) -> String {
        words::list(contacts.iter().map(|contact| self.cable.call(*contact)))
    }
}

/// Contacts that are not there, and those that take two wires.
fn contacts(cable: &Cable<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let links = cable.links.iter().flat_map(|link| [(Side::A, link.a), (Side::B, link.b)]);
    let loops = cable
        .loops
        .iter()
        .flat_map(|bridge| [(bridge.side, bridge.one), (bridge.side, bridge.other)]);
    for (side, position) in links.clone().chain(loops) {
        let connector = cable.socket(side).connector;
        let contact = Contact { side, position };
        let is_told = problems.iter().any(|problem: &Problem| problem.contacts == [contact]);
        if !connector.shape.has(position) && !is_told {
            problems.push(Problem {
                kind: Kind::NoSuchContact,
                contacts: vec![contact],
                text: format!(
                    "There is no {}: {} has no metal at that place. Take the wire out.",
                    cable.call(contact),
                    connector.shape.word()
                ),
            });
        }
    }
    if cable.made != Made::Wires {
        // In a cord or an adapter two wires at a contact are as they should be.
        return problems;
    }
    let mut seen: Vec<Contact> = Vec::new();
    for (side, position) in links {
        let contact = Contact { side, position };
        if seen.contains(&contact) {
            problems.push(Problem {
                kind: Kind::ContactTwice,
                contacts: vec![contact],
                text: format!(
                    "Two wires go to {}. A contact takes one wire: say which of the two is meant, \
                     and join others by a bridge in the plug.",
                    cable.call(contact)
                ),
            });
        }
        seen.push(contact);
    }
    problems
}

/// By the names of the signals, as installers say it.
fn crossing(nets: &[Net<'_, '_>]) -> Crossing {
    use super::signal::{Pin, Signal};
    let joins = |a: Signal, b: Signal| {
        nets.iter().any(|net| {
            let has = |side: Side, signal: Signal| {
                net.contacts.iter().any(|contact| {
                    contact.side == side && net.cable.pin(*contact) == Some(&Pin::Signal(signal))
                })
            };
            has(Side::A, a) && has(Side::B, b)
        })
    };
    if joins(Signal::Txd, Signal::Rxd) || joins(Signal::Rxd, Signal::Txd) {
        Crossing::Crossed
    } else if joins(Signal::Txd, Signal::Txd) || joins(Signal::Rxd, Signal::Rxd) {
        Crossing::Straight
    } else {
        Crossing::Neither
    }
}

/// Whether the wires run like a cord.
fn run(cable: &Cable<'_>) -> Option<Run> {
    let (a, b): (Shape, Shape) = (cable.a.connector.shape, cable.b.connector.shape);
    [Run::Straight, Run::Reversed].into_iter().find(|run| {
        super::cord::cord(*run, a, b).is_some_and(|(_, pairs)| {
            let is_there = |a: Position, b: Position| pairs.contains(&(a, b));
            !cable.links.is_empty() && cable.links.iter().all(|link| is_there(link.a, link.b))
        })
    })
}
