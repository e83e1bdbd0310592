//! Who drives whom, at which level, and which flow control that allows.

use super::{Kind, Net, Problem};
use crate::wiring::cable::{Cable, Contact, Loop, Side};
use crate::wiring::signal::{Duty, Level, Line};
use crate::wiring::{Flow, Part};

impl Net<'_, '_> {
    /// Judges the data and control lines on this net.
    pub(super) fn signals(&self, problems: &mut Vec<Problem>) {
        let outs = self.with(|duty| matches!(duty, Duty::Out(_)));
        let ins = self.with(|duty| matches!(duty, Duty::In(_)));
        self.drivers(&outs, &ins, problems);
        self.lines(&outs, &ins, problems);
        self.usb(problems);
        self.grounds(problems);
        self.unknown(problems);
        for (out, heard) in outs.iter().flat_map(|out| ins.iter().map(move |heard| (out, heard))) {
            self.level(*out, *heard, problems);
        }
    }

    fn drivers(&self, outs: &[Contact], ins: &[Contact], problems: &mut Vec<Problem>) {
        if outs.len() > 1 {
            problems.push(Problem {
                kind: Kind::TwoDrivers,
                contacts: outs.to_vec(),
                text: format!(
                    "Two transmitters on one wire: {}. Where one says high and the other low, both \
                     get hot and nothing is heard. Cross the wires: each transmitter goes to a \
                     receiver.",
                    self.call(outs)
                ),
            });
        }
        let sides = |side: Side| ins.iter().any(|contact| contact.side == side);
        if outs.is_empty() && sides(Side::A) && sides(Side::B) {
            problems.push(Problem {
                kind: Kind::NobodyDrives,
                contacts: ins.to_vec(),
                text: format!(
                    "Two receivers on one wire and no transmitter: {}. Neither hears anything. Cross \
                     the wires: each receiver goes to a transmitter.",
                    self.call(ins)
                ),
            });
        }
    }

    /// Data on a control line, and the other way round; a device that hears itself.
    fn lines(&self, outs: &[Contact], ins: &[Contact], problems: &mut Vec<Problem>) {
        let is_data = |contact: &Contact| {
            matches!(self.cable.duty(*contact), Some(Duty::Out(Line::Data) | Duty::In(Line::Data)))
        };
        for out in outs {
            let wrong: Vec<Contact> =
                ins.iter().copied().filter(|heard| is_data(heard) != is_data(out)).collect();
            if !wrong.is_empty() {
                let what = match is_data(out) {
                    true => "Data on a control line",
                    false => "A control line on a data input, which hears a break without end",
                };
                problems.push(Problem {
                    kind: Kind::MixedLines,
                    text: format!(
                        "{what}: {} drives {}. Take this wire to where it belongs.",
                        self.cable.call(*out),
                        self.call(&wrong)
                    ),
                    contacts: [vec![*out], wrong].concat(),
                });
            }
            let own = |heard: &&Contact| heard.side == out.side && is_data(heard);
            if is_data(out)
                && let Some(heard) = ins.iter().find(own)
            {
                problems.push(Problem {
                    kind: Kind::MixedLines,
                    contacts: vec![*out, *heard],
                    text: format!(
                        "{} is joined to {}: the device hears itself and nobody else.",
                        self.cable.call(*out),
                        self.cable.call(*heard)
                    ),
                });
            }
        }
    }

    fn usb(&self, problems: &mut Vec<Problem>) {
        let wires = self.with(|duty| matches!(duty, Duty::Usb(_)));
        let Some(first) = wires.first() else { return };
        let duty = self.cable.duty(*first);
        let alien = self.with(|other| Some(other) != duty && other.is_data());
        if !alien.is_empty() {
            problems.push(Problem {
                kind: Kind::MixedLines,
                text: format!(
                    "A wire of USB on another line: {} meets {}. RS-232's 12 V burn a USB port. Take \
                     this wire out.",
                    self.call(&wires),
                    self.call(&alien)
                ),
                contacts: [wires, alien].concat(),
            });
        }
    }

    fn grounds(&self, problems: &mut Vec<Problem>) {
        let grounds = self.with(|duty| matches!(duty, Duty::Ground | Duty::Shield));
        let data = self.with(Duty::is_data);
        if !grounds.is_empty() && !data.is_empty() {
            problems.push(Problem {
                kind: Kind::GroundOnData,
                text: format!(
                    "A data line on ground: {} meets {}. A transmitter there is shorted, a receiver \
                     is deaf. Take this wire out.",
                    self.call(&data),
                    self.call(&grounds)
                ),
                contacts: [data, grounds].concat(),
            });
        }
        let shields = self.with(|duty| duty == Duty::Shield);
        let has = |side: Side| shields.iter().any(|contact| contact.side == side);
        if has(Side::A) && has(Side::B) {
            problems.push(Problem {
                kind: Kind::Shield,
                contacts: shields,
                text: "The screen is joined at both ends: where the two machines are on different \
                       mains sockets, current flows through it. Join it at the host's end only."
                    .to_owned(),
            });
        }
    }

