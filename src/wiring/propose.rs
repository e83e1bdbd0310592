//! Finds the cable that connects two sockets rightly, wire by wire, and what does it ready-made.
//!
//! Contract: every wire is laid for a reason (ground to ground, output to input, supply to a draw of
//! its voltage), so none can put power on a data line. What cannot be laid is left open and told of by
//! `check`.

use super::Socket;
use super::cable::{Cable, Link, Loop, Made, Side};
use super::check::{self, Report};
use super::connector::{Connector, Position};
use super::cord::{ADAPTERS, Run};
use super::signal::{Duty, Line, Pin, Signal};

/// A cable to make, and what is sold that makes it unnecessary.
#[derive(Clone, Debug)]
pub struct Proposal<'s> {
    /// The wires.
    pub cable: Cable<'s>,
    /// What is to be said of it.
    pub report: Report,
    /// Cords and adapters that do as well.
    pub ready_made: Vec<Made>,
}

/// Finds the cable between two sockets.
#[must_use]
pub fn propose<'s>(a: Socket<'s>, b: Socket<'s>) -> Proposal<'s> {
    let mut links = grounds(a.connector, b.connector);
    links.extend(lines(a.connector, b.connector));
    links.extend(supplies(a.connector, b.connector));
    links.sort();
    let mut cable = Cable::of_wires(a, b, links, Vec::new());
    cable.loops = loops(&cable);
    let report = check::check(&cable);
    let ready_made = if report.data_from.is_empty() { Vec::new() } else { ready_made(a, b) };
    Proposal { cable, report, ready_made }
}

/// Grounds in their order. Where one side has more, the others stay open: they are one inside.
fn grounds(a: &Connector, b: &Connector) -> Vec<Link> {
    let (a, b) = (a.with_duty(Duty::Ground), b.with_duty(Duty::Ground));
    a.into_iter().zip(b).map(|(a, b)| Link { a, b }).collect()
}

/// Each input to the output that belongs to it.
fn lines(a: &Connector, b: &Connector) -> Vec<Link> {
    let mut links = Vec::new();
    for line in [Line::Data, Line::Request, Line::Ready, Line::Carrier, Line::Ring] {
        let (out, heard) = (Duty::Out(line), Duty::In(line));
        let forth = a.with_duty(out).into_iter().zip(b.with_duty(heard));
        links.extend(forth.map(|(a, b)| Link { a, b }));
        let back = a.with_duty(heard).into_iter().zip(b.with_duty(out));
        links.extend(back.map(|(a, b)| Link { a, b }));
    }
    links
}

/// A supply to a draw of the same voltage that it has the current for.
fn supplies(a: &Connector, b: &Connector) -> Vec<Link> {
    let mut links = feed(a, b);
    links.extend(feed(b, a).into_iter().map(|Link { a, b }| Link { a: b, b: a }));
    links.extend(tap(a, b));
    links.extend(tap(b, a).into_iter().map(|Link { a, b }| Link { a: b, b: a }));
    links
}

fn feed(from: &Connector, to: &Connector) -> Vec<Link> {
    let mut free: Vec<(Position, &Pin)> = from.known();
    let mut links = Vec::new();
    for (draw, pin) in to.known() {
        let Pin::Draw { rail: wanted, milliamperes } = pin else { continue };
        let suits = |(_, pin): &(Position, &Pin)| match pin {
            Pin::Supply { rail, max_milliamperes } => {
                let is_enough =
                    max_milliamperes.zip(*milliamperes).is_none_or(|(max, ma)| ma <= max);
                rail == wanted && is_enough
            }
            _ => false,
        };
        if let Some(place) = free.iter().position(suits) {
            let (supply, _) = free.remove(place);
            links.push(Link { a: supply, b: draw });
        }
    }
    links
}

/// A device that lives on a modem line to that line, where nothing else hangs on it.
fn tap(from: &Connector, to: &Connector) -> Vec<Link> {
    let mut links = Vec::new();
    for (draw, pin) in to.known() {
        let Pin::Tap { line, .. } = pin else { continue };
        let line = if *line == Signal::Rts { Line::Request } else { Line::Ready };
        let is_heard = !to.with_duty(Duty::In(line)).is_empty();
        if let (false, Some(out)) = (is_heard, from.with_duty(Duty::Out(line)).first()) {
            links.push(Link { a: *out, b: draw });
        }
    }
    links
}

/// The bridges that a device needs, and DCD joined to the DSR that is driven: software that waits for
/// a carrier gets the other end's DTR.
fn loops(cable: &Cable<'_>) -> Vec<Loop> {
    let mut loops = check::check(cable).loops_needed;
    for side in [Side::A, Side::B] {
        let connector = cable.socket(side).connector;
        let is_linked = |position: &Position| {
            cable.links.iter().any(|link| match side {
                Side::A => link.a == *position,
                Side::B => link.b == *position,
            })
        };
        let carrier = connector.with_duty(Duty::In(Line::Carrier));
        let ready = connector.with_duty(Duty::In(Line::Ready));
        if let (Some(carrier), Some(ready)) = (carrier.first(), ready.first())
            && is_linked(ready)
            && !is_linked(carrier)
        {
            loops.push(Loop { side, one: *ready, other: *carrier });
        }
    }
    loops
}

/// The cords and adapters that connect them without a fault.
fn ready_made(a: Socket<'_>, b: Socket<'_>) -> Vec<Made> {
    let runs = [Run::Straight, Run::Reversed];
    let cords = runs.into_iter().filter_map(|run| Cable::of_cord(a, b, run).ok());
    let adapters = ADAPTERS.iter().flat_map(|adapter| {
        let runs = [None, Some(Run::Straight), Some(Run::Reversed)];
        runs.into_iter().filter_map(move |run| Cable::of_adapter(a, b, adapter, run).ok())
    });
    cords
        .chain(adapters)
        .filter(|cable| {
            let report = check::check(cable);
            report.is_safe() && report.data_from.len() == 2
        })
        .map(|cable| cable.made)
        .collect()
}
