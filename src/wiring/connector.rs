//! Connectors: their contacts, how the standard numbers them, and how a source does.
//!
//! Contract: a [`Position`] is a contact of the metal, by the standard's number. A source's number
//! becomes one only through [`Connector::position`], which knows from where the source looks and how
//! it counts. Everything that follows (cables, pictures) has positions.

use std::collections::BTreeMap;
use std::fmt;

use super::colour::Colour;
use super::signal::{Duty, Level, Pin, Role, Signal};

/// A contact by the number that the connector's standard gives it.
///
/// Modular sockets have position 1 at the left where one looks into the socket with the clip's notch
/// down (IEC 60603-7; plug and socket have the same numbers). The outer two of RJ11's six positions
/// have no contact. On D-subminiature and USB the numbers are moulded in or the standard's own; USB-C
/// counts A1 to A12 as 1 to 12 and B1 to B12 as 13 to 24.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position(pub u8);

/// A socket or plug, as its profile tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connector {
    /// Its shape.
    pub shape: Shape,
    /// Pins or holes, on shapes that come as both.
    pub gender: Option<Gender>,
    /// From where the source counts, in its words; absent only in an untested profile.
    pub view: Option<String>,
    /// Whether the source's order is the mirror image of the standard's.
    pub mirrored: bool,
    /// How the source numbers the contacts; absent only in an untested profile.
    pub counting: Option<Counting>,
    /// Whose names the signals are in.
    pub role: Role,
    /// The voltages on its data contacts.
    pub level: Level,
    /// What is on each contact, by its number in the source's counting.
    pub pins: BTreeMap<u8, Pin>,
    /// The colours of its wires, by the same numbers, where the source says.
    pub wires: BTreeMap<u8, Colour>,
}

/// The shapes of connectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// RJ9, 4 positions, 4 contacts: telephone handsets.
    Rj9,
    /// RJ11, 6 positions, the middle 4 fitted.
    Rj11,
    /// RJ12, 6 positions, 6 contacts.
    Rj12,
    /// RJ45, 8 positions, 8 contacts.
    Rj45,
    /// RJ50, 10 positions, 10 contacts.
    Rj50,
    /// D-subminiature, 9 contacts.
    De9,
    /// D-subminiature, 15 contacts in two rows.
    Da15,
    /// D-subminiature, 25 contacts.
    Db25,
    /// Mini-DIN with this many contacts, 3 to 9.
    MiniDin(u8),
    /// USB type A.
    UsbA,
    /// USB type B.
    UsbB,
    /// USB mini-B.
    UsbMiniB,
    /// USB micro-B.
    UsbMicroB,
    /// USB type C.
    UsbC,
    /// Wires without a connector, or a header or pads, numbered as the source lists them.
    BareWires,
}

/// The words used in profiles.
pub const SHAPES: [(&str, Shape); 21] = [
    ("RJ9-4P4C", Shape::Rj9),
    ("RJ11-6P4C", Shape::Rj11),
    ("RJ12-6P6C", Shape::Rj12),
    ("RJ45-8P8C", Shape::Rj45),
    ("RJ50-10P10C", Shape::Rj50),
    ("DE9", Shape::De9),
    ("DA15", Shape::Da15),
    ("DB25", Shape::Db25),
    ("mini-DIN-3", Shape::MiniDin(3)),
    ("mini-DIN-4", Shape::MiniDin(4)),
    ("mini-DIN-5", Shape::MiniDin(5)),
    ("mini-DIN-6", Shape::MiniDin(6)),
    ("mini-DIN-7", Shape::MiniDin(7)),
    ("mini-DIN-8", Shape::MiniDin(8)),
    ("mini-DIN-9", Shape::MiniDin(9)),
    ("USB-A", Shape::UsbA),
    ("USB-B", Shape::UsbB),
    ("USB-mini-B", Shape::UsbMiniB),
    ("USB-micro-B", Shape::UsbMicroB),
    ("USB-C", Shape::UsbC),
    ("bare-wires", Shape::BareWires),
];

/// More wires than any till's cable has.
pub const MOST_WIRES: u8 = 64;

