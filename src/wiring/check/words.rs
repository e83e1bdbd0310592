//! What is said of the sockets themselves.

use super::{Kind, Problem, Report, as_told};
use crate::wiring::Socket;
use crate::wiring::cable::{Cable, Side};
use crate::wiring::connector::Shape;

/// A list in a sentence.
pub(super) fn list(items: impl Iterator<Item = String>) -> String {
    let mut items: Vec<String> = items.collect();
    match (items.pop(), items.as_slice()) {
        (None, _) => String::new(),
        (Some(last), []) => last,
        // Whole sentences stand one after the other.
        (Some(last), first) if last.ends_with('.') => format!("{} {last}", first.join(" ")),
        (Some(last), first) => format!("{} and {last}", first.join(", ")),
    }
}

/// A sentence that begins with a capital, where it begins with a contact.
pub(super) fn begun(text: &str) -> String {
    match text.strip_prefix("contact ") {
        Some(rest) => format!("Contact {rest}"),
        None => text.to_owned(),
    }
}

/// Unconfirmed profiles, plugs that go in elsewhere, plugs that sit loosely.
pub(super) fn of_sockets(cable: &Cable<'_>, problems: &mut Vec<Problem>) {
    for side in [Side::A, Side::B] {
        let socket = cable.socket(side);
        if !socket.is_confirmed {
            problems.push(Problem {
                kind: Kind::Unconfirmed,
                contacts: Vec::new(),
                text: format!(
                    "The profile {} is untested: measure its ground, its supply and its transmitter \
                     before you plug anything in.",
                    socket.name
                ),
            });
        }
        for (label, why) in look_alikes(socket) {
            problems.push(Problem {
                kind: Kind::LookAlike,
                contacts: Vec::new(),
                text: format!("NOT {label}: {why}"),
            });
        }
    }
    if cable.is_narrow {
        problems.push(Problem {
            kind: Kind::Narrow,
            contacts: Vec::new(),
            text:
                "A narrow plug sits in a wider socket: it holds, but may bend the outer contacts \
                   for good."
                    .to_owned(),
        });
    }
}

/// What would burn if a source that does not say from where it counts were to count from the other
/// side: the metal stays, and what is on it is turned round.
pub(super) fn mirror(cable: &Cable<'_>, side: Side, report: &Report) -> Option<Problem> {
    let socket = cable.socket(side);
    if socket.connector.view.is_some() || !socket.connector.shape.is_modular() {
        return None;
    }
    let mut turned = socket.connector.clone();
    turned.mirrored = !turned.mirrored;
    let other = Socket { connector: &turned, ..*socket };
    let (a, b) = match side {
        Side::A => (other, cable.b),
        Side::B => (cable.a, other),
    };
    let cable = Cable { a, b, links: cable.links.clone(), loops: cable.loops.clone(), ..*cable };
    let turned = as_told(&cable);
    let is_new = |problem: &&Problem| !report.has(problem.kind);
    let burns = |problem: &&Problem| {
        matches!(
            problem.kind,
            Kind::SupplyOnData
                | Kind::ShortCircuit
                | Kind::TwoSupplies
                | Kind::WrongVoltage
                | Kind::NotSerial
        )
    };
    let worst = turned.refusals().filter(burns).find(is_new)?;
    Some(Problem {
        kind: Kind::Mirror,
        contacts: Vec::new(),
        text: format!(
            "The source of {name} does not say from where it counts. If it is from the other side, \
             this is what happens: {} Measure first: with contact 1 at the left (socket, clip notch \
             down), ground and supply have to be where the profile has them.",
            worst.text,
            name = socket.name
        ),
    })
}

/// What the plug for this socket also goes into, and what is there: the machine's own sockets where
/// its profile tells, else those that such sockets usually are.
pub(crate) fn look_alikes(socket: &Socket<'_>) -> Vec<(String, String)> {
    let shape = socket.connector.shape;
    if !shape.is_modular() {
        return Vec::new();
    }
    let fits = |other: Shape| other.is_modular() && other.positions() >= shape.positions();
    let told = socket.beside.iter().filter(|beside| fits(beside.shape)).map(|beside| {
        let carries =
            beside.carries.map_or(String::new(), |rail| format!(", which carries {rail}"));
        let (label, name) = (&beside.label, socket.name);
        (label.clone(), format!("the plug also goes into the {label} socket of {name}{carries}."))
    });
    let told: Vec<_> = told.collect();
    if !told.is_empty() {
        return told;
    }
    let line =
        ("LINE", "a telephone socket takes the same plug and carries 48 V, 90 V when it rings.");
    let drawer = ("DRAWER", "a cash-drawer socket takes the same plug and carries 24 V.");
    let lan = ("LAN", "a network socket takes the same plug and may carry 48 V.");
    let usual: &[(&str, &str)] = match shape {
        Shape::Rj11 | Shape::Rj12 => &[line, drawer],
        // Some makers' drawers have eight contacts.
        Shape::Rj45 | Shape::Rj50 => &[lan, drawer],
        _ => &[],
    };
    usual.iter().map(|(label, why)| ((*label).to_owned(), (*why).to_owned())).collect()
}