    /// Contacts of which a profile says nothing, joined to something. Supplies are told of with power.
    fn unknown(&self, problems: &mut Vec<Problem>) {
        let unknown: Vec<Contact> =
            self.contacts.iter().copied().filter(|one| self.cable.pin(*one).is_none()).collect();
        let known = self.with(|duty| !matches!(duty, Duty::Supply | Duty::Open));
        let has_supply = !self.with(|duty| duty == Duty::Supply).is_empty();
        if !unknown.is_empty() && !known.is_empty() && !has_supply {
            problems.push(Problem {
                kind: Kind::UnknownContact,
                text: format!(
                    "Nobody knows what is on {}: the profile says nothing of it, and here it meets \
                     {}. It may carry power. Take this wire out, or measure that contact first.",
                    self.call(&unknown),
                    self.call(&known)
                ),
                contacts: [unknown, known].concat(),
            });
        }
    }

    fn level(&self, out: Contact, heard: Contact, problems: &mut Vec<Problem>) {
        let of = |contact: Contact| self.cable.socket(contact.side).connector.level;
        let Some((kind, why)) = mismatch(of(out), of(heard)) else { return };
        let text = format!(
            "{} ({}) drives {} ({}): {why}",
            self.cable.call(out),
            of(out).word(),
            self.cable.call(heard),
            of(heard).word()
        );
        problems.push(Problem { kind, contacts: vec![out, heard], text });
    }
}

/// What is wrong with a driver of one level at a receiver of another.
fn mismatch(out: Level, heard: Level) -> Option<(Kind, &'static str)> {
    use Level::{Rs232, Ttl3, Ttl5, TtlInverted};
    const CONVERTER: &str = "Put a level converter (MAX3232 or the like) between them.";
    let refused = |why| Some((Kind::LevelMismatch, why));
    match (out, heard) {
        (Rs232, Ttl5 | Ttl3 | TtlInverted) => refused(
            "RS-232 swings to 12 V either way and burns a logic input. Put a level converter (MAX3232 \
             or the like) between them.",
        ),
        (Ttl5 | Ttl3, Rs232) => refused(
            "logic levels are the wrong way round for RS-232: the receiver hears a break at rest, and \
             garbage. Put a level converter (MAX3232 or the like) between them.",
        ),
        (Ttl5 | Ttl3, TtlInverted) | (TtlInverted, Ttl5 | Ttl3) => {
            refused("one rests high and the other low. Put an inverter between them.")
        }
        (Ttl5, Ttl3) => refused(
            "5 V burns a 3.3 V input, unless its maker calls it 5 V tolerant. Put a level shifter \
             between them.",
        ),
        (Ttl3, Ttl5) => {
            Some((Kind::Marginal, "3.3 V is high enough for most 5 V inputs, not for all."))
        }
        (TtlInverted, Rs232) => Some((
            Kind::Marginal,
            "0 V and 5 V are enough for most RS-232 receivers, though the standard asks for -3 V. \
             Keep the cord short.",
        )),
        (Level::None, _) | (_, Level::None) => refused(CONVERTER),
        (Level::Unknown, _) | (_, Level::Unknown) => Some((
            Kind::LevelUnknown,
            "nobody says what the levels are. Measure at rest: -5 to -12 V is RS-232, 3 to 5 V is \
             logic, and one burns the other.",
        )),
        (Rs232, Rs232) | (Ttl5, Ttl5) | (Ttl3, Ttl3) | (TtlInverted, TtlInverted) => None,
    }
}

/// Data without a common ground is measured against nothing.
pub(super) fn ground(cable: &Cable<'_>, nets: &[Net<'_, '_>], problems: &mut Vec<Problem>) {
    let joins = |duty: Duty| {
        nets.iter().any(|net| {
            let on = |side| net.has(side, Duty::Ground) || net.has(side, duty);
            on(Side::A) && on(Side::B)
        })
    };
    let needs = nets.iter().any(|net| !net.with(|d| d.is_data() || d == Duty::Supply).is_empty());
    if !needs || joins(Duty::Ground) {
        return;
    }
    let grounds = |side: Side| {
        let socket = cable.socket(side);
        let contacts: Vec<String> = socket
            .connector
            .with_duty(Duty::Ground)
            .into_iter()
            .map(|position| cable.call(Contact { side, position }))
            .collect();
        match contacts.as_slice() {
            [] => format!("{} (whose profile names none)", socket.name),
            _ => super::words::list(contacts.into_iter()),
        }
    };
    problems.push(Problem {
        kind: Kind::NoCommonGround,
        contacts: Vec::new(),
        text: format!(
            "No common ground: the voltages of one side are measured against nothing at the other, \
             and currents find their way through the data lines. Join the grounds of {} and {}.",
            grounds(Side::A),
            grounds(Side::B)
        ),
    });
}

