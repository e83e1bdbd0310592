//! A cable between two sockets, and the nets that it makes of their contacts.

use std::fmt;

use super::connector::{Position, Shape};
use super::cord::{self, Adapter, Fit, Jack, Pairs, Run};
use super::signal::{Duty, Pin};
use super::{Flow, Socket};

/// One of the two sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The first.
    A,
    /// The second.
    B,
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// A contact of one of the two sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Contact {
    /// Which socket.
    pub side: Side,
    /// Which of its contacts.
    pub position: Position,
}

/// A wire from one socket to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// The contact of the first socket.
    pub a: Position,
    /// The contact of the second.
    pub b: Position,
}

/// A bridge between two contacts of the same plug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loop {
    /// Whose plug.
    pub side: Side,
    /// One contact.
    pub one: Position,
    /// The other.
    pub other: Position,
}

/// What a cable is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// Wires, each soldered or crimped on purpose.
    Wires,
    /// A cord.
    Cord(Run),
    /// An adapter, with a cord where it has a socket for one.
    Adapter(&'static Adapter, Option<Run>),
}

impl fmt::Display for Made {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wires => formatter.write_str("wires one by one"),
            Self::Cord(run) => write!(formatter, "a {} cord", run.word()),
            Self::Adapter(adapter, None) => write!(formatter, "the adapter {}", adapter.name),
            Self::Adapter(adapter, Some(run)) => {
                write!(formatter, "a {} cord and the adapter {}", run.word(), adapter.name)
            }
        }
    }
}

