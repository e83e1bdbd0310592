//! Cords and adapters: which contact of one end is which of the other.

use super::Socket;
use super::connector::{Gender, Position, Shape};

/// How a cord with the same plug at both ends is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// Contact 1 to contact 1.
    Straight,
    /// Contact 1 to the last: a flat telephone cord, whose plugs sit on the same side of the flat
    /// cable, and what Cisco calls rolled.
    Reversed,
}

impl Run {
    /// The word used in files and on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Straight => "straight",
            Self::Reversed => "reversed",
        }
    }
}

/// One end of a cord or an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jack {
    /// Its shape.
    pub shape: Shape,
    /// Pins or holes, on shapes that come as both.
    pub gender: Option<Gender>,
    /// Whether a cord goes into it, rather than it into a socket.
    pub is_socket: bool,
}

/// Something sold ready-made that goes from one shape to another.
#[derive(Debug, PartialEq, Eq)]
pub struct Adapter {
    /// Its name on the command line and in files.
    pub name: &'static str,
    /// What it is.
    pub title: &'static str,
    /// The end towards the device.
    pub near: Jack,
    /// The end towards the host.
    pub far: Jack,
    /// Contacts of the near end and of the far end that are one.
    pub wires: &'static [(u8, u8)],
    /// Where this is written.
    pub source: &'static str,
}

const fn modular_socket(shape: Shape) -> Jack {
    Jack { shape, gender: None, is_socket: true }
}

const fn d_sub(shape: Shape, gender: Gender) -> Jack {
    Jack { shape, gender: Some(gender), is_socket: false }
}

const DE9F: Jack = d_sub(Shape::De9, Gender::Female);
const DE9M: Jack = d_sub(Shape::De9, Gender::Male);

/// The adapters.
pub const ADAPTERS: &[Adapter] = &[
    Adapter {
        name: "null-modem",
        title: "null modem with hardware flow control, DE-9 female to female",
        near: DE9F,
        far: DE9F,
        wires: &[(2, 3), (3, 2), (4, 6), (4, 1), (6, 4), (1, 4), (5, 5), (7, 8), (8, 7)],
        source: "Microsoft, Null Modem Cable Architecture, aa913546: 1 and 6 to 4, 2-3, 3-2, 4 to 1 and \
                 6, 5-5, 7-8, 8-7",
    },
    Adapter {
        name: "db25-de9",
        title: "DB-25 male to DE-9 female, a PC's serial port",
        near: d_sub(Shape::Db25, Gender::Male),
        far: DE9F,
        wires: &[(8, 1), (3, 2), (2, 3), (20, 4), (7, 5), (6, 6), (4, 7), (5, 8), (22, 9)],
        source: "MagTek MAXI MICR RS232 manual, table E-2",
    },
    Adapter {
        name: "eia-561-de9m",
        title: "RJ45 socket in the order of EIA/TIA-561 to DE-9 male: the same port in another shape",
        near: modular_socket(Shape::Rj45),
        far: DE9M,
        wires: &[(1, 6), (2, 1), (3, 4), (4, 5), (5, 2), (6, 3), (7, 8), (8, 7)],
        source: "EIA/TIA-561 as tabulated at jwenet.net/notebook/2004/1020.html",
    },
    Adapter {
        name: "cisco-console",
        title: "Cisco console cable, RJ45 plug to DE-9 female",
        near: Jack { shape: Shape::Rj45, gender: None, is_socket: false },
        far: DE9F,
        wires: &[(1, 8), (2, 6), (3, 2), (4, 5), (5, 5), (6, 3), (7, 4), (8, 7)],
        source: "philpem.me.uk/computer/serial_cable and riceball.com/d/book/export/html/756",
    },
    Adapter {
        name: "cisco-terminal",
        title: "Cisco RJ45-to-DE-9 adapter marked TERMINAL, for a rolled (reversed) cord",
        near: modular_socket(Shape::Rj45),
        far: DE9F,
        wires: &[(1, 7), (2, 4), (3, 3), (4, 5), (5, 5), (6, 2), (7, 6), (8, 8)],
        source: "gist xk2600/858746317a0c0a5721754db37846e564, DB9 female to RJ45 console port terminal \
                 adapter; with a rolled cord it is the console cable, which a test holds",
    },
    Adapter {
        name: "digi-de9f",
        title: "Digi's RJ45 order to DE-9 female, for a PC",
        near: modular_socket(Shape::Rj45),
        far: DE9F,
        wires: &[(5, 2), (4, 3), (2, 4), (6, 5), (7, 6), (8, 7), (1, 8)],
        source: "hydra-www.ietfng.org/jhuacm-notes/admindoc/core/hardware/digi.html, the mating pins; \
                 its DCD to DCD joins two inputs and is left out",
    },
];

/// The adapter of this name.
#[must_use]
pub fn adapter(name: &str) -> Option<&'static Adapter> {
    ADAPTERS.iter().find(|adapter| adapter.name == name)
}

/// Pairs of contacts, one of each end, that are one piece of metal.
pub type Pairs = Vec<(Position, Position)>;

impl Adapter {
    /// Its wires from the near end to the far end.
    #[must_use]
    pub fn pairs(&self) -> Pairs {
        self.wires.iter().map(|(near, far)| (Position(*near), Position(*far))).collect()
    }

    /// Its wires from the far end to the near end.
    #[must_use]
    pub fn pairs_back(&self) -> Pairs {
        self.wires.iter().map(|(near, far)| (Position(*far), Position(*near))).collect()
    }
}

/// How well a plug goes into a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It belongs there.
    Exact,
    /// A narrower modular plug in the middle of a wider socket: it holds, and may bend the outer
    /// contacts.
    Narrow,
    /// It does not go in.
    Not,
}