/// From whom bytes arrive. A scanner that cannot be asked anything is still a scanner.
pub(super) fn data(
    cable: &Cable<'_>,
    nets: &[Net<'_, '_>],
    problems: &mut Vec<Problem>,
) -> Vec<Side> {
    let arrives = |from: &Side| nets.iter().any(|net| net.carries(*from, Line::Data, Line::Data));
    let from: Vec<Side> = [Side::A, Side::B].into_iter().filter(arrives).collect();
    let name = |side: Side| cable.socket(side).name;
    match from.as_slice() {
        [] => problems.push(Problem {
            kind: Kind::NoData,
            contacts: Vec::new(),
            text: format!(
                "Nothing is heard through this cable: no transmitter of {} meets a receiver of {}, \
                 and none the other way.",
                name(Side::A),
                name(Side::B)
            ),
        }),
        [only] => {
            let part = |side: Side| cable.socket(side).part;
            let is_deaf = match (part(only.other()), part(*only)) {
                (Part::Device, _) => true,
                (silent, Part::Host) => silent != Part::Host,
                _ => false,
            };
            let (kind, what) = match is_deaf {
                true => (Kind::NoData, "so no code arrives"),
                false => (Kind::OneWay, "so it cannot be asked or set"),
            };
            problems.push(Problem {
                kind,
                contacts: Vec::new(),
                text: format!(
                    "Bytes go one way only: from {} to {}. {} is not heard, {what}.",
                    name(*only),
                    name(only.other()),
                    name(only.other()),
                ),
            });
        }
        _ => {}
    }
    from
}

/// The flow controls that the wires carry.
pub(super) fn permitted(nets: &[Net<'_, '_>], data_from: &[Side]) -> Vec<Flow> {
    let both = |line: Line| {
        [Side::A, Side::B]
            .into_iter()
            .all(|from| nets.iter().any(|net| net.carries(from, line, line)))
    };
    let mut permitted = Vec::new();
    if !data_from.is_empty() {
        permitted.push(Flow::None);
    }
    if data_from.len() == 2 {
        permitted.push(Flow::XonXoff);
    }
    if both(Line::Request) {
        permitted.push(Flow::RtsCts);
    }
    if both(Line::Ready) {
        permitted.push(Flow::DtrDsr);
    }
    permitted
}

/// The line that a hardware flow control uses.
fn line_of(flow: Flow) -> Option<Line> {
    match flow {
        Flow::RtsCts => Some(Line::Request),
        Flow::DtrDsr => Some(Line::Ready),
        Flow::None | Flow::XonXoff => None,
    }
}

/// The bridges without which a device that is set to hardware flow control waits for ever.
pub(super) fn loops_needed(
    cable: &Cable<'_>,
    nets: &[Net<'_, '_>],
    permitted: &[Flow],
) -> Vec<Loop> {
    let mut loops = Vec::new();
    for side in [Side::A, Side::B] {
        let socket = cable.socket(side);
        let Some(line) = line_of(socket.flow).filter(|_| !permitted.contains(&socket.flow)) else {
            continue;
        };
        let is_driven = nets.iter().any(|net| {
            net.has(side, Duty::In(line)) && !net.with(|d| matches!(d, Duty::Out(_))).is_empty()
        });
        let outs = socket.connector.with_duty(Duty::Out(line));
        let ins = socket.connector.with_duty(Duty::In(line));
        if let (false, [one, ..], [other, ..]) = (is_driven, outs.as_slice(), ins.as_slice()) {
            loops.push(Loop { side, one: *one, other: *other });
        }
    }
    loops
}

/// Hardware flow control that was asked for, or that a device waits for, without its wires.
pub(super) fn flow(
    cable: &Cable<'_>,
    permitted: &[Flow],
    loops_needed: &[Loop],
    problems: &mut Vec<Problem>,
) {
    if let Some(flow) = cable.flow.filter(|flow| !permitted.contains(flow)) {
        let wires = match flow {
            Flow::RtsCts => "RTS to CTS in both directions",
            Flow::DtrDsr => "DTR to DSR in both directions",
            Flow::None | Flow::XonXoff => "TXD to RXD in both directions",
        };
        problems.push(Problem {
            kind: Kind::FlowWithoutWires,
            contacts: Vec::new(),
            text: format!(
                "Flow control {} is asked for, but its wires are not there: it needs {wires}. \
                 Without them the devices wait for each other for ever.",
                flow.word()
            ),
        });
    }
    for needed in loops_needed {
        let contact = |position| Contact { side: needed.side, position };
        let socket = cable.socket(needed.side);
        problems.push(Problem {
            kind: Kind::FlowWithoutWires,
            contacts: vec![contact(needed.one), contact(needed.other)],
            text: format!(
                "{} is set to {} and nobody tells it to send: it waits for ever. Bridge {} and {} in \
                 its plug, or set it to no flow control.",
                socket.name,
                socket.flow.word(),
                cable.call(contact(needed.one)),
                cable.call(contact(needed.other))
            ),
        });
    }
}