/// Why what was asked for is no cable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unmade {
    /// No cord has both ends.
    #[error("no {run} cord goes from {one} to {other}; name the wires one by one")]
    NoCord {
        /// How it was to run.
        run: &'static str,
        /// One end.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// The adapter's ends are not those.
    #[error("adapter {adapter} has {near} and {far}, and goes between no {one} and {other}")]
    WrongAdapter {
        /// The adapter.
        adapter: &'static str,
        /// Its near end.
        near: String,
        /// Its far end.
        far: String,
        /// One socket.
        one: String,
        /// The other.
        other: String,
    },
    /// A plug at each end, and a cord asked for besides.
    #[error("adapter {0} has a plug at both ends and takes no cord")]
    CordTooMany(&'static str),
    /// A socket where the device's cord goes in, and no cord named.
    #[error("adapter {0} has a socket for a cord; say which: straight or reversed")]
    CordMissing(&'static str),
}

/// A cable.
#[derive(Clone, Debug)]
pub struct Cable<'s> {
    /// One end.
    pub a: Socket<'s>,
    /// The other.
    pub b: Socket<'s>,
    /// The wires between the sockets.
    pub links: Vec<Link>,
    /// The bridges within a plug.
    pub loops: Vec<Loop>,
    /// What it is made of.
    pub made: Made,
    /// The flow control that it is to carry; without a wish that of the devices' profiles.
    pub flow: Option<Flow>,
    /// Whether a plug sits in a socket that is wider.
    pub is_narrow: bool,
}

impl<'s> Cable<'s> {
    /// A cable of these wires.
    #[must_use]
    pub fn of_wires(a: Socket<'s>, b: Socket<'s>, links: Vec<Link>, loops: Vec<Loop>) -> Self {
        Self { a, b, links, loops, made: Made::Wires, flow: None, is_narrow: false }
    }

    /// The two sockets joined by a cord.
    ///
    /// # Errors
    ///
    /// Where there is no such cord.
    pub fn of_cord(a: Socket<'s>, b: Socket<'s>, run: Run) -> Result<Self, Unmade> {
        let (one, other) = (a.connector.shape, b.connector.shape);
        let (shape, pairs) = find_cord(run, one, other)?;
        let plug = Jack { shape, gender: None, is_socket: false };
        let is_narrow = [a, b].iter().any(|socket| cord::fit(plug, socket) == Fit::Narrow);
        Ok(Self::of_pairs(a, b, pairs, Made::Cord(run), is_narrow))
    }

    /// The two sockets joined by an adapter, which sits at whichever end it fits.
    ///
    /// # Errors
    ///
    /// Where it fits neither, and where it lacks a cord or has no place for one.
    pub fn of_adapter(
        a: Socket<'s>,
        b: Socket<'s>,
        adapter: &'static Adapter,
        run: Option<Run>,
    ) -> Result<Self, Unmade> {
        let at_b = Self::reach(&a, &b, adapter, run)?;
        let (pairs, is_narrow) = match at_b {
            Some(found) => found,
            None => {
                let (pairs, is_narrow) = Self::reach(&b, &a, adapter, run)?
                    .ok_or_else(|| wrong_adapter(adapter, &a, &b))?;
                (pairs.into_iter().map(|(b, a)| (a, b)).collect(), is_narrow)
            }
        };
        Ok(Self::of_pairs(a, b, pairs, Made::Adapter(adapter, run), is_narrow))
    }

    /// The pairs from the socket at the adapter's near end to the one at its far end.
    fn reach(
        near: &Socket<'_>,
        far: &Socket<'_>,
        adapter: &'static Adapter,
        run: Option<Run>,
    ) -> Result<Option<(Pairs, bool)>, Unmade> {
        if cord::fit(adapter.far, far) == Fit::Not {
            return Ok(None);
        }
        match (adapter.near.is_socket, run) {
            (false, Some(_)) => Err(Unmade::CordTooMany(adapter.name)),
            (true, None) => Err(Unmade::CordMissing(adapter.name)),
            (false, None) => match cord::fit(adapter.near, near) {
                Fit::Not => Ok(None),
                fit => {
                    let seat =
                        |position| cord::seat(adapter.near.shape, near.connector.shape, position);
                    let pairs = adapter.pairs().into_iter();
                    let pairs = pairs.map(|(start, end)| (seat(start), end)).collect();
                    Ok(Some((pairs, fit == Fit::Narrow)))
                }
            },
            (true, Some(run)) => {
                let shape = near.connector.shape;
                let Ok((plug, cord)) = find_cord(run, shape, adapter.near.shape) else {
                    return Ok(None);
                };
                let is_narrow = plug.positions() < shape.positions()
                    || plug.positions() < adapter.near.shape.positions();
                Ok(Some((cord::through(&cord, &adapter.pairs()), is_narrow)))
            }
        }
    }

    fn of_pairs(a: Socket<'s>, b: Socket<'s>, pairs: Pairs, made: Made, is_narrow: bool) -> Self {
        let has = |(one, other): &(Position, Position)| {
            a.connector.shape.has(*one) && b.connector.shape.has(*other)
        };
        let links = pairs.into_iter().filter(has).map(|(a, b)| Link { a, b }).collect();
        Self { a, b, links, loops: Vec::new(), made, flow: None, is_narrow }
    }

    /// The socket at a side.
    #[must_use]
    pub fn socket(&self, side: Side) -> &Socket<'s> {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }

    /// What is on a contact; nothing where its profile says nothing of it.
    #[must_use]
    pub fn pin(&self, contact: Contact) -> Option<&Pin> {
        self.socket(contact.side).connector.pin(contact.position)
    }

    /// What a contact does; nothing where its profile says nothing of it.
    #[must_use]
    pub fn duty(&self, contact: Contact) -> Option<Duty> {
        self.socket(contact.side).connector.duty(contact.position)
    }

    /// How a contact is called in a sentence, in its own profile's counting.
    #[must_use]
    pub fn call(&self, contact: Contact) -> String {
        let socket = self.socket(contact.side);
        let number = socket.connector.number(contact.position);
        match self.pin(contact) {
            Some(pin) => format!("contact {number} ({pin}) of {}", socket.name),
            None => format!("contact {number} of {}", socket.name),
        }
    }

    /// The groups of contacts that the cable makes one, each with two contacts or more, in the order
    /// of their first.
    #[must_use]
    pub fn nets(&self) -> Vec<Vec<Contact>> {
        let mut nets: Vec<Vec<Contact>> = Vec::new();
        for (one, other) in self.joints() {
            let (mut joined, mut rest) = (vec![one, other], Vec::new());
            for net in nets {
                if net.contains(&one) || net.contains(&other) {
                    joined.extend(net);
                } else {
                    rest.push(net);
                }
            }
            joined.sort();
            joined.dedup();
            rest.push(joined);
            nets = rest;
        }
        nets.sort();
        nets
    }

    /// Every two contacts that a wire or a bridge joins.
    fn joints(&self) -> impl Iterator<Item = (Contact, Contact)> {
        let links = self.links.iter().map(|link| {
            let contact = |side, position| Contact { side, position };
            (contact(Side::A, link.a), contact(Side::B, link.b))
        });
        let loops = self.loops.iter().map(|bridge| {
            let contact = |position| Contact { side: bridge.side, position };
            (contact(bridge.one), contact(bridge.other))
        });
        links.chain(loops)
    }
}

fn find_cord(run: Run, one: Shape, other: Shape) -> Result<(Shape, Pairs), Unmade> {
    cord::cord(run, one, other).ok_or(Unmade::NoCord {
        run: run.word(),
        one: one.word(),
        other: other.word(),
    })
}

fn wrong_adapter(adapter: &'static Adapter, a: &Socket<'_>, b: &Socket<'_>) -> Unmade {
    let words = |shape: Shape, gender: Option<super::Gender>| match gender {
        Some(gender) => format!("{} {}", shape.word(), gender.word()),
        None => shape.word().to_owned(),
    };
    let jack = |jack: Jack| words(jack.shape, jack.gender);
    let socket = |socket: &Socket<'_>| words(socket.connector.shape, socket.connector.gender);
    Unmade::WrongAdapter {
        adapter: adapter.name,
        near: jack(adapter.near),
        far: jack(adapter.far),
        one: socket(a),
        other: socket(b),
    }
}
