//! What somebody says of a cable: a cord, an adapter, or wires by the numbers of the two profiles.

use super::cable::{Cable, Link, Loop, Side, Unmade};
use super::cord::{Adapter, Run};
use super::{Flow, Socket};

/// A cable in the words of whoever makes it; without any, the right one is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The cord.
    pub cord: Option<Run>,
    /// The adapter.
    pub adapter: Option<&'static Adapter>,
    /// The wires, from a number of the first profile to one of the second.
    pub wires: Vec<(u8, u8)>,
    /// The bridges in a plug, between two numbers of its profile.
    pub bridges: Vec<(Side, u8, u8)>,
    /// The flow control that it has to carry.
    pub flow: Option<Flow>,
}

impl Plan {
    /// Whether nothing is said of how the cable is made.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.cord.is_none()
            && self.adapter.is_none()
            && self.wires.is_empty()
            && self.bridges.is_empty()
    }

    /// The cable; the one that is right where nothing is said.
    ///
    /// # Errors
    ///
    /// Where no cord or adapter goes between the two.
    pub fn cable<'s>(&self, a: Socket<'s>, b: Socket<'s>) -> Result<Cable<'s>, Unmade> {
        let mut cable = match (self.adapter, self.cord) {
            _ if self.is_open() => super::propose(a, b).cable,
            (Some(adapter), cord) => Cable::of_adapter(a, b, adapter, cord)?,
            (None, Some(run)) => Cable::of_cord(a, b, run)?,
            (None, None) => Cable::of_wires(a, b, self.links(a, b), Vec::new()),
        };
        cable.flow = self.flow;
        cable.loops.extend(
            self.bridges
                .iter()
                .map(|(side, one, other)| {
                    let connector = cable.socket(*side).connector;
                    let (one, other) = (connector.position(*one), connector.position(*other));
                    Loop { side: *side, one, other }
                })
                .collect::<Vec<_>>(),
        );
        Ok(cable)
    }

    fn links(&self, a: Socket<'_>, b: Socket<'_>) -> Vec<Link> {
        let link = |(one, other): &(u8, u8)| Link {
            a: a.connector.position(*one),
            b: b.connector.position(*other),
        };
        self.wires.iter().map(link).collect()
    }
}

/// Reads `3-2`: a contact of the first profile and one of the second, or two of one plug.
#[must_use]
pub fn pair(text: &str) -> Option<(u8, u8)> {
    let (one, other) = text.split_once('-')?;
    let number = |text: &str| {
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u8>().ok().filter(|_| is_plain)
    };
    Some((number(one)?, number(other)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs() {
        assert_eq!(pair("3-12"), Some((3, 12)));
        for text in ["", "3", "3-", "-3", "3-x", "+3-2", "3--2", "3-256", "3 - 2"] {
            assert_eq!(pair(text), None, "{text:?}");
        }
    }
}