impl Shape {
    /// The word used in profiles.
    #[must_use]
    pub fn word(self) -> &'static str {
        SHAPES.iter().find(|(_, shape)| *shape == self).map_or("", |(word, _)| word)
    }

    /// How many positions it has, fitted or not.
    #[must_use]
    pub const fn positions(self) -> u8 {
        match self {
            Self::Rj9 | Self::UsbA | Self::UsbB => 4,
            Self::UsbMiniB | Self::UsbMicroB => 5,
            Self::Rj11 | Self::Rj12 => 6,
            Self::Rj45 => 8,
            Self::De9 => 9,
            Self::Rj50 => 10,
            Self::Da15 => 15,
            Self::UsbC => 24,
            Self::Db25 => 25,
            Self::MiniDin(contacts) => contacts,
            Self::BareWires => MOST_WIRES,
        }
    }

    /// Whether it comes as pins and as holes, so that a profile has to say which.
    #[must_use]
    pub const fn has_gender(self) -> bool {
        matches!(self, Self::De9 | Self::Da15 | Self::Db25 | Self::MiniDin(_))
    }

    /// Whether it is one of the modular family: contacts side by side, a clip, and a plug that also
    /// goes into wider sockets.
    #[must_use]
    pub const fn is_modular(self) -> bool {
        matches!(self, Self::Rj9 | Self::Rj11 | Self::Rj12 | Self::Rj45 | Self::Rj50)
    }

    /// Whether there is metal at this position.
    #[must_use]
    pub fn has(self, position: Position) -> bool {
        match self {
            Self::Rj11 => (2..=5).contains(&position.0),
            _ => (1..=self.positions()).contains(&position.0),
        }
    }

    /// Its contacts, from 1 on.
    pub fn contacts(self) -> impl Iterator<Item = Position> {
        (1..=self.positions()).map(Position).filter(move |position| self.has(*position))
    }

    /// The ways in which its contacts are numbered, as first and last number.
    #[must_use]
    pub fn countings(self) -> Vec<Counting> {
        let whole = Counting { first: 1, last: self.positions() };
        match self {
            Self::Rj11 => {
                vec![Counting { first: 1, last: 4 }, Counting { first: 2, last: 5 }, whole]
            }
            Self::BareWires => (1..=MOST_WIRES).map(|last| Counting { first: 1, last }).collect(),
            _ => vec![whole],
        }
    }

    /// The numbers that its contacts have in a counting. RJ11 counted 1-6 numbers the positions, of
    /// which the outer two have no contact.
    #[must_use]
    pub fn numbers(self, counting: Option<Counting>) -> Counting {
        match (self, counting) {
            (Self::Rj11, Some(Counting { first: 1, last: 6 })) => Counting { first: 2, last: 5 },
            (_, Some(counting)) => counting,
            (_, None) => Counting { first: 1, last: self.positions() },
        }
    }
}

/// Pins or holes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gender {
    /// Pins.
    Male,
    /// Holes.
    Female,
}

impl Gender {
    /// What goes into it.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Male => Self::Female,
            Self::Female => Self::Male,
        }
    }

    /// The word used in profiles.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Male => "male",
            Self::Female => "female",
        }
    }
}

/// The numbers of the first and the last contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counting {
    /// The first.
    pub first: u8,
    /// The last.
    pub last: u8,
}

impl fmt::Display for Counting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.first, self.last)
    }
}

/// From where somebody looks at a modular connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Whether the standard's contact 1 is at the left from there.
    first_is_left: bool,
    /// At which side the source has its first contact, where it says.
    said: Option<Hand>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hand {
    Left,
    Right,
}

/// The places from where one can look, and whether the standard's contact 1 is at the left there.
///
/// A plug is the socket's mirror image where one looks at its nose. From its cable, and onto its
/// contacts with the cable towards oneself, it has the socket's order.
const VIEWS: [(&str, bool); 9] = [
    ("standard", true),
    ("socket front, clip down", true),
    ("socket front, clip up", false),
    ("plug front, clip down", false),
    ("plug front, clip up", true),
    ("plug from the cable, clip down", true),
    ("plug from the cable, clip up", false),
    ("plug contacts, cable down", true),
    ("plug contacts, cable up", false),
];

impl View {
    /// What [`Self::parse`] takes, for an error.
    #[must_use]
    pub fn accepted() -> String {
        let views: Vec<String> = VIEWS.iter().map(|(view, _)| format!("{view:?}")).collect();
        format!(
            "{}, each with \", 1 left\" or \", 1 right\" after it where the source counts from \
             there",
            views.join(", ")
        )
    }

    /// Reads `socket front, clip down` or `socket front, clip down, 1 right`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (view, said) = match text.rsplit_once(", 1 ") {
            Some((view, "left")) => (view, Some(Hand::Left)),
            Some((view, "right")) => (view, Some(Hand::Right)),
            Some(_) => return None,
            None => (text, None),
        };
        let found = VIEWS.iter().find(|(known, _)| *known == view);
        found.map(|(_, first_is_left)| Self { first_is_left: *first_is_left, said })
    }

    /// Whether the source's contact 1 is the standard's last.
    #[must_use]
    pub fn is_mirrored(self) -> bool {
        match self.said {
            None => false,
            Some(hand) => (hand == Hand::Left) != self.first_is_left,
        }
    }
}

impl Connector {
    /// Where the contact of this number is.
    #[must_use]
    pub fn position(&self, number: u8) -> Position {
        let number = match (self.shape, self.counting) {
            (Shape::Rj11, Some(Counting { first: 1, last: 4 })) => number.saturating_add(1),
            _ => number,
        };
        Position(if self.mirrored { self.flip(number) } else { number })
    }

    /// The number that the source gives to a contact.
    #[must_use]
    pub fn number(&self, position: Position) -> u8 {
        let number = if self.mirrored { self.flip(position.0) } else { position.0 };
        match (self.shape, self.counting) {
            (Shape::Rj11, Some(Counting { first: 1, last: 4 })) => number.saturating_sub(1),
            _ => number,
        }
    }

    fn flip(&self, number: u8) -> u8 {
        self.shape.positions().saturating_add(1).saturating_sub(number)
    }