/// How a plug of this shape and gender goes into a socket.
#[must_use]
pub fn fit(plug: Jack, socket: &Socket<'_>) -> Fit {
    let hole = socket.connector;
    let genders_fit = match (plug.gender, hole.gender) {
        (Some(plug), Some(hole)) => plug != hole,
        _ => true,
    };
    let (plug_width, hole_width) = (plug.shape.positions(), hole.shape.positions());
    if plug.is_socket || !genders_fit {
        Fit::Not
    } else if plug.shape == hole.shape {
        if plug.shape == Shape::BareWires { Fit::Not } else { Fit::Exact }
    } else if !plug.shape.is_modular() || !hole.shape.is_modular() || plug_width > hole_width {
        Fit::Not
    } else if plug_width == hole_width {
        Fit::Exact
    } else {
        Fit::Narrow
    }
}

/// Where the contact of a modular plug is in a socket that may be wider: plugs sit in the middle.
#[must_use]
pub fn seat(plug: Shape, socket: Shape, position: Position) -> Position {
    let wider = socket.positions().saturating_sub(plug.positions());
    Position(if plug.is_modular() { position.0.saturating_add(wider / 2) } else { position.0 })
}

/// The wires of a cord between sockets or adapters of these shapes, whose plugs are of the narrower
/// shape; nothing where no cord has both ends.
#[must_use]
pub fn cord(run: Run, one: Shape, other: Shape) -> Option<(Shape, Pairs)> {
    let shape = match (one, other) {
        (Shape::BareWires, _) | (_, Shape::BareWires) => return None,
        (one, other) if one == other => one,
        (one, other) if !one.is_modular() || !other.is_modular() => return None,
        // Of two with the same body, the one with fewer contacts has all that the cord can join.
        (Shape::Rj11, other) if other.positions() == Shape::Rj11.positions() => Shape::Rj11,
        (one, other) if one.positions() < other.positions() => one,
        (_, other) => other,
    };
    if run == Run::Reversed && !shape.is_modular() {
        return None;
    }
    let far = |position: Position| match run {
        Run::Straight => position,
        Run::Reversed => Position(shape.positions() + 1 - position.0),
    };
    let pairs = shape
        .contacts()
        .map(|position| (seat(shape, one, position), seat(shape, other, far(position))))
        .collect();
    Some((shape, pairs))
}

/// One after the other.
#[must_use]
pub fn through(first: &[(Position, Position)], second: &[(Position, Position)]) -> Pairs {
    let onward = |(start, middle): &(Position, Position)| {
        let (start, middle) = (*start, *middle);
        let ends = second.iter().filter(move |(near, _)| *near == middle);
        ends.map(move |(_, end)| (start, *end)).collect::<Vec<_>>()
    };
    first.iter().flat_map(onward).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(pairs: &[(Position, Position)]) -> Vec<(u8, u8)> {
        pairs.iter().map(|(one, other)| (one.0, other.0)).collect()
    }

    #[test]
    fn cords() {
        let cord = |run, one, other| cord(run, one, other).map(|(_, pairs)| numbers(&pairs));
        assert_eq!(
            cord(Run::Straight, Shape::Rj11, Shape::Rj11).unwrap(),
            [(2, 2), (3, 3), (4, 4), (5, 5)]
        );
        assert_eq!(
            cord(Run::Reversed, Shape::Rj11, Shape::Rj12).unwrap(),
            [(2, 5), (3, 4), (4, 3), (5, 2)]
        );
        // A six-position plug sits in the middle of an RJ45 socket.
        assert_eq!(
            cord(Run::Straight, Shape::Rj12, Shape::Rj45).unwrap(),
            [(1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7)]
        );
        assert_eq!(
            cord(Run::Reversed, Shape::Rj9, Shape::Rj11).unwrap(),
            [(1, 5), (2, 4), (3, 3), (4, 2)]
        );
        assert_eq!(cord(Run::Straight, Shape::De9, Shape::De9).unwrap().len(), 9);
        for (run, one, other) in [
            (Run::Reversed, Shape::De9, Shape::De9),
            (Run::Straight, Shape::De9, Shape::Rj45),
            (Run::Straight, Shape::De9, Shape::Db25),
            (Run::Straight, Shape::BareWires, Shape::BareWires),
        ] {
            assert_eq!(cord(run, one, other), None, "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_rolled_cord_and_its_adapter_are_the_console_cable() {
        let (_, rolled) = cord(Run::Reversed, Shape::Rj45, Shape::Rj45).unwrap();
        let terminal = adapter("cisco-terminal").unwrap();
        let mut both = numbers(&through(&rolled, &terminal.pairs()));
        let mut console = numbers(&adapter("cisco-console").unwrap().pairs());
        both.sort_unstable();
        console.sort_unstable();
        assert_eq!(both, console);
    }

    #[test]
    fn adapters_have_names_sources_and_contacts_that_are_there() {
        for (place, one) in ADAPTERS.iter().enumerate() {
            assert_eq!(ADAPTERS.iter().position(|other| other.name == one.name), Some(place));
            assert!(!one.source.is_empty() && !one.wires.is_empty(), "{}", one.name);
            for (near, far) in one.pairs() {
                assert!(one.near.shape.has(near) && one.far.shape.has(far), "{}", one.name);
            }
        }
        let null_modem = adapter("null-modem").unwrap();
        let (mut there, mut back) = (null_modem.pairs(), null_modem.pairs_back());
        there.sort();
        back.sort();
        assert_eq!(there, back, "a null modem is the same from both ends");
    }
}