    /// What is on a contact; nothing where the source says nothing of it.
    #[must_use]
    pub fn pin(&self, position: Position) -> Option<&Pin> {
        self.pins.get(&self.number(position))
    }

    /// The colour of a contact's wire, where the source says.
    #[must_use]
    pub fn colour(&self, position: Position) -> Option<Colour> {
        self.wires.get(&self.number(position)).copied()
    }

    /// What a contact does; nothing where the source says nothing of it.
    #[must_use]
    pub fn duty(&self, position: Position) -> Option<Duty> {
        self.pin(position).map(|pin| pin.duty(self.role))
    }

    /// The contacts that the source speaks of, in the standard's order.
    #[must_use]
    pub fn known(&self) -> Vec<(Position, &Pin)> {
        let mut known: Vec<_> =
            self.pins.iter().map(|(number, pin)| (self.position(*number), pin)).collect();
        known.sort_by_key(|(position, _)| *position);
        known
    }

    /// The contacts that do this, in the standard's order.
    #[must_use]
    pub fn with_duty(&self, duty: Duty) -> Vec<Position> {
        let known = self.known().into_iter();
        known.filter(|(_, pin)| pin.duty(self.role) == duty).map(|(position, _)| position).collect()
    }

    /// The contact with this signal.
    #[must_use]
    pub fn with_signal(&self, signal: Signal) -> Option<Position> {
        let known = self.known().into_iter();
        known.filter(|(_, pin)| **pin == Pin::Signal(signal)).map(|(position, _)| position).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(shape: Shape, view: &str, counting: (u8, u8)) -> Connector {
        Connector {
            shape,
            gender: None,
            view: Some(view.to_owned()),
            mirrored: View::parse(view).unwrap().is_mirrored(),
            counting: Some(Counting { first: counting.0, last: counting.1 }),
            role: Role::Dte,
            level: Level::Rs232,
            pins: BTreeMap::new(),
            wires: BTreeMap::new(),
        }
    }

    #[test]
    fn three_countings_of_rj11_name_the_same_metal() {
        for (counting, numbers) in
            [((1, 4), [1, 2, 3, 4]), ((2, 5), [2, 3, 4, 5]), ((1, 6), [2, 3, 4, 5])]
        {
            let socket = socket(Shape::Rj11, "socket front, clip down", counting);
            let positions = numbers.map(|number| socket.position(number).0);
            assert_eq!(positions, [2, 3, 4, 5], "{counting:?}");
            assert_eq!(positions.map(|position| socket.number(Position(position))), numbers);
        }
    }

    #[test]
    fn a_source_that_counts_from_the_other_side_is_turned_round() {
        for (view, mirrored) in [
            ("standard", false),
            ("socket front, clip down", false),
            ("socket front, clip down, 1 left", false),
            ("socket front, clip down, 1 right", true),
            ("socket front, clip up, 1 left", true),
            ("socket front, clip up, 1 right", false),
            ("plug front, clip down, 1 left", true),
            ("plug front, clip down, 1 right", false),
            ("plug from the cable, clip down, 1 left", false),
            ("plug contacts, cable down, 1 left", false),
            ("plug contacts, cable up, 1 left", true),
        ] {
            assert_eq!(View::parse(view).unwrap().is_mirrored(), mirrored, "{view}");
        }
        for text in
            ["", "socket", "socket front", "standard, 1 top", "socket front, clip down, 2 left"]
        {
            assert_eq!(View::parse(text), None, "{text}");
        }
        let socket = socket(Shape::Rj11, "socket front, clip down, 1 right", (1, 4));
        assert_eq!([1, 2, 3, 4].map(|number| socket.position(number).0), [5, 4, 3, 2]);
        assert_eq!([5, 4, 3, 2].map(|position| socket.number(Position(position))), [1, 2, 3, 4]);
    }

    #[test]
    fn every_number_goes_to_a_contact_and_back() {
        let views = ["standard", "socket front, clip up, 1 left"];
        for (_, shape) in SHAPES {
            for counting in shape.countings() {
                let ends = (counting.first, counting.last);
                for view in views.into_iter().filter(|_| shape.is_modular()) {
                    let socket = socket(shape, view, ends);
                    let numbers = shape.numbers(Some(counting));
                    let mut seen = Vec::new();
                    for number in numbers.first..=numbers.last {
                        let position = socket.position(number);
                        assert!(shape.has(position), "{} {number}", shape.word());
                        assert_eq!(socket.number(position), number);
                        seen.push(position);
                    }
                    seen.sort();
                    assert_eq!(seen, shape.contacts().collect::<Vec<_>>(), "{}", shape.word());
                }
            }
        }
    }

    #[test]
    fn the_numbers_around_are_no_contacts() {
        for (_, shape) in SHAPES {
            assert!(!shape.has(Position(0)) && !shape.has(Position(shape.positions() + 1)));
        }
        assert!(!Shape::Rj11.has(Position(1)) && !Shape::Rj11.has(Position(6)));
        assert_eq!(Shape::Rj11.contacts().count(), 4);
    }
}
